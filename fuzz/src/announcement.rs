//! [`vrrp_packet::arp`] and [`vrrp_packet::ndp`]: what announces an address is understood as just that.
//!
//! Input: flags (1: IPv6, 2: router), MAC address, address.

use std::net::IpAddr;

use serde_json::{Value, json};
use vipd::fuzzing::dissect;
use vrrp_packet::{arp, ndp};

use super::frame::ETHERNET;
use super::input::Input;

/// The frame is the one that RFC 826 and RFC 4861 lay out byte by byte, and `vipd decode` reads it back.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let mac: [u8; 6] = input.array();
    let written = mac.map(|byte| format!("{byte:02x}")).join(":");
    let address = input.address(flags & 1 != 0);
    let (frame, expected) = match address {
        IpAddr::V4(address) => {
            let frame = arp::gratuitous_request(mac, address);
            let (ip, to) = (address.octets(), [0xff; 6]);
            let fixed: &[u8] = &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
            assert_eq!(frame.as_slice(), [&to, mac.as_slice(), fixed, &mac, &ip, &to, &ip].concat());
            let says = json!({"kind": "gratuitous_arp", "operation": "request", "address": address, "mac": written});
            (frame.to_vec(), says)
        }
        IpAddr::V6(address) => {
            let router = flags & 2 != 0;
            let frame = ndp::unsolicited_advertisement(mac, address, router);
            assert_eq!(frame[..6], [0x33, 0x33, 0, 0, 0, 1]);
            assert_eq!(frame[6..12], mac);
            // Version, payload length, next header, hop limit; then type, code, flags and the option.
            assert_eq!(frame[12..22], [0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]);
            assert_eq!(frame[22..38], address.octets());
            assert_eq!(frame[54..56], [136, 0]);
            assert_eq!(frame[58], if router { 0xa0 } else { 0x20 });
            assert_eq!(frame[62..78], address.octets());
            assert_eq!(frame[78..], [[2, 1].as_slice(), &mac].concat());
            assert_eq!(internet_sum(&frame), 0xffff, "the ICMPv6 checksum is wrong");
            let says = json!({"kind": "unsolicited_na", "address": address, "mac": written, "overrides": true});
            (frame.to_vec(), says)
        }
    };
    let Some((_, said)) = dissect(ETHERNET, &frame) else { panic!("the announcement is not recognised") };
    let mut said: Value = serde_json::from_str(&said).unwrap_or_default();
    if let Some(object) = said.as_object_mut() {
        object.remove("time");
    }
    assert_eq!(said, expected);
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
