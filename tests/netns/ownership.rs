//! Whose address it is: somebody else's is left alone, and our own comes back (ownership rule 15).

use std::process::Command;

use vipd::control::State;

use crate::lab::{Lab, Router};

#[test]
fn rule_15_an_address_of_somebody_else_is_refused_by_name_and_left_alone() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.add_address("eth0", "10.77.0.100", 16);
    let mut wire = lab.listen();

    a.run(&[Router::pair(200)]);

    wire.wait_for("Priority 0", |seen| seen.is_farewell_of(&a));
    a.logs("cannot add 10.77.0.100/24 on eth0: 10.77.0.100/16 on eth0 is there and was not configured by vipd");
    a.wait_for("waits until it is free", |router| router.state == State::Aside && router.failures == 1);
    assert_eq!(a.router().traffic.became_active, 0);
    let known = a.find("10.77.0.100").unwrap();
    assert_eq!((known.prefix, known.valid_seconds), (16, None));
    assert!(a.stop().success());
    assert!(a.has("10.77.0.100"));
}

#[test]
fn rule_6_a_node_that_cannot_claim_does_not_depose_one_that_can() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    b.run(&[Router::pair(100).with("advertisement_interval", "10ms")]);
    b.becomes(State::Active);
    a.add_address("eth0", "10.77.0.100", 24);

    a.run(&[Router::pair(200).with("advertisement_interval", "10ms")]);

    // Long enough for several preemptions, had it begun one.
    a.wait_for("many advertisements heard", |router| router.traffic.received > 50);
    assert_eq!((a.router().epoch, b.router().epoch), (0, 1));
    a.remove_address("eth0", "10.77.0.100", 24);
    a.becomes(State::Active);
    b.becomes(State::Backup);
}

#[test]
fn an_address_that_was_removed_by_hand_returns_without_losing_the_role() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);

    a.remove_address("eth0", "10.77.0.100", 24);

    a.logs("somebody removed 10.77.0.100/24 on eth0; it is back");
    assert!(a.has("10.77.0.100"));
    assert_eq!((a.router().state, a.router().traffic.became_active), (State::Active, 1));
}

#[test]
fn an_address_that_is_removed_again_and_again_is_given_up() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    b.run(&[Router::pair(100)]);
    a.becomes(State::Active);
    b.wait_for("follows", |router| router.active_router.is_some());
    let mut wire = lab.listen();

    let mut left = false;
    while !left {
        if a.has("10.77.0.100") {
            a.remove_address("eth0", "10.77.0.100", 24);
        }
        left = wire.so_far().iter().any(|seen| seen.is_farewell_of(&a));
    }

    a.logs("claimed addresses are removed again and again");
    b.becomes(State::Active);
    assert!(b.has("10.77.0.100"));
}

#[test]
fn a_second_agent_in_the_same_network_namespace_is_refused() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    let other = a.folder().join("other.yaml");
    let socket = a.folder().join("other.sock");
    std::fs::write(
        &other,
        format!("control: {{ socket: {} }}\nvirtual_routers: [{}]", socket.display(), Router::pair(100)),
    )
    .unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
    command.args(["run", "--config"]).arg(&other);
    let output = a.namespace().enter(|| command.output().unwrap()).unwrap();

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("another vipd already runs in this network namespace"));
    assert_eq!(a.router().state, State::Active);
    assert!(a.has("10.77.0.100"));
}

#[test]
fn an_owner_whose_address_is_taken_away_gives_up_the_role_until_it_is_back() {
    let mut lab = Lab::new();
    let (mut owner, mut b) = (lab.node(1), lab.node(2));
    owner.add_address("eth0", "10.77.0.100", 24);
    owner.run(&[Router::pair(255)]);
    owner.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(2);
    let mut wire = lab.listen();

    owner.remove_address("eth0", "10.77.0.100", 24);

    wire.wait_for("Priority 0", |seen| seen.is_farewell_of(&owner));
    owner.logs("priority 255 needs 10.77.0.100/24 on eth0, which is not there");
    b.becomes(State::Active);
    assert!(b.has("10.77.0.100") && !owner.has("10.77.0.100"));
    owner.add_address("eth0", "10.77.0.100", 24);
    owner.becomes(State::Active);
    b.becomes(State::Backup);
    wire.wait_for("its announcement", |seen| seen.is_announcement_of(&owner));
}
