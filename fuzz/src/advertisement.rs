//! [`Advertisement::parse`], for both versions over both families.
//!
//! Input: flags (1: IPv6, 2: repair the checksum), hop limit, source, destination, payload.

use std::net::IpAddr;

use vrrp_packet::{Advertisement, IpHeader, Outgoing, ParseError, V2Authentication, Version};

use super::input::Input;

/// The bytes before the addresses.
const HEADER: usize = 8;
const TRAILER: usize = 28;

/// What is parsed is what stands in the bytes, is emitted again to the same ones, and no shorter packet passes for it.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let ip = input.ip(flags & 1 != 0);
    let mut payload = input.rest().to_vec();
    if flags & 2 != 0 {
        repair_checksum(&mut payload, &ip);
    }
    let Ok(heard) = Advertisement::parse(&payload, &ip) else { return };
    says_what_the_bytes_say(&heard, &payload);
    is_emitted_to_the_same_bytes(&heard, &payload);
    assert!(Advertisement::parse(&payload[..payload.len() - 1], &ip).is_err(), "the last byte is not needed");
}

/// Puts the checksum in that the parser asks for: it must then be content with it.
pub fn repair_checksum(payload: &mut [u8], ip: &IpHeader) {
    if let Err(ParseError::Checksum { expected, .. }) = Advertisement::parse(payload, ip) {
        payload[6..8].copy_from_slice(&expected.to_be_bytes());
        let repaired = Advertisement::parse(payload, ip);
        assert!(!matches!(repaired, Err(ParseError::Checksum { .. })), "{repaired:?}");
    }
}

fn says_what_the_bytes_say(heard: &Advertisement<'_>, payload: &[u8]) {
    let centis = match heard.version() {
        Version::V2 => u16::from(payload[5]) * 100,
        Version::V3 => u16::from_be_bytes([payload[4] & 0x0f, payload[5]]),
    };
    assert_eq!(heard.version().number() << 4 | 1, payload[0]);
    assert_eq!(heard.vrid().get(), payload[1]);
    assert_eq!(heard.priority().get(), payload[2]);
    assert_eq!(heard.addresses().len(), usize::from(payload[3]));
    assert_eq!(heard.interval().centis(), centis);
    assert!(!heard.addresses().is_empty() && centis > 0);

    let listed: Vec<u8> = heard
        .addresses()
        .iter()
        .flat_map(|address| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        })
        .collect();
    assert_eq!(listed, payload[HEADER..][..listed.len()]);
    let password = if heard.version() == Version::V2 { 8 } else { 0 };
    let trailer = if heard.trailer().is_some() { TRAILER } else { 0 };
    assert_eq!(HEADER + listed.len() + password + trailer, payload.len());
    if let Some(trailer) = heard.trailer() {
        assert_eq!(trailer.tag(), &payload[payload.len() - 16..]);
    }
}

/// Only what the sender may choose and the types do not keep is left out: reserved bits, unused authentication data, an
/// unknown Auth Type, and the second way to write a checksum of zero.
fn is_emitted_to_the_same_bytes(heard: &Advertisement<'_>, payload: &[u8]) {
    let password = match heard.v2_authentication() {
        Some(V2Authentication::Other(_)) => return,
        Some(V2Authentication::SimplePassword(password)) => Some(password),
        Some(V2Authentication::None) | None => None,
    };
    let addresses: Vec<IpAddr> = heard.addresses().iter().collect();
    let outgoing = Outgoing {
        version: heard.version(),
        vrid: heard.vrid(),
        priority: heard.priority(),
        interval: heard.interval(),
        addresses: &addresses,
        checksum: heard.checksum(),
        password,
    };
    let ip = heard.ip();
    let mut message = payload[..payload.len() - heard.trailer().map_or(0, |_| TRAILER)].to_vec();
    match heard.version() {
        Version::V3 => message[4] &= 0x0f,
        Version::V2 if password.is_none() => message[HEADER + 4 * addresses.len()..].fill(0),
        Version::V2 => {}
    }
    let mut emitted = Vec::new();
    if ip.source.is_ipv4() != ip.destination.is_ipv4() || outgoing.emit_into(&ip, &mut emitted).is_err() {
        panic!("what was heard cannot be said: {heard:?}");
    }
    let mut same = message == payload;
    same &= payload[6..8] != [0xff, 0xff];
    if !same {
        // The checksum covered what was left out.
        message[6..8].copy_from_slice(&emitted[6..8]);
    }
    assert_eq!(emitted, message);
    let again = Advertisement::parse(&emitted, &ip);
    assert!(again.is_ok_and(|again| again.interval() == heard.interval() && again.trailer().is_none()));
}
