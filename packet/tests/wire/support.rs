//! What several test files need: hex, a packet to start from, a key.

use std::net::IpAddr;
use std::time::Duration;

use vrrp_packet::{
    AntiReplay, ChecksumForm, Interval, IpHeader, Key, KeyId, Outgoing, Priority, ReplayGuard, Sequence, UnixTime,
    Version, Vrid,
};

pub(crate) const NOW: UnixTime = UnixTime::new(Duration::new(1_795_169_500, 250_000_000));
pub(crate) const BY_TIME: ReplayGuard = ReplayGuard { mode: AntiReplay::Time, window: Duration::from_secs(5) };
pub(crate) const BY_ORDER: ReplayGuard = ReplayGuard { mode: AntiReplay::Monotonic, window: Duration::from_secs(5) };

pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn ip(source: &str, destination: &str) -> IpHeader {
    IpHeader { source: source.parse().unwrap(), destination: destination.parse().unwrap(), hop_limit: 255 }
}

pub(crate) fn ipv4() -> IpHeader {
    ip("10.77.0.1", "224.0.0.18")
}

pub(crate) fn ipv6() -> IpHeader {
    ip("fe80::1", "ff02::12")
}

pub(crate) fn addresses(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|address| address.parse().unwrap()).collect()
}

pub(crate) fn outgoing(version: Version, addresses: &[IpAddr]) -> Outgoing<'_> {
    Outgoing {
        version,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(200),
        interval: Interval::from_seconds(1).unwrap(),
        addresses,
        checksum: ChecksumForm::PseudoHeader,
        password: None,
    }
}

pub(crate) fn emitted(outgoing: &Outgoing<'_>, ip: &IpHeader) -> Vec<u8> {
    let mut buffer = Vec::new();
    outgoing.emit_into(ip, &mut buffer).unwrap();
    buffer
}

pub(crate) fn signed(outgoing: &Outgoing<'_>, ip: &IpHeader, key: &Key, sequence: Sequence) -> Vec<u8> {
    let mut buffer = Vec::new();
    outgoing.emit_signed_into(ip, key, sequence, &mut buffer).unwrap();
    buffer
}

pub(crate) fn key(id: u8) -> Key {
    Key::new(KeyId::new(id).unwrap(), &[id; 32]).unwrap()
}

/// Puts a correct checksum over the message alone into a payload that a test has bent.
pub(crate) fn repair_checksum(payload: &mut [u8], message_length: usize) {
    payload[6..8].fill(0);
    let checksum = pnet::util::checksum(&payload[..message_length], 3);
    payload[6..8].copy_from_slice(&checksum.to_be_bytes());
}
