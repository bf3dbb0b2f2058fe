//! Leaving on purpose: the address is gone before anybody is told so (ownership rules 8 and 9).

use core::time::Duration;

use nix::sys::signal::Signal;
use vipd::control::{Drain, State};

use crate::lab::{Departure, Lab, Node, Router};

/// What a hand-over may take on a busy machine.
const PROMPT: Duration = Duration::from_millis(600);

/// Starts a pair; returns when the first is Active and the second has heard it.
fn pair(lab: &mut Lab, router: impl Fn(u8) -> Router) -> (Node, Node) {
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[router(200)]);
    b.run(&[router(100)]);
    a.becomes(State::Active);
    b.wait_for("follows", |router| router.active_router.is_some());
    (a, b)
}

#[test]
fn rule_8_on_sigterm_every_address_is_gone_before_priority_0() {
    let mut lab = Lab::new();
    let mut departure = Departure::prepare(&mut lab);

    departure.a.signal(Signal::SIGTERM);

    departure.is_in_order();
    assert_eq!(departure.a.ends().code(), Some(0));
    assert!(!departure.a.socket().exists());
}

#[test]
fn rule_8_on_ctrl_c_every_address_is_gone_before_priority_0() {
    let mut lab = Lab::new();
    let mut departure = Departure::prepare(&mut lab);

    departure.a.signal(Signal::SIGINT);

    departure.is_in_order();
    assert_eq!(departure.a.ends().code(), Some(0));
}

#[test]
fn rule_8_a_drain_removes_every_address_before_priority_0() {
    let mut lab = Lab::new();
    let mut departure = Departure::prepare(&mut lab);

    assert_eq!(departure.a.vipd(&["drain"]).status.code(), Some(0));

    departure.is_in_order();
}

#[test]
fn rule_4_one_of_a_pair_does_not_wait_for_skew_time() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    // Skew_Time at priority 1 is 996 ms.
    let slow = |priority| Router::pair(priority).with("advertisement_interval", "1s");
    a.run(&[slow(200)]);
    b.run(&[slow(1)]);
    a.becomes(State::Active);
    b.wait_for("follows", |router| router.active_router.is_some());
    let mut wire = lab.listen();

    a.signal(Signal::SIGTERM);

    let farewell = wire.wait_for("Priority 0", |seen| seen.is_farewell_of(&a));
    let next = wire.wait_for("the next one", |seen| seen.is_advertisement_of(&b));
    assert!(next.at - farewell.at < PROMPT, "{:?}", next.at - farewell.at);
}

#[test]
fn rule_9_drain_wait_ends_well_when_the_peer_has_the_role_and_the_node_stays_out() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, Router::pair);

    let output = a.vipd(&["drain", "--wait"]);

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("db: out; 10.77.0.2 is Active\n"), "{output:?}");
    assert_eq!(b.router().state, State::Active);
    assert!(b.has("10.77.0.100") && !a.has("10.77.0.100"));
    // It would preempt, were it not drained; and it stays out when the other leaves, too.
    assert_eq!(a.after_hearing(10).state, State::Aside);
    b.stop();
    a.wait_for("hears the other leave", |router| router.traffic.received_release == 1);
    let router = a.router();
    assert_eq!((router.state, router.drain), (State::Aside, Drain::Done));
}

#[test]
fn rule_9_a_drain_that_nobody_answers_is_taken_back_and_fails() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);

    let output = a.vipd(&["drain", "--wait"]);

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not drained: db"), "{output:?}");
    a.becomes(State::Active);
    assert_eq!(a.router().drain, Drain::Off);
    assert!(a.has("10.77.0.100"));
}

#[test]
fn a_forced_drain_gives_the_role_away_to_nobody() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);

    let output = a.vipd(&["drain", "--wait", "--force"]);

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!a.has("10.77.0.100"));
    // Three times as long as it would watch, were the drain not forced.
    a.wait_for("is still out", |router| router.state == State::Aside && router.in_state_ms > 1_500);
    assert_eq!(a.router().drain, Drain::Done);
}

#[test]
fn rule_9_a_drain_survives_a_restart_and_resume_ends_it() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab, Router::pair);
    assert_eq!(a.vipd(&["drain", "--wait"]).status.code(), Some(0));

    a.stop();
    a.start_again();
    a.answers();

    assert_eq!(a.after_hearing(10).state, State::Aside);
    assert_eq!(a.router().drain, Drain::Done);
    assert_eq!(b.router().state, State::Active);
    let output = a.vipd(&["resume"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"db: takes part\n".as_slice()));
    a.becomes(State::Active);
    b.becomes(State::Backup);
    a.stop();
    a.start_again();
    a.becomes(State::Active);
}

#[test]
fn one_router_of_two_is_drained_by_its_name() {
    let mut lab = Lab::new();
    let second =
        |priority| Router::pair(priority).with("name", "second").with("vrid", 52).with("addresses", "[10.77.0.101/24]");
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200), second(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100), second(100)]);
    b.becomes(State::Backup);
    b.wait_for("follows", |router| router.active_router.is_some());

    let output = a.vipd(&["drain", "second", "--wait"]);

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let states = |node: &Node| -> Vec<State> { node.status().routers.iter().map(|router| router.state).collect() };
    assert_eq!(states(&a), [State::Active, State::Aside]);
    assert_eq!(states(&b), [State::Backup, State::Active]);
    assert!(a.has("10.77.0.100") && b.has("10.77.0.101"));
}
