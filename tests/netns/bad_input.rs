//! Packets that are no sound advertisements of a peer: counted under their reason, and nothing changes.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use vipd::control::State;

use crate::lab::{Frames, Lab, Node, Router, sealed, wait_until};

/// Starts an Active router that every sound advertisement of Priority 255 would depose, and a stranger that sends.
fn target(lab: &mut Lab) -> (Node, Frames, Node) {
    let (mut a, mut stranger) = (lab.node(1), lab.node(9));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    let frames = Frames::from(&mut stranger);
    (a, frames, stranger)
}

/// Returns what `vipd status --json` counts, zeros left out.
fn counted(node: &Node) -> BTreeMap<String, u64> {
    let output = node.vipd(&["status", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let discarded = status["routers"][0]["traffic"]["discarded"].as_object().unwrap();
    let counts = discarded.iter().map(|(reason, count)| (reason.clone(), count.as_u64().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn all_discarded(node: &Node) -> u64 {
    node.router().traffic.discarded.values().sum()
}

/// Sees that the router holds the role that it had from the start.
fn is_unmoved(node: &mut Node) {
    let router = node.router();
    assert_eq!((router.state, router.epoch), (State::Active, 1), "{router:?}");
    assert_eq!((router.traffic.received, router.traffic.became_active), (0, 1), "{router:?}");
    assert!(node.has("10.77.0.100"));
    assert!(!node.log().contains("died"), "the agent was started again");
}

/// Writes a sound advertisement with one byte changed and the checksum right for that.
fn changed(frames: &Frames, at: usize, byte: u8) -> Vec<u8> {
    let mut payload = frames.advertisement(255);
    payload[at] = byte;
    sealed(payload)
}

#[test]
fn every_malformed_packet_is_counted_under_its_reason_and_changes_nothing() {
    let mut lab = Lab::new();
    let (mut a, frames, _stranger) = target(&mut lab);
    let sound = frames.advertisement(255);
    let with_rest = |rest: &[u8]| [&sound, rest].concat();
    let mut unsound = sound.clone();
    unsound[6] ^= 0x40;
    let mut without_interval = frames.advertisement(255);
    without_interval[4..6].fill(0);
    let mut without_addresses = frames.advertisement(255);
    without_addresses[3] = 0;
    without_addresses.truncate(8);
    let mut trailer = vec![1, 1, 0, 0];
    trailer.resize(28, 7);

    let cases: [(&str, Vec<u8>); 14] = [
        ("length", sound[..2].to_vec()),
        ("length", sound[..7].to_vec()),
        ("length", sound[..11].to_vec()),
        ("length", changed(&frames, 3, 2)),
        ("length", with_rest(b"rest!")),
        ("length", with_rest(&[0; 1400])),
        ("checksum", unsound),
        ("version", changed(&frames, 0, 0x41)),
        ("version", frames.version_2(255, None)),
        ("type", changed(&frames, 0, 0x32)),
        ("interval", sealed(without_interval)),
        ("no_address", sealed(without_addresses)),
        ("authentication", with_rest(&trailer)),
        ("checksum", changed(&frames, 2, 254)[..6].iter().chain(&[0, 0]).chain(&sound[8..]).copied().collect()),
    ];
    let mut expected = BTreeMap::new();
    for (reason, payload) in &cases {
        frames.send(payload);
        *expected.entry((*reason).to_owned()).or_default() += 1;
    }

    wait_until("all of them are counted", || all_discarded(&a) >= cases.len() as u64);
    assert_eq!(counted(&a), expected);
    is_unmoved(&mut a);
}

#[test]
fn a_packet_from_beyond_a_router_is_discarded_unless_any_hop_limit_is_allowed() {
    let mut lab = Lab::new();
    let (mut a, mut b, mut far) = (lab.node(1), lab.node(2), lab.node(9));
    a.run(&[Router::pair(200)]);
    b.run(&[Router::unicast_pair(100, "10.77.0.9").with("vrid", 51).with("hop_limit", "any")]);
    a.becomes(State::Active);
    b.becomes(State::Active);
    let mut frames = Frames::from(&mut far);
    frames.hop_limit = 64;

    frames.send(&frames.advertisement(255));
    frames.address_to(&b);
    frames.send(&frames.advertisement(255));

    a.wait_for("counts it", |router| router.traffic.discarded["hop_limit"] == 1);
    b.wait_for("hears it", |router| router.traffic.received == 1);
    assert_eq!(a.router().state, State::Active);
}

#[test]
fn a_packet_of_another_vrid_is_nobodys() {
    let mut lab = Lab::new();
    let (mut a, frames, _stranger) = target(&mut lab);

    frames.send(&changed(&frames, 1, 52));
    frames.send(&changed(&frames, 1, 0));
    // Packets keep their order: once this one is counted, the others have passed.
    frames.send(&changed(&frames, 0, 0x32));

    wait_until("the last one is counted", || a.discarded("type") == 1);
    assert_eq!(all_discarded(&a), 1);
    is_unmoved(&mut a);
}

#[test]
fn a_packet_from_our_own_address_is_discarded() {
    let mut lab = Lab::new();
    let (mut a, mut frames, _stranger) = target(&mut lab);
    // Else the kernel drops it before any socket sees it.
    let accept = || fs::write("/proc/sys/net/ipv4/conf/all/accept_local", "1").unwrap();
    a.namespace().enter(accept).unwrap();
    frames.source = [10, 77, 0, 1].into();

    frames.send(&frames.advertisement(255));

    wait_until("it is counted", || a.discarded("own_address") == 1);
    is_unmoved(&mut a);
}

#[test]
fn what_differs_but_is_sound_is_heard_and_told() {
    let mut lab = Lab::new();
    let (mut a, frames, _stranger) = target(&mut lab);
    let mut other = frames.advertisement(100);
    other[5] = 50;
    *other.last_mut().unwrap() = 77;

    frames.send(&sealed(other));

    a.logs("10.77.0.9 advertises every 500ms; set the same interval on every node");
    a.logs("10.77.0.9 advertises other addresses; list the same on every node");
    assert_eq!(a.router().traffic.received, 1);
    assert_eq!(a.router().state, State::Active);
    assert!(a.has("10.77.0.100"));
}

#[test]
fn an_owner_names_a_second_owner() {
    let mut lab = Lab::new();
    let (mut owner, mut stranger) = (lab.node(1), lab.node(9));
    owner.add_address("eth0", "10.77.0.100", 24);
    owner.run(&[Router::pair(255)]);
    owner.becomes(State::Active);
    let frames = Frames::from(&mut stranger);

    frames.send(&frames.advertisement(254));
    frames.send(&frames.advertisement(255));
    frames.send(&frames.advertisement(255));

    owner.logs("10.77.0.9 also advertises priority 255; only one host can own the addresses");
    owner.wait_for("hears them all", |router| router.traffic.received == 3);
    assert_eq!(owner.log().matches("also advertises priority 255").count(), 1, "it is told once a minute");
    assert!(owner.has("10.77.0.100"));
}

#[test]
fn ten_thousand_random_packets_are_counted_and_change_nothing() {
    const BATCH: usize = 250;
    let mut lab = Lab::new();
    let (mut a, frames, _stranger) = target(&mut lab);
    let mut random = Random(0x5eed);
    let sound = frames.advertisement(255);

    for batch in 1..=40 {
        for number in 0..BATCH {
            let payload = if number % 2 == 0 { random.noise() } else { random.damage(&sound) };
            frames.send(&payload);
        }
        wait_until("the batch is counted", || all_discarded(&a) == (batch * BATCH) as u64);
    }

    is_unmoved(&mut a);
    let warnings = a.log().matches("discarding packets").count();
    assert!(warnings <= 11, "{warnings} lines for a flood: each reason is told once a minute");
}

/// Makes the same packets in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// Makes anything for VRID 51 that says it is of another version than 3, so that no chance makes it sound.
    fn noise(&mut self) -> Vec<u8> {
        let length = 2 + self.below(200);
        let mut payload: Vec<u8> = (0..length).map(|_| self.next().to_le_bytes()[0]).collect();
        payload[1] = 51;
        if payload[0] >> 4 == 3 {
            payload[0] ^= 0x10;
        }
        payload
    }

    /// Changes one byte other than the VRID, which no checksum survives, or cuts something off.
    fn damage(&mut self, sound: &[u8]) -> Vec<u8> {
        let mut payload = sound.to_vec();
        let at = self.below(sound.len());
        match at {
            1 => payload.truncate(2 + self.below(sound.len() - 2)),
            _ => payload[at] ^= 1 + u8::try_from(self.below(255)).unwrap(),
        }
        payload
    }
}
