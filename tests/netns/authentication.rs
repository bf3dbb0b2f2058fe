//! Signed advertisements: who has no key moves nothing, and nobody runs without one by mistake.

use core::time::Duration;
use std::fs::{self, Permissions};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use vipd::control::State;
use vrrp_packet::{Key, KeyId, Trailer};

use crate::lab::{Frames, Lab, Node, Router, sealed, wait_until};

/// What a hand-over may take on a busy machine, which is less than a take-over takes.
const PROMPT: Duration = Duration::from_millis(1_000);

const ENFORCE: &str = "{ mode: enforce, keys: [{ id: 1, file: key }] }";

pub(crate) fn key(id: u8, byte: u8) -> Key {
    Key::new(KeyId::new(id).unwrap(), &[byte; 32]).unwrap()
}

/// Writes a key file beside a node's configuration: 32 times this byte.
pub(crate) fn give_key(node: &Node, name: &str, byte: u8) {
    let path = node.folder().join(name);
    fs::write(&path, format!("hex:{}\n", format!("{byte:02x}").repeat(32))).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

/// Makes two hosts with the same key.
pub(crate) fn hosts(lab: &mut Lab) -> (Node, Node) {
    let (a, b) = (lab.node(1), lab.node(2));
    for node in [&a, &b] {
        give_key(node, "key", 1);
    }
    (a, b)
}

/// Starts a pair; returns when the first is Active and the second has heard it.
pub(crate) fn pair(lab: &mut Lab, router: impl Fn(u8) -> Router) -> (Node, Node) {
    let (mut a, mut b) = hosts(lab);
    a.run(&[router(200)]);
    a.becomes(State::Active);
    b.run(&[router(100)]);
    b.wait_for("follows", |router| router.active_router.is_some());
    (a, b)
}

pub(crate) fn enforced(priority: u8) -> Router {
    Router::pair(priority).with("authentication", ENFORCE)
}

pub(crate) fn all_discarded(node: &Node) -> u64 {
    node.router().traffic.discarded.values().sum()
}

#[test]
fn two_nodes_with_the_same_key_elect_and_hand_over() {
    for router in [Router::pair, Router::ipv6_pair, Router::version_2_pair] {
        let mut lab = Lab::new();
        let (mut a, mut b) = pair(&mut lab, |priority| router(priority).with("authentication", ENFORCE));

        assert!(a.stop().success());

        b.becomes_within(PROMPT, State::Active);
        assert_eq!(b.router().traffic.received_release, 1);
        assert_eq!(all_discarded(&b), 0);
        assert!(!a.has("10.77.0.100"));
        b.stop();
    }
}

#[test]
fn a_host_without_the_key_moves_nothing_and_each_try_is_counted_under_its_reason() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, enforced);
    let mut wire = lab.listen();
    let mut attacker = lab.node(9);
    let mut frames = Frames::from(&mut attacker);
    let mut slow = frames.advertisement(250);
    slow[4..6].copy_from_slice(&[0x0f, 0xff]);
    let unsigned = [255, 250, 0].map(|priority| frames.advertisement(priority)).into_iter().chain([sealed(slow)]);
    let mut malformed = frames.signed(255, &key(1, 1));
    malformed[12 + 2] = 1;
    let recorded = wire.record(&a);
    b.after_hearing(2);

    unsigned.for_each(|payload| frames.send(&payload));
    frames.send(&malformed);
    frames.send(&frames.signed(255, &key(1, 9)));
    frames.send(&frames.signed(255, &key(7, 1)));
    // From the peer's own address, at the right time, with a tag that is none.
    frames.source = Ipv4Addr::new(10, 77, 0, 2);
    frames.send(&frames.signed(255, &key(1, 9)));
    frames.source = Ipv4Addr::new(10, 77, 0, 1);
    frames.send(&frames.signed(0, &key(1, 9)));
    frames.send_frame(&recorded);

    let counts = |node: &Node| {
        let discarded = node.router().traffic.discarded;
        ["unsigned", "malformed_trailer", "unknown_key", "bad_tag", "replayed"].map(|reason| discarded[reason])
    };
    // What claims to come from the node itself does not pass its kernel.
    wait_until("a has counted what is not in its own name", || counts(&a) == [4, 1, 1, 2, 0]);
    wait_until("b has counted what is not in its own name", || counts(&b) == [4, 1, 1, 2, 1]);
    b.after_hearing(5);
    let (first, second) = (a.router(), b.router());
    assert_eq!((first.state, first.epoch, first.traffic.received), (State::Active, 1, 0));
    assert_eq!((second.state, second.epoch), (State::Backup, 0));
    assert!(a.has("10.77.0.100") && !b.has("10.77.0.100"));
    b.logs("reason=\"unsigned\"");
}

#[test]
fn a_recording_of_long_ago_is_outside_the_window() {
    let mut lab = Lab::new();
    let narrow = "{ mode: enforce, window: 500ms, keys: [{ id: 1, file: key }] }";
    let (mut a, mut b) = pair(&mut lab, |priority| Router::pair(priority).with("authentication", narrow));
    let mut wire = lab.listen();
    let mut attacker = lab.node(9);
    let frames = Frames::from(&mut attacker);
    let recorded = wire.record(&a);
    a.kill_all();
    b.becomes(State::Active);

    wait_until("the recording is too old", || {
        frames.send_frame(&recorded);
        b.discarded("outside_window") > 0
    });

    assert_eq!((b.router().state, b.router().epoch), (State::Active, 1));
    assert!(b.has("10.77.0.100"));
}

#[test]
fn rule_27_a_host_that_booted_in_1970_learns_the_time_from_its_peer_and_there_is_one_owner() {
    let mut lab = Lab::new();
    let (mut a, mut b) = hosts(&mut lab);
    b.run(&[enforced(100)]);
    b.becomes(State::Active);
    a.live_in("@1970-01-01 01:00:00");
    a.is_not_synchronised();

    a.run(&[enforced(200)]);

    a.becomes(State::Active);
    b.becomes(State::Backup);
    assert!(a.has("10.77.0.100") && !b.has("10.77.0.100"));
    assert_eq!((a.discarded("outside_window"), b.discarded("outside_window")), (0, 0));
    let told = a.router().authentication.unwrap();
    assert!(!told.clock_confirmed && told.wall_clock_ahead_ms < -1_000_000_000_000, "{told:?}");
    a.logs("the clock of this host is not synchronised, and ");
    // Both sign with the same time from here on, whoever is Active.
    assert!(a.stop().success());
    b.becomes_within(PROMPT, State::Active);
}

/// Reads the mark of the first host in a node's state file; 0 where there is none yet.
fn kept_mark(node: &Node) -> u64 {
    let text = fs::read(node.folder().join("sequences.json")).unwrap_or_else(|_| b"{}".to_vec());
    let kept: Value = serde_json::from_slice(&text).unwrap();
    kept["db"]["heard"]["10.77.0.1"].as_u64().unwrap_or(0)
}

/// Kills the router whose advertisement was recorded, starts the other one again, and replays the recording to it.
fn survives_a_restart(anti_replay: &str, restart: impl Fn(&mut Node)) {
    let mut lab = Lab::new();
    let settings = format!("{{ {anti_replay}, keys: [{{ id: 1, file: key }}] }}");
    let (mut a, mut b) = pair(&mut lab, |priority| Router::pair(priority).with("authentication", &settings));
    let mut wire = lab.listen();
    let mut attacker = lab.node(9);
    let frames = Frames::from(&mut attacker);
    let recorded = wire.record(&a);
    let trailer = recorded.len() - Trailer::LENGTH;
    let sequence = u64::from_be_bytes(*recorded[trailer + 4..].first_chunk().unwrap());
    wait_until("the mark is kept", || kept_mark(&b) >= sequence);
    a.kill_all();
    b.becomes(State::Active);

    restart(&mut b);
    b.becomes(State::Active);
    // It would make the other one leave its role: it is of a higher priority.
    frames.send_frame(&recorded);

    b.wait_for("counts the replay", |router| router.traffic.discarded["replayed"] == 1);
    assert_eq!((b.router().state, b.router().traffic.received), (State::Active, 0));
    assert!(b.has("10.77.0.100"));
}

fn in_order(node: &mut Node) {
    assert!(node.stop().success());
    node.start_again();
    node.answers();
}

fn by_crash(node: &mut Node) {
    let agent = node.agent();
    kill(agent, Signal::SIGKILL).unwrap();
    wait_until("another agent answers", || {
        node.try_status().is_ok_and(|status| status.agent.pid != agent.as_raw().cast_unsigned())
    });
}

#[test]
fn rule_28_a_restart_admits_no_replay() {
    survives_a_restart("window: 1m", in_order);
}

#[test]
fn rule_28_a_crash_admits_no_replay() {
    survives_a_restart("window: 1m", by_crash);
}

#[test]
fn rule_28_a_restart_admits_no_replay_where_clocks_do_not_count() {
    survives_a_restart("anti_replay: monotonic", in_order);
}

#[test]
fn rule_28_what_was_sent_is_remembered_through_a_run_that_sends_nothing() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    give_key(&a, "key", 1);
    let sent = |node: &Node| {
        let kept: Value = serde_json::from_slice(&fs::read(node.folder().join("sequences.json")).unwrap()).unwrap();
        kept["db"]["sent"].as_u64().unwrap()
    };
    let settings = "{ anti_replay: monotonic, keys: [{ id: 1, file: key }] }";
    a.run(&[Router::pair(200).with("authentication", settings)]);
    a.becomes(State::Active);
    assert!(a.stop().success());
    let before = sent(&a);

    a.set_up("eth0", false);
    a.start_again();
    a.answers();
    assert!(a.stop().success());

    assert_eq!(sent(&a), before);
}

#[test]
fn the_guardian_signs_priority_0_for_a_killed_agent() {
    let mut lab = Lab::new();
    let slow = |priority| enforced(priority).with("advertisement_interval", "500ms").with("preempt", false);
    let (mut a, mut b) = pair(&mut lab, slow);
    let mut wire = lab.listen();

    kill(a.agent(), Signal::SIGKILL).unwrap();

    let farewell = wire.wait_for("Priority 0", |seen| seen.is_farewell_of(&a));
    let next = wire.wait_for("the next one", |seen| seen.is_advertisement_of(&b));
    assert!(next.at - farewell.at < PROMPT, "{:?}", next.at - farewell.at);
    b.becomes(State::Active);
    assert_eq!((b.router().traffic.received_release, all_discarded(&b)), (1, 0));
    // The next agent goes on where the guardian has ended: the peer believes it again.
    a.becomes(State::Backup);
    assert!(b.stop().success());
    a.becomes(State::Active);
    assert!(a.has("10.77.0.100") && !b.has("10.77.0.100"));
}

#[test]
fn a_key_that_cannot_be_used_ends_with_3_and_is_named() {
    let mut lab = Lab::new();
    let a = lab.node(1);
    let path = a.folder().join("key");
    let mut wire = lab.listen();
    a.write_config(&format!("virtual_routers: [{}]", enforced(200)));
    let refusal = || {
        let output = a.output_without(&[]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };

    let missing = refusal();
    give_key(&a, "key", 1);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let readable = refusal();
    fs::write(&path, "hex:0102").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let short = refusal();

    let name = path.display();
    assert!(missing.contains(&format!("cannot read the key file {name}: No such file")), "{missing}");
    assert!(readable.contains(&format!("the key file {name} is open to others than its owner")), "{readable}");
    assert!(readable.contains(&format!("run `chmod 600 {name}`")), "{readable}");
    assert!(short.contains(&format!("{name} does not hold a key: key has 2 bytes, not 32 to 64")), "{short}");
    assert!(!wire.so_far().iter().any(|seen| seen.is_advertisement_of(&a)));
}

#[test]
fn the_modes_of_a_roll_out_hear_each_other_step_by_step() {
    let receive_only = "{ mode: receive-only, keys: [{ id: 1, file: key }] }";
    let permissive = "{ mode: permissive, keys: [{ id: 1, file: key }] }";
    let router = |priority, mode: &str| match mode {
        "" => Router::pair(priority),
        mode => Router::pair(priority).with("authentication", mode),
    };
    // Who is Active, who listens, and under which reason the listener discards, if it does.
    let cases = [
        ("", receive_only, None),
        (receive_only, "", None),
        (receive_only, permissive, None),
        (permissive, receive_only, None),
        (permissive, ENFORCE, None),
        (ENFORCE, permissive, None),
        (permissive, "", Some("authentication")),
        ("", ENFORCE, Some("unsigned")),
        (receive_only, ENFORCE, Some("unsigned")),
    ];
    let mut lab = Lab::new();
    let (mut a, mut b) = hosts(&mut lab);
    for (active, listener, reason) in cases {
        a.run(&[router(200, active)]);
        a.becomes(State::Active);
        b.run(&[router(100, listener)]);

        match reason {
            None => b.wait_for("hears", |router| router.traffic.received > 0 && router.state == State::Backup),
            Some(reason) => b.wait_for("discards", |router| router.traffic.discarded[reason] > 0),
        }

        let traffic = b.router().traffic;
        let discarded: u64 = traffic.discarded.values().sum();
        assert_eq!((traffic.received > 0, discarded > 0), (reason.is_none(), reason.is_some()), "{active} {listener}");
        assert!(a.stop().success() && b.stop().success());
    }
}

#[test]
fn the_status_shows_the_clock_of_each_peer() {
    let mut lab = Lab::new();
    let (_a, b) = pair(&mut lab, enforced);

    let authentication = b.router().authentication.unwrap();
    let table = b.vipd(&["status"]);

    assert_eq!(authentication.peers.len(), 1);
    assert_eq!(authentication.peers[0].source, Ipv4Addr::new(10, 77, 0, 1));
    // One host: it is how long a packet is on its way.
    assert!(authentication.peers[0].ahead_ms.abs() < 1_000, "{authentication:?}");
    let table = String::from_utf8_lossy(&table.stdout);
    assert!(table.contains("db: signs with key 1 and believes only what is signed"), "{table}");
    assert!(table.contains("db: clocks: 10.77.0.1 is "), "{table}");
}
