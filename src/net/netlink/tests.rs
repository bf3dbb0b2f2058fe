#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::IpAddr;
use std::time::Instant;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use nix::errno::Errno;

use super::*;
use crate::net::link;

fn lab() -> (Namespace, Netlink) {
    let namespace = Namespace::new().unwrap_or_else(|error| panic!("{error}"));
    let netlink = Netlink::open_in(&namespace).unwrap();
    (namespace, netlink)
}

fn add(last: u8) -> (RouteNetlinkMessage, u16) {
    let message = link::address_message(1, IpAddr::from([10, 0, 0, last]), 32);
    (RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
}

#[test]
fn a_refusal_carries_errno_text_and_what_was_asked() {
    let (_namespace, mut netlink) = lab();
    let (message, flags) = add(1);
    netlink.request(message.clone(), flags).unwrap();

    let error = netlink.request(message, flags).unwrap_err();

    assert!(error.is_exists());
    assert!(error.to_string().starts_with("add address 10.0.0.1/32 on interface 1: File exists (EEXIST)"), "{error}");
    assert!(error.refusal().unwrap().text.is_some(), "the kernel gave no extended acknowledgement");
}

#[test]
fn a_batch_is_carried_out_to_its_end_and_names_what_was_refused() {
    let (_namespace, mut netlink) = lab();
    let mut batch = Batch::default();
    // 200 requests are more than one chunk; the second and the 151st are there twice.
    for last in (0..200).chain([1, 150]) {
        let (message, flags) = add(last);
        batch.push(message, flags);
    }

    let failures = netlink.submit(&mut batch).unwrap();

    assert_eq!(failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [200, 201]);
    assert_eq!(link::links(&mut netlink).unwrap()[0].addresses.len(), 200);
}

#[test]
fn a_batch_that_is_refused_as_a_whole_still_ends() {
    let (_namespace, mut netlink) = lab();
    let mut batch = Batch::default();
    for _ in 0..1000 {
        let message = link::address_message(1, IpAddr::from([10, 0, 0, 1]), 32);
        batch.push(RouteNetlinkMessage::DelAddress(message), 0);
    }
    let begun = Instant::now();

    let failures = netlink.submit(&mut batch).unwrap();

    assert_eq!(failures.len(), 1000);
    assert!(failures.iter().all(|failure| failure.refusal.errno == Errno::EADDRNOTAVAIL));
    assert!(begun.elapsed() < DEADLINE);
}

#[test]
fn a_prepared_batch_can_be_sent_again() {
    let (_namespace, mut netlink) = lab();
    let mut batch = Batch::default();
    let (message, flags) = add(1);
    batch.push(message, flags);

    assert_eq!(netlink.submit(&mut batch).unwrap(), []);
    assert_eq!(netlink.submit(&mut batch).unwrap().len(), 1);
}

#[test]
fn a_monitor_tells_who_added_and_removed_an_address() {
    let (namespace, mut netlink) = lab();
    let mut monitor = namespace.enter(|| Monitor::open(Groups::ALL)).unwrap().unwrap();
    let port = netlink.port().unwrap();

    netlink.request(add(1).0, add(1).1).unwrap();
    link::remove_address(&mut netlink, 1, IpAddr::from([10, 0, 0, 1]), 32).unwrap();

    let mut events = Vec::new();
    while let Some(event) = monitor.next_event().unwrap() {
        events.push(event);
    }
    let [MonitorEvent::Address(added), MonitorEvent::AddressGone(removed)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!((added.by, removed.by), (port, port));
    assert_eq!(removed.address.address, IpAddr::from([10, 0, 0, 1]));
}
