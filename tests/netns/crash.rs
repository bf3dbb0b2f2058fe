//! Death and absence of the processes: nobody has the address for longer than is stated.

use core::time::Duration;

use nix::sys::signal::{Signal, kill};
use vipd::control::State;
use vipd::net::netlink::{Monitor, MonitorEvent};
use vrrp_packet::ChecksumForm;

use crate::lab::{Departure, Lab, Node, Router, Sight, changes, ip, wait_at_most, wait_until};

/// What a busy machine may add to anything.
pub(crate) const SLACK: Duration = Duration::from_millis(1_500);
/// What a hand-over may take on a busy machine, which is less than a take-over takes.
pub(crate) const PROMPT: Duration = Duration::from_millis(1_000);

/// Starts a pair; returns when the first is Active and the second has heard it.
pub(crate) fn pair(lab: &mut Lab, router: impl Fn(u8) -> Router) -> (Node, Node) {
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[router(200)]);
    b.run(&[router(100)]);
    a.becomes(State::Active);
    b.wait_for("follows", |router| router.active_router.is_some());
    (a, b)
}

/// Tells whether an address has gone since the last look.
pub(crate) fn has_gone(events: &mut Monitor, address: &str) -> bool {
    removed_by(events, address).is_some()
}

/// Returns the netlink port of whoever removed an address since the last look; 0: the kernel itself.
fn removed_by(events: &mut Monitor, address: &str) -> Option<u32> {
    let mut by = None;
    while let Some(event) = events.next_event().unwrap() {
        if let MonitorEvent::AddressGone(change) = event
            && change.address.address == ip(address)
        {
            by = Some(change.by);
        }
    }
    by
}

#[test]
fn the_guardian_cleans_up_after_a_killed_agent_and_starts_another() {
    let mut lab = Lab::new();
    let mut departure = Departure::prepare(&mut lab);
    let agent = departure.a.agent();

    kill(agent, Signal::SIGKILL).unwrap();

    departure.is_in_order();
    let a = &mut departure.a;
    wait_until("another agent answers", || {
        a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
    });
    assert!(a.log().contains("the agent died"));
    a.becomes(State::Active);
    departure.b.becomes(State::Backup);
}

#[test]
fn the_guardian_cleans_up_ipv6_too() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, |priority| Router::ipv6_pair(priority).with("advertisement_interval", "500ms"));
    let (mut wire, mut events) = (lab.listen(), a.watch_addresses());

    kill(a.agent(), Signal::SIGKILL).unwrap();

    let farewell = wire.wait_for("Priority 0", |seen| seen.is_farewell_of(&a));
    assert!(has_gone(&mut events, "fd00:77::100"), "Priority 0 left before the address");
    let next = wire.wait_for("the next one", |seen| seen.is_advertisement_of(&b));
    assert!(next.at - farewell.at < PROMPT, "{:?}", next.at - farewell.at);
    b.becomes(State::Active);
    assert!(b.has("fe80::51") && b.has("fd00:77::100"));
    assert!(a.has("fe80::1"), "the host's own address was removed");
}

#[test]
fn the_guardian_says_farewell_in_the_form_of_checksum_that_its_agent_had_followed() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200).with("checksum", "rfc9568")]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(3);
    a.stop();
    b.becomes(State::Active);
    let mut wire = lab.listen();

    kill(b.agent(), Signal::SIGKILL).unwrap();

    let seen = wire.wait_for("Priority 0", |seen| seen.is_farewell_of(&b));
    assert!(matches!(seen.what, Sight::Advertisement { checksum: ChecksumForm::Message, .. }), "{seen:?}");
}

#[test]
fn the_agent_hands_over_in_order_when_its_guardian_is_killed() {
    let mut lab = Lab::new();
    let mut departure = Departure::prepare(&mut lab);

    departure.a.signal(Signal::SIGKILL);

    departure.is_in_order();
    departure.a.ends();
    departure.a.has_no_processes();
    departure.a.start_again();
    departure.a.becomes(State::Active);
}

#[test]
fn the_kernel_removes_the_address_when_guardian_and_agent_are_killed() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, |priority| Router::pair(priority).with("lease", "2s"));

    let mut events = a.watch_addresses();

    a.kill_all();

    b.becomes(State::Active);
    // The lease, and the half second by which the kernel may be late.
    wait_at_most(Duration::from_millis(2_500) + SLACK, "the address is gone", || !a.has("10.77.0.100"));
    assert_eq!(removed_by(&mut events, "10.77.0.100"), Some(0));
    assert!(a.has("10.77.0.1") && b.has("10.77.0.100"));
}

#[test]
fn rule_15_a_restart_removes_what_was_left_behind_before_it_speaks() {
    let mut lab = Lab::new();
    // Without a lease only the restart can remove the address.
    let (mut a, b) = pair(&mut lab, |priority| Router::pair(priority).with("lease", "off").with("preempt", false));
    a.kill_all();
    b.becomes(State::Active);
    assert!(a.has("10.77.0.100"));
    let mut wire = lab.listen();

    a.start_again();

    a.answers();
    wait_until("the address is gone", || !a.has("10.77.0.100"));
    a.logs("removed 10.77.0.100/24 on eth0, left behind by an earlier run");
    assert_eq!(a.after_hearing(5).state, State::Backup);
    assert!(!wire.so_far().iter().any(|seen| seen.is_advertisement_of(&a)));
    assert!(a.has("10.77.0.1"));
}

#[test]
fn rule_11_a_stopped_agent_withdraws_before_it_sends_again() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, |priority| Router::pair(priority).with("advertisement_interval", "10ms"));
    let agent = a.stop_all();
    b.becomes(State::Active);
    assert!(b.has("10.77.0.100"));
    let (mut wire, mut events) = (lab.listen(), a.watch_addresses());

    kill(agent, Signal::SIGCONT).unwrap();

    wire.wait_for("a word of the one that was away", |seen| {
        seen.is_advertisement_of(&a) || seen.is_announcement_of(&a)
    });
    assert!(has_gone(&mut events, "10.77.0.100"), "it spoke while it still had the address");
    a.logs("this process was not running for");
    // It is the better one: it takes its role back in order.
    a.becomes(State::Active);
    b.becomes(State::Backup);
    assert!(a.has("10.77.0.100") && !b.has("10.77.0.100"));
}

#[test]
fn the_kernel_removes_the_address_when_guardian_and_agent_stay_stopped() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab, |priority| Router::pair(priority).with("lease", "2s").with("preempt", false));

    let agent = a.stop_all();

    b.becomes(State::Active);
    // The lease, and the half second by which the kernel may be late.
    wait_at_most(Duration::from_millis(2_500) + SLACK, "the address is gone", || !a.has("10.77.0.100"));
    let mut events = a.watch_addresses();
    kill(agent, Signal::SIGCONT).unwrap();
    a.becomes(State::Backup);
    assert_eq!(a.after_hearing(5).state, State::Backup);
    // Rule 12: a renewal would have created it anew.
    assert_eq!(changes(&mut events), []);
}

#[test]
fn an_agent_that_died_comes_back_although_its_file_is_being_edited() {
    for edited in ["virtual_routers: [", "virtual_routers:\n  - { name: other, interface: eth0, vrid: 9 }\n"] {
        let mut lab = Lab::new();
        let mut a = lab.node(1);
        a.run(&[Router::pair(200)]);
        let agent = a.agent();
        a.becomes(State::Active);
        a.write_config(edited);

        kill(agent, Signal::SIGKILL).unwrap();

        wait_until("another agent answers", || {
            a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
        });
        a.becomes(State::Active);
        assert!(a.has("10.77.0.100"));
    }
}
