//! The election thread as it is: two nodes on a cable, each with its sockets, its timer and its address thread.

use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vipd::dataplane::{self, Announce, DataplaneHandle, Oversight, PlannedAddress, Scope};
use vipd::election::{self, Epoch, StateName};
use vipd::engine::{self, Connections, Handle, Ledger, Plan, SigningClock};
use vipd::net::{FrameSocket, Namespace, boot_nanos, wall_nanos};
use vrrp_packet::{ChecksumForm, Family, Interval, Priority, Sequence, Version, Vrid};

use crate::allocator::allocations;

/// How long anything may take; a busy machine is no reason to fail.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many advertisements the thread must be through.
const ADVERTISEMENTS: u64 = 100;

/// What the election thread says of itself, each time that it has been through its loop.
#[derive(Default)]
struct Turns(AtomicU64);

struct Counting(Arc<Turns>);

impl Ledger for Counting {
    fn claiming(&self, _: usize, _: Epoch) {}
    fn withdrawn(&self, _: usize) {}
    fn entered(&self, _: usize, _: StateName) {}
    fn signing(&self, _: usize, _: Sequence, _: (i64, bool)) {}
    fn speaking(&self, _: usize, _: vrrp_packet::ChecksumForm) {}
    fn beat(&self, _: election::Instant, _: Duration, _: Option<Duration>) {
        self.0.0.store(allocations(), Ordering::Relaxed);
    }
    fn rest(&self) {}
}

#[derive(Debug)]
struct Nobody;

impl Oversight for Nobody {
    fn promise(&self, _: Option<Duration>) {}
    fn is_superseded(&self) -> bool {
        false
    }
}

/// One node: its two threads, in a namespace of their own.
struct Node {
    turns: Arc<Turns>,
    handle: Handle,
    dataplane: DataplaneHandle,
    _folder: tempfile::TempDir,
}

impl Node {
    fn start(namespace: &Namespace, priority: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let turns = Arc::new(Turns::default());
        let (handle, inbox) = engine::channel(["steady".to_owned()]).unwrap();
        let (answer, answers) = engine::answers(1).unwrap();
        let ledger = Box::new(Counting(Arc::clone(&turns)));
        let start = || {
            let settings = dataplane::Settings {
                realtime: None,
                state_file: folder.path().join("addresses"),
                frames: FrameSocket::open().unwrap(),
                places: 1,
                oversight: Box::new(Nobody),
            };
            let dataplane =
                dataplane::start(vec![addresses()], settings, move |event| answer.send(event), drop).unwrap();
            let clock = SigningClock::start(election::Instant::from_nanos(boot_nanos()), wall_nanos());
            let connections = Connections { inbox, answers, dataplane: dataplane.clone(), ledger, clock };
            engine::start(vec![plan(priority)], connections, None).unwrap();
            dataplane
        };
        let dataplane = namespace.enter(start).unwrap();
        Self { turns, handle, dataplane, _folder: folder }
    }

    fn becomes(&self, state: StateName) {
        wait_until(&format!("the node is {state}"), || self.handle.routers()[0].snapshot().view.state == state);
    }

    fn advertisements(&self) -> u64 {
        let counters = &self.handle.routers()[0].counters;
        counters.sent.get() + counters.received.get()
    }

    fn allocations(&self) -> u64 {
        self.turns.0.load(Ordering::Relaxed)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.handle.shut_down();
        self.dataplane.shutdown();
    }
}

fn plan(priority: u8) -> Plan {
    let interval = Interval::from_centis(1).unwrap();
    Plan {
        interface: "cable".to_owned(),
        family: Family::Ipv4,
        vrid: Vrid::new(51).unwrap(),
        settings: election::Settings {
            version: Version::V3,
            priority: Priority::new(priority),
            interval,
            preempt: true,
            preempt_delay: Duration::ZERO,
            startup_delay: Duration::ZERO,
            fast_handover: true,
            probe: None,
            gate: None,
            source: ip("0.0.0.0"),
            drained: false,
        },
        addresses: vec![ip("10.77.0.100")],
        peers: Vec::new(),
        on_link_only: true,
        password: None,
        authentication: None,
        remembered: None,
        checksum: Some(ChecksumForm::Message),
        source: None,
        lease: Some(Duration::from_secs(3)),
    }
}

fn addresses() -> dataplane::Plan {
    dataplane::Plan {
        interface: "cable".to_owned(),
        source: None,
        addresses: vec![PlannedAddress {
            address: ip("10.77.0.100"),
            prefix: 24,
            dev: None,
            label: None,
            scope: Scope::Global,
        }],
        lease: Some(Duration::from_secs(3)),
        silence: Duration::from_millis(30),
        announce: Announce {
            repeat: 1,
            interval: Duration::ZERO,
            delay: Duration::ZERO,
            refresh: Duration::from_millis(100),
        },
        source_ok: false,
        owner: false,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "did not come true within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs `ip` in a namespace.
fn configure(namespace: &Namespace, arguments: &str) {
    let run = || Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(namespace.enter(run).unwrap().success(), "ip {arguments}");
}

/// Lays a cable between two hosts, 10.77.0.1 and 10.77.0.2.
fn two_hosts() -> [Namespace; 2] {
    use std::os::fd::{AsFd, AsRawFd};
    let hosts = [Namespace::new().unwrap(), Namespace::new().unwrap()];
    let far = format!("/proc/{}/fd/{}", std::process::id(), hosts[1].as_fd().as_raw_fd());
    configure(&hosts[0], &format!("link add cable type veth peer name cable netns {far}"));
    for (host, number) in hosts.iter().zip(1..) {
        configure(host, &format!("address add 10.77.0.{number}/24 dev cable"));
        configure(host, "link set cable up");
    }
    hosts
}

#[test]
fn the_election_thread_does_not_allocate_while_nothing_changes() {
    let hosts = two_hosts();
    let active = Node::start(&hosts[0], 200);
    active.becomes(StateName::Active);
    let backup = Node::start(&hosts[1], 100);
    backup.becomes(StateName::Backup);
    for node in [&active, &backup] {
        // What belongs to the start is over when a few advertisements have been through.
        let begin = node.advertisements();
        wait_until("advertisements flow", || node.advertisements() >= begin + 10);
    }
    let before = [&active, &backup].map(|node| (node.advertisements(), node.allocations()));

    for (node, (advertisements, _)) in [&active, &backup].into_iter().zip(before) {
        wait_until("advertisements flow", || node.advertisements() >= advertisements + ADVERTISEMENTS);
    }

    let after = [&active, &backup].map(Node::allocations);
    assert_eq!(after, before.map(|(_, allocations)| allocations), "Active, Backup");
    assert!(after.iter().all(|count| *count > 0), "the start was not counted");
}
