//! Versions, families, multicast and unicast: the same election in every form.

use core::time::Duration;
use std::fs;

use vipd::control::State;
use vrrp_packet::ChecksumForm;

use crate::lab::{Frames, Lab, Node, Router, Sight, ip};

/// Starts both, sees the first become Active and the second follow it, then the second take over.
fn elects_and_hands_over(a: &mut Node, b: &mut Node, routers: [Router; 2], address: &str) {
    let [first, second] = routers;
    a.run(&[first]);
    a.becomes(State::Active);
    b.run(&[second]);
    assert_eq!(b.after_hearing(3).state, State::Backup);
    assert!(a.has(address) && !b.has(address));

    assert!(a.stop().success());

    b.becomes(State::Active);
    assert!(b.has(address) && !a.has(address));
}

#[test]
fn an_ipv6_router_sends_its_link_local_address_first() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let mut wire = lab.listen();

    elects_and_hands_over(&mut a, &mut b, [Router::ipv6_pair(200), Router::ipv6_pair(100)], "fd00:77::100");

    let seen = wire.wait_for("an advertisement", |seen| seen.is_advertisement_of(&a));
    let Sight::Advertisement { destination, first, .. } = seen.what else { panic!("{seen:?}") };
    assert_eq!((destination, first), (ip("ff02::12"), ip("fe80::51")));
}

#[test]
fn an_ipv6_address_is_usable_at_once_and_never_a_source_of_the_host() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    let mut wire = lab.listen();

    a.run(&[Router::ipv6_pair(200)]);

    a.becomes(State::Active);
    for address in ["fe80::51", "fd00:77::100"] {
        let known = a.find(address).unwrap();
        assert!(known.deprecated && !known.tentative, "{known:?}");
        assert!(known.valid_seconds.is_some_and(|seconds| seconds <= 3), "{known:?}");
        wire.wait_for("its announcement", |seen| seen.what == Sight::Announcement(ip(address)));
    }
}

#[test]
fn an_ipv4_address_is_never_the_primary_of_its_subnet() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);

    a.run(&[Router::pair(200)]);

    a.becomes(State::Active);
    let known = a.find("10.77.0.100").unwrap();
    assert!(known.secondary && known.valid_seconds.is_some_and(|seconds| seconds <= 3), "{known:?}");
    assert!(!a.find("10.77.0.1").unwrap().secondary);
}

#[test]
fn version_2_elects_and_hands_over() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let mut wire = lab.listen();

    let routers = [Router::version_2_pair(254), Router::version_2_pair(250)];
    elects_and_hands_over(&mut a, &mut b, routers, "10.77.0.100");

    let seen = wire.wait_for("an advertisement", |seen| seen.is_advertisement_of(&a));
    assert!(matches!(seen.what, Sight::Advertisement { version: 2, .. }), "{seen:?}");
}

#[test]
fn version_2_with_the_same_password_elects_and_hands_over() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let routers = [&a, &b].map(|node| {
        let file = node.folder().join("password");
        fs::write(&file, "s3cret\n").unwrap();
        Router::version_2_pair(250 + node.host()).with("password_file", file.display())
    });

    let [second, first] = routers;
    elects_and_hands_over(&mut b, &mut a, [first, second], "10.77.0.100");
}

#[test]
fn a_wrong_password_is_discarded_and_counted() {
    let mut lab = Lab::new();
    let (mut a, mut intruder) = (lab.node(1), lab.node(9));
    let file = a.folder().join("password");
    fs::write(&file, "s3cret\n").unwrap();
    a.run(&[Router::version_2_pair(250).with("password_file", file.display())]);
    let frames = Frames::from(&mut intruder);

    for password in [None, Some(*b"wrong\0\0\0"), Some(*b"s3cret\0x")] {
        frames.send(&frames.version_2(255, password));
    }

    a.wait_for("counts all three", |router| router.traffic.discarded["authentication"] == 3);
    assert_eq!(a.router().traffic.received, 0);
    a.logs("reason=\"authentication\"");
    frames.send(&frames.version_2(255, Some(*b"s3cret\0\0")));
    a.wait_for("hears the right one", |router| router.traffic.received == 1);
}

#[test]
fn unicast_goes_to_the_peer_alone() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let mut wire = lab.listen();

    let routers = [Router::unicast_pair(200, "10.77.0.2"), Router::unicast_pair(100, "10.77.0.1")];
    elects_and_hands_over(&mut a, &mut b, routers, "10.77.0.100");

    for seen in wire.so_far() {
        if let Sight::Advertisement { destination, .. } = seen.what {
            let peer = if seen.host == 1 { "10.77.0.2" } else { "10.77.0.1" };
            assert_eq!(destination, ip(peer), "{seen:?}");
        }
    }
}

#[test]
fn ipv6_unicast_goes_to_the_peer_alone() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let router = |priority, peer| Router::ipv6_pair(priority).without("routers").with("peers", format!("[{peer:?}]"));

    elects_and_hands_over(&mut a, &mut b, [router(200, "fe80::2"), router(100, "fe80::1")], "fd00:77::100");
}

#[test]
fn rule_1_unicast_hears_neither_the_group_nor_a_stranger() {
    let mut lab = Lab::new();
    let (mut a, mut stranger) = (lab.node(1), lab.node(9));
    a.run(&[Router::unicast_pair(200, "10.77.0.2")]);
    let mut frames = Frames::from(&mut stranger);

    frames.address_to(&a);
    frames.send(&frames.advertisement(255));
    a.wait_for("counts the stranger", |router| router.traffic.discarded["unlisted_peer"] == 1);
    frames.source = [10, 77, 0, 2].into();
    frames.send(&frames.advertisement(150));

    a.wait_for("hears its peer", |router| router.traffic.received == 1);
    assert_eq!(a.discarded("unlisted_peer"), 1);
}

#[test]
fn an_agent_follows_the_checksum_of_the_active_router() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let strict = Router::pair(200).with("checksum", "rfc9568");
    a.run(&[strict]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(3);
    let mut wire = lab.listen();

    a.stop();

    let seen = wire.wait_for("an advertisement of the other", |seen| seen.is_advertisement_of(&b));
    assert!(matches!(seen.what, Sight::Advertisement { checksum: ChecksumForm::Message, .. }), "{seen:?}");
}

#[test]
fn at_10_ms_the_pair_elects_and_takes_over() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let fast = |priority| Router::pair(priority).with("advertisement_interval", "10ms");
    a.run(&[fast(200)]);
    a.becomes(State::Active);
    b.run(&[fast(100)]);
    assert_eq!(b.after_hearing(50).state, State::Backup);

    lab.set_cut(&a, "eth0", true);

    b.becomes_within(Duration::from_secs(5), State::Active);
}
