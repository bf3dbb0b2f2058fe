//! [`vrrp_packet::arp`] and [`vrrp_packet::ndp`]: the frames that say and ask who has an address.
//!
//! Input: flags (1: IPv6, 2: router, 4: ask one host), MAC address, address, the address that is asked for, the one host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};
use vipd::fuzzing::dissect;
use vrrp_packet::{arp, ndp};

use super::frame::ETHERNET;
use super::input::Input;

const BROADCAST: [u8; 6] = [0xff; 6];

/// Each frame is the one that RFC 826 or RFC 4861 lays out byte by byte; `vipd decode` reads an announcement back, and
/// takes a question for none unless it asks for the address that it comes from.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let mac: [u8; 6] = input.array();
    let address = input.address(flags & 1 != 0);
    let target = input.address(flags & 1 != 0);
    let one: [u8; 6] = input.array();
    let to = (flags & 4 != 0).then_some(one);
    match (address, target) {
        (IpAddr::V4(address), IpAddr::V4(target)) => arp_frames(mac, address, target, to),
        (IpAddr::V6(address), IpAddr::V6(target)) => ndp_frames(mac, address, target, to, flags & 2 != 0),
        (_, _) => {}
    }
}

fn arp_frames(mac: [u8; 6], address: Ipv4Addr, target: Ipv4Addr, to: Option<[u8; 6]>) {
    let laid_out = |to: [u8; 6], source: Ipv4Addr, target: Ipv4Addr| {
        let (source, target) = (source.octets(), target.octets());
        let fixed: &[u8] = &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
        [&to, mac.as_slice(), fixed, &mac, &source, &BROADCAST, &target].concat()
    };
    let announcement = arp::gratuitous_request(mac, address);
    assert_eq!(announcement.as_slice(), laid_out(BROADCAST, address, address));
    let says = json!({"kind": "gratuitous_arp", "operation": "request", "address": address, "mac": written(mac)});
    assert_eq!(decoded(&announcement), Some(says));

    let question = arp::request(mac, to, address, target);
    assert_eq!(question.as_slice(), laid_out(to.unwrap_or(BROADCAST), address, target));
    assert_eq!(decoded(&question).is_some(), address == target);
}

fn ndp_frames(mac: [u8; 6], address: Ipv6Addr, target: Ipv6Addr, to: Option<[u8; 6]>, router: bool) {
    let announcement = ndp::unsolicited_advertisement(mac, address, router);
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let begins = [&[0x33, 0x33, 0, 0, 0, 1], mac.as_slice(), &headers(address, all_nodes), &[136, 0]].concat();
    let ends = [&[if router { 0xa0 } else { 0x20 }, 0, 0, 0], address.octets().as_slice(), &[2, 1], &mac].concat();
    is_laid_out(&announcement, &begins, &ends);
    let says = json!({"kind": "unsolicited_na", "address": address, "mac": written(mac), "overrides": true});
    assert_eq!(decoded(&announcement), Some(says));

    let question = ndp::solicitation(mac, to, address, target);
    let [.., a, b, c] = target.octets();
    let solicited_node = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let destination = if to.is_some() { target } else { solicited_node };
    let destination_mac = to.unwrap_or([0x33, 0x33, 0xff, a, b, c]);
    let begins = [destination_mac.as_slice(), &mac, &headers(address, destination), &[135, 0]].concat();
    let ends = [&[0; 4], target.octets().as_slice(), &[1, 1], &mac].concat();
    is_laid_out(&question, &begins, &ends);
    assert_eq!(decoded(&question), None);
}

/// EtherType and IPv6 header: version, payload length, next header, hop limit and both ends.
fn headers(source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    [&[0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255], source.octets().as_slice(), &destination.octets()].concat()
}

/// Compares all but the checksum, which must add up.
fn is_laid_out(frame: &[u8], begins: &[u8], ends: &[u8]) {
    assert_eq!(&frame[..begins.len()], begins);
    assert_eq!(&frame[begins.len() + 2..], ends);
    assert_eq!(internet_sum(frame), 0xffff, "the ICMPv6 checksum is wrong");
}

fn written(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// Returns what `vipd decode` says of a frame, less the time.
fn decoded(frame: &[u8]) -> Option<Value> {
    let (_, said) = dissect(ETHERNET, frame)?;
    let mut said: Value = serde_json::from_str(&said).ok()?;
    said.as_object_mut()?.remove("time");
    Some(said)
}

/// The sum over pseudo-header and ICMPv6 message (RFC 8200 §8.1), which is all ones where the checksum is right.
fn internet_sum(frame: &[u8]) -> u32 {
    let addresses = &frame[22..54];
    let message = &frame[54..];
    let words = addresses.chunks(2).chain(message.chunks(2)).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let mut sum: u32 = words.sum::<u32>() + message.len() as u32 + 58;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}
