//! Two that want one address: routers that meet again, strangers that advertise, machines that answer for it.

use core::time::Duration;
use std::thread;

use vipd::control::State;
use vipd::net::FrameSocket;
use vrrp_packet::{arp, ndp};

use crate::lab::{Frames, Lab, Node, Router, ip};

/// Longer than any false alarm would take.
const A_WHILE: Duration = Duration::from_millis(300);

fn pair(lab: &mut Lab) -> (Node, Node) {
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(2);
    (a, b)
}

/// Says from a host without an agent that 10.77.0.100 is its own.
fn claim_ipv4(stranger: &mut Node) {
    let index = stranger.index("eth0");
    let socket = stranger.namespace().enter(FrameSocket::open).unwrap().unwrap();
    let claim = arp::gratuitous_request(stranger.mac(), "10.77.0.100".parse().unwrap());
    socket.send(index, &claim).unwrap();
}

#[test]
fn two_that_meet_again_settle_and_the_winner_announces_the_address_once_more() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab);
    lab.set_cut(&a, "eth0", true);
    b.becomes(State::Active);
    assert!(a.has("10.77.0.100") && b.has("10.77.0.100"));
    let mut wire = lab.listen();

    lab.set_cut(&a, "eth0", false);

    let all = wire.until("the winner's announcement", |seen| seen.is_announcement_of(&a));
    let first = all.iter().position(|seen| seen.is_advertisement_of(&a)).unwrap();
    let answers = all[first..].iter().filter(|seen| seen.is_advertisement_of(&b)).count();
    assert_eq!(answers, 1, "{all:?}");
    b.becomes(State::Backup);
    assert!(a.has("10.77.0.100") && !b.has("10.77.0.100"));
    // Who speaks first once the cable is whole is chance: b at its own priority, or b that yields.
    a.logs("10.77.0.2 at 02:00:00:00:00:02 ");
}

#[test]
fn a_machine_that_claims_the_address_is_named_counted_and_contradicted() {
    let mut lab = Lab::new();
    let (a, mut stranger) = (&mut lab.node(1), lab.node(9));
    a.run(&[Router::pair(200).with("announce", "{ delay: 0s, refresh: 0s }")]);
    a.becomes(State::Active);
    let mut wire = lab.listen();

    // The watch begins in the moment in which the router becomes Active, but not before.
    wire.until_repeated("the announcement", || claim_ipv4(&mut stranger), |seen| seen.is_announcement_of(a));

    a.logs("02:00:00:00:00:09 on eth0 answers for 10.77.0.100 while this node is Active; announcing it again");
    for _ in 0..20 {
        claim_ipv4(&mut stranger);
    }
    let before = a.router().traffic.conflicts;
    a.wait_for("counts them", |router| router.traffic.conflicts >= before.max(20));
    assert_eq!(a.log().matches("answers for 10.77.0.100").count(), 1);
    assert_eq!((a.router().state, a.router().epoch), (State::Active, 1));
}

#[test]
fn a_machine_that_claims_an_ipv6_address_is_named() {
    let mut lab = Lab::new();
    let (a, mut stranger) = (&mut lab.node(1), lab.node(9));
    a.run(&[Router::ipv6_pair(200)]);
    a.becomes(State::Active);
    let index = stranger.index("eth0");
    let socket = stranger.namespace().enter(FrameSocket::open).unwrap().unwrap();
    let claim = ndp::unsolicited_advertisement(stranger.mac(), "fd00:77::100".parse().unwrap(), false);

    a.wait_for("hears of it", |router| {
        socket.send(index, &claim).unwrap();
        router.traffic.conflicts > 0
    });

    a.logs("02:00:00:00:00:09 on eth0 answers for fd00:77::100 while this node is Active");
}

#[test]
fn a_hand_over_is_no_contention() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab);

    for (taker, state) in [(&b, State::Active), (&b, State::Backup)] {
        match state {
            State::Active => assert!(a.vipd(&["drain", "--wait"]).status.success()),
            _ => assert!(a.vipd(&["resume"]).status.success()),
        }
        taker.becomes(state);
        thread::sleep(A_WHILE);
    }

    assert_eq!((a.router().traffic.conflicts, b.router().traffic.conflicts), (0, 0));
    assert!(!a.log().contains("although this node is Active"), "{}", a.log());
    assert!(a.has("10.77.0.100"));
}

#[test]
fn a_stranger_is_named_with_its_ethernet_address_once_a_minute() {
    let mut lab = Lab::new();
    let (mut a, mut stranger) = (lab.node(1), lab.node(9));
    a.run(&[Router::unicast_pair(200, "10.77.0.2")]);
    a.becomes(State::Active);
    let mut frames = Frames::from(&mut stranger);
    frames.address_to(&a);
    let forged = frames.advertisement(255);

    a.wait_for("discards them", |router| {
        frames.send(&forged);
        router.traffic.discarded["unlisted_peer"] > 100
    });

    while !a.log().contains("discarding packets of 10.77.0.9 at 02:00:00:00:00:09 on eth0") {
        frames.send(&forged);
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(a.log().matches("discarding packets").count(), 1);
    assert_eq!((a.router().state, a.router().epoch), (State::Active, 1));
    assert_eq!(a.find("10.77.0.100").unwrap().address, ip("10.77.0.100"));
}
