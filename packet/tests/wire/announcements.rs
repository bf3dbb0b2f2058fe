//! Gratuitous ARP and unsolicited Neighbor Advertisements against recorded frames.

use std::collections::HashMap;

use serde::Deserialize;
use vrrp_packet::{arp, ndp};

use crate::support::unhex;

#[derive(Deserialize)]
struct Recorded {
    name: String,
    frame: String,
}

fn recorded(name: &str) -> Vec<u8> {
    let vectors: Vec<Recorded> = serde_json::from_str(include_str!("../vectors/announcements.json")).unwrap();
    let frames: HashMap<_, _> = vectors.into_iter().map(|vector| (vector.name, vector.frame)).collect();
    unhex(&frames[name])
}

#[test]
fn a_gratuitous_arp_is_byte_for_byte_keepalived_s() {
    let mac = [0xd2, 0xb0, 0x18, 0xd1, 0xa1, 0xb6];

    let frame = arp::gratuitous_request(mac, "10.77.0.100".parse().unwrap());

    assert_eq!(frame[..], recorded("gratuitous-arp"));
}

#[test]
fn an_unsolicited_advertisement_is_byte_for_byte_keepalived_s() {
    let mac = [0x82, 0x30, 0x52, 0x8d, 0x70, 0xb2];

    let frame = ndp::unsolicited_advertisement(mac, "fd77::100".parse().unwrap(), false);

    assert_eq!(frame[..], recorded("unsolicited-na"));
}

#[test]
fn a_forwarding_host_sets_the_router_flag_and_nothing_else_but_the_checksum() {
    let address = "fd77::100".parse().unwrap();
    let host = ndp::unsolicited_advertisement([2; 6], address, false);
    let router = ndp::unsolicited_advertisement([2; 6], address, true);

    let flags = 58;
    assert_eq!((host[flags], router[flags]), (0x20, 0xa0));
    assert_eq!(host[..56], router[..56]);
    assert_eq!(host[59..], router[59..]);
    let [icmpv6, checksum_word] = [54, 1];
    let protocol = pnet::packet::ip::IpNextHeaderProtocols::Icmpv6;
    let all_nodes = "ff02::1".parse().unwrap();
    let expected = pnet::util::ipv6_checksum(&router[icmpv6..], checksum_word, &[], &address, &all_nodes, protocol);
    assert_eq!(router[56..58], expected.to_be_bytes());
}
