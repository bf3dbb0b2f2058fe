//! Gratuitous ARP and unsolicited Neighbor Advertisements against recorded frames.

use std::collections::HashMap;

use serde::Deserialize;
use std::net::Ipv6Addr;

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

#[test]
fn an_arp_request_asks_one_host_or_all() {
    let (mac, peer) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let (source, target) = ("10.77.0.1".parse().unwrap(), "10.77.0.2".parse().unwrap());

    let to_one = arp::request(mac, Some(peer), source, target);
    let to_all = arp::request(mac, None, source, target);

    assert_eq!((&to_one[..6], &to_all[..6]), (&peer[..], &[0xff; 6][..]));
    assert_eq!(to_one[6..], to_all[6..]);
    // RFC 826: request, sender's addresses, target's protocol address.
    assert_eq!(to_all[20..22], [0, 1]);
    assert_eq!(
        (&to_all[22..28], &to_all[28..32], &to_all[38..42]),
        (&mac[..], &[10, 77, 0, 1][..], &[10, 77, 0, 2][..])
    );
}

#[test]
fn a_neighbor_solicitation_asks_one_host_or_whoever_listens_for_the_address() {
    let (mac, peer) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let (source, target): (Ipv6Addr, Ipv6Addr) = ("fe80::1".parse().unwrap(), "fd77::12:3456".parse().unwrap());

    let to_one = ndp::solicitation(mac, Some(peer), source, target);
    let to_all = ndp::solicitation(mac, None, source, target);

    assert_eq!((&to_one[..6], &to_one[38..54]), (&peer[..], &target.octets()[..]));
    let group: Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
    assert_eq!((&to_all[..6], &to_all[38..54]), (&[0x33, 0x33, 0xff, 0x12, 0x34, 0x56][..], &group.octets()[..]));
    for frame in [to_one, to_all] {
        assert_eq!((frame[21], &frame[22..38]), (255, &source.octets()[..]));
        // RFC 4861 §4.3: type, target, Source Link-Layer Address.
        assert_eq!(
            (frame[54], &frame[62..78], &frame[78..]),
            (135, &target.octets()[..], &[1, 1, 2, 0, 0, 0, 0, 1][..])
        );
        let icmpv6 = pnet::packet::icmpv6::Icmpv6Packet::new(&frame[54..]).unwrap();
        let destination: [u8; 16] = frame[38..54].try_into().unwrap();
        let checksum = pnet::packet::icmpv6::checksum(&icmpv6, &source, &destination.into());
        assert_eq!(icmpv6.get_checksum(), checksum);
    }
}
