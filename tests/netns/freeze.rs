//! An agent that lives but does not run: its guardian withdraws in its place, before a peer takes over.

use core::time::Duration;
use std::os::unix::net::UnixDatagram;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vipd::control::State;
use vipd::net::netlink::{Monitor, MonitorEvent};
use vipd::net::{Freezer, Hierarchy, hold_thread};

use crate::crash::{PROMPT, SLACK, has_gone, pair};
use crate::lab::{Lab, Node, Router, Wire, wait_at_most, wait_until};

/// Every interval at which a stopped agent is tried: the shortest one, and the usual one.
const INTERVALS: [&str; 2] = ["10ms", "1s"];

/// Says what is missing where nothing can be frozen.
const NEEDS_CONTROL_GROUP: &str =
    "this test needs a control group that may be made: a cgroup file system that is mounted for writing";

fn every(interval: &str, priority: u8) -> Router {
    Router::pair(priority).with("advertisement_interval", interval).with("preempt", false)
}

/// What a test sees of a hand-over.
struct Scene {
    wire: Wire,
    events: Monitor,
}

impl Scene {
    fn watch(lab: &Lab, a: &Node) -> Self {
        Self { wire: lab.listen(), events: a.watch_addresses() }
    }

    /// The guardian of `a` has withdrawn and said so, and `b` takes over at once and not before.
    fn is_handed_over(&mut self, a: &mut Node, b: &mut Node) {
        let seen = self.wire.until("Priority 0", |seen| seen.is_farewell_of(a));
        assert!(has_gone(&mut self.events, "10.77.0.100"), "Priority 0 left before the address");
        assert!(!seen.iter().any(|seen| seen.is_advertisement_of(b)), "b took over before the address was withdrawn");
        let farewell = seen.last().unwrap().at;
        let next = self.wire.wait_for("the next one", |seen| seen.is_advertisement_of(b));
        assert!(next.at - farewell < PROMPT, "{:?}", next.at - farewell);
        b.becomes(State::Active);
        assert!(b.has("10.77.0.100") && !a.has("10.77.0.100"));
    }

    /// From here on `a` has not had the address again.
    fn never_came_back(&mut self) {
        while let Some(event) = self.events.next_event().unwrap() {
            assert!(!matches!(event, MonitorEvent::Address(_)), "{event:?}");
        }
    }
}

fn is_replaced(a: &Node, agent: Pid) {
    let pid = agent.as_raw().cast_unsigned();
    wait_until("another agent answers", || a.try_status().is_ok_and(|status| status.agent.pid != pid));
}

#[test]
fn the_guardian_withdraws_for_a_stopped_agent_before_the_peer_takes_over() {
    for interval in INTERVALS {
        let mut lab = Lab::new();
        let (mut a, mut b) = pair(&mut lab, |priority| every(interval, priority));
        let mut scene = Scene::watch(&lab, &a);
        let agent = a.agent();

        kill(agent, Signal::SIGSTOP).unwrap();

        scene.is_handed_over(&mut a, &mut b);
        is_replaced(&a, agent);
        a.logs("does not run");
        assert_eq!(a.after_hearing(5).state, State::Backup);
        scene.never_came_back();
    }
}

#[test]
fn an_agent_that_is_frozen_cannot_be_killed_and_is_withdrawn_all_the_same() {
    let mut tried = 0;
    for hierarchy in [Hierarchy::V1, Hierarchy::V2] {
        let mut lab = Lab::new();
        let (mut a, mut b) = pair(&mut lab, |priority| every("100ms", priority));
        let freezer = match Freezer::new(hierarchy) {
            Ok(freezer) => freezer,
            Err(error) => {
                eprintln!("no control group of {hierarchy:?} can be made here: {error}");
                continue;
            }
        };
        tried += 1;
        let mut scene = Scene::watch(&lab, &a);
        let agent = a.agent();

        freezer.freeze(agent.as_raw()).unwrap();

        scene.is_handed_over(&mut a, &mut b);
        if hierarchy == Hierarchy::V1 {
            b.after_hearing(0);
            assert!(kill(agent, None).is_ok(), "a frozen agent died");
        }
        freezer.thaw().unwrap();
        is_replaced(&a, agent);
        assert_eq!(a.after_hearing(5).state, State::Backup);
        scene.never_came_back();
    }
    assert!(tried > 0, "{NEEDS_CONTROL_GROUP}");
}

#[test]
fn a_wedged_election_thread_is_withdrawn_for_before_the_peer_takes_over() {
    for interval in INTERVALS {
        let mut lab = Lab::new();
        let (mut a, mut b) = pair(&mut lab, |priority| every(interval, priority));
        let mut scene = Scene::watch(&lab, &a);
        let agent = a.agent();

        a.wedge("election");

        scene.is_handed_over(&mut a, &mut b);
        is_replaced(&a, agent);
        a.logs("the agent's thread \"election\" does not run");
    }
}

#[test]
fn a_wedged_address_thread_is_withdrawn_for_while_the_agent_still_speaks() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, |priority| every("10ms", priority));
    let mut scene = Scene::watch(&lab, &a);
    let agent = a.agent();

    a.wedge("addresses");

    scene.is_handed_over(&mut a, &mut b);
    is_replaced(&a, agent);
    a.logs("the agent's thread \"addresses\" does not run");
}

#[test]
fn a_wedged_main_thread_costs_the_control_socket_and_nothing_else() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab, |priority| every("100ms", priority));
    let mut scene = Scene::watch(&lab, &a);

    // The first thread has the number of the process.
    hold_thread(a.agent().as_raw()).unwrap();

    // Longer than any thread that is watched may be away.
    let first = scene.wire.wait_for("an advertisement", |seen| seen.is_advertisement_of(&a));
    scene.wire.wait_for("one 3 s later", |seen| {
        assert!(!seen.is_farewell_of(&a) && !seen.is_advertisement_of(&b), "{seen:?}");
        seen.is_advertisement_of(&a) && seen.at - first.at > Duration::from_secs(3)
    });
    assert!(a.has("10.77.0.100") && !has_gone(&mut scene.events, "10.77.0.100"));
}

#[test]
fn rule_13_a_hung_address_thread_is_a_fault_even_without_a_guardian_that_runs() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab, |priority| every("10ms", priority).with("lease", "2s"));
    a.signal(Signal::SIGSTOP);

    a.wedge("addresses");

    b.becomes(State::Active);
    a.logs("the lease of the addresses is not renewed: the address thread hangs");
    a.logs("the withdrawal is not confirmed in time");
    wait_at_most(Duration::from_millis(1_000) + SLACK, "the address is gone", || !a.has("10.77.0.100"));
}

#[test]
fn rule_11_the_lease_ends_where_the_election_thread_hangs_and_no_guardian_runs() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab, |priority| every("10ms", priority).with("lease", "2s"));
    a.signal(Signal::SIGSTOP);

    a.wedge("election");

    b.becomes(State::Active);
    // The lease, and the half second by which the kernel may be late.
    wait_at_most(Duration::from_millis(2_500) + SLACK, "the address is gone", || !a.has("10.77.0.100"));
}

#[test]
fn systemd_hears_from_the_guardian_while_the_agent_runs_and_not_while_it_is_frozen() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    let path = a.folder().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    a.set_environment("NOTIFY_SOCKET", path.to_str().unwrap());
    a.set_environment("WATCHDOG_USEC", "100000");
    let fed = || {
        let mut message = [0; 64];
        systemd.recv(&mut message).is_ok_and(|length| message[..length].starts_with(b"WATCHDOG=1"))
    };

    a.run(&[Router::pair(200)]);

    a.becomes(State::Active);
    assert!((0..20).filter(|_| fed()).count() > 10);
    let (freezer, dies) = Freezer::new(Hierarchy::V1)
        .map(|freezer| (freezer, false))
        .or_else(|_| Freezer::new(Hierarchy::V2).map(|freezer| (freezer, true)))
        .expect(NEEDS_CONTROL_GROUP);
    let frozen = a.agent();
    freezer.freeze(frozen.as_raw()).unwrap();
    a.logs("does not run");
    if dies {
        is_replaced(&a, frozen);
        return;
    }
    systemd.set_nonblocking(true).unwrap();
    while systemd.recv(&mut [0; 64]).is_ok() {}
    systemd.set_nonblocking(false).unwrap();
    systemd.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(systemd.recv(&mut [0; 64]).is_err(), "the watchdog was fed for an agent that does not run");
}
