//! Keys that change while nodes run, and keys that vanish.

use std::fs;

use nix::sys::signal::{Signal, kill};
use vipd::control::State;

use crate::authentication::{all_discarded, enforced, give_key, hosts, key, pair};
use crate::lab::{Frames, Lab, Router, wait_until};

#[test]
fn keys_are_rotated_one_node_at_a_time() {
    let mut lab = Lab::new();
    let (mut a, mut b) = hosts(&mut lab);
    for node in [&a, &b] {
        give_key(node, "next", 2);
    }
    let signs_with = |priority, id: u8| {
        let keys = format!("{{ active_key: {id}, keys: [{{ id: 1, file: key }}, {{ id: 2, file: next }}] }}");
        Router::pair(priority).with("authentication", keys)
    };

    b.run(&[signs_with(100, 1)]);
    b.becomes(State::Active);
    a.run(&[signs_with(200, 2).with("preempt", false)]);

    a.wait_for("follows the old key", |router| router.active_router.is_some());
    assert!(b.stop().success());
    a.becomes(State::Active);
    b.run(&[signs_with(100, 1)]);
    b.wait_for("follows the new key", |router| router.active_router.is_some());
    assert_eq!((all_discarded(&a), all_discarded(&b)), (0, 0));
}

#[test]
fn keys_are_exchanged_by_reloads_without_a_packet_lost() {
    let mut lab = Lab::new();
    let (a, b) = pair(&mut lab, |priority| enforced(priority).with("advertisement_interval", "20ms"));
    let steps = [
        "{ keys: [{ id: 1, file: key }, { id: 2, file: new }], active_key: 1 }",
        "{ keys: [{ id: 1, file: key }, { id: 2, file: new }], active_key: 2 }",
        "{ keys: [{ id: 2, file: new }] }",
    ];
    for node in [&a, &b] {
        give_key(node, "new", 2);
    }

    for step in steps {
        for (node, priority) in [(&b, 100), (&a, 200)] {
            let router = enforced(priority).with("advertisement_interval", "20ms");
            node.configure(&[router.with("authentication", step)]);
            let output = node.vipd(&["reload"]);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("changed in place: authentication"), "{output:?}");
            b.after_hearing(3);
        }
    }

    assert_eq!((a.router().state, a.router().epoch), (State::Active, 1));
    assert_eq!((b.router().state, b.router().epoch), (State::Backup, 0));
    assert_eq!((all_discarded(&a), all_discarded(&b)), (0, 0));
    // Who has only the former key is nobody now.
    let mut attacker = lab.node(9);
    let frames = Frames::from(&mut attacker);
    frames.send(&frames.signed(255, &key(1, 1)));
    wait_until("the former key is unknown", || b.discarded("unknown_key") == 1);
}

#[test]
fn a_key_that_vanishes_or_goes_bad_while_the_agent_runs_ends_the_next_start_and_nothing_else() {
    for bad in [None, Some("hex:00\n")] {
        let mut lab = Lab::new();
        let (mut a, b) = pair(&mut lab, enforced);
        let path = a.folder().join("key");
        match bad {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }

        assert_eq!(a.vipd(&["reload"]).status.code(), Some(3));
        let agent = a.agent();
        kill(agent, Signal::SIGKILL).unwrap();

        wait_until("another agent answers", || {
            a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
        });
        a.becomes(State::Active);
        b.becomes(State::Backup);
        assert_eq!(all_discarded(&b), 0);
        assert!(a.stop().success());
        a.start_again();
        assert_eq!(a.ends().code(), Some(3));
        a.logs("the key file");
    }
}
