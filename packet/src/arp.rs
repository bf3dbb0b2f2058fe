//! ARP: the frames that tell an IPv4 segment who has an address now, and that ask whoever has one.
//!
//! They are built here, never sent.

use std::net::Ipv4Addr;

use pnet::packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::util::MacAddr;

/// The bytes of an Ethernet header.
const ETHERNET_LENGTH: usize = 14;
/// The bytes of an ARP request, Ethernet header included, padding not.
pub const FRAME_LENGTH: usize = ETHERNET_LENGTH + 28;

/// Builds a gratuitous ARP request: a broadcast frame that asks for the very address that it claims (RFC 5227 §3).
///
/// It is a request because Linux ignores a broadcast reply as gratuitous (ownership rule 19).
pub fn gratuitous_request(mac: [u8; 6], address: Ipv4Addr) -> [u8; FRAME_LENGTH] {
    frame(mac, MacAddr::broadcast(), address, address)
}

/// Builds an ARP request (RFC 826): `source`, at `mac`, asks who has `target`. `to` is the one host to be asked; `None`: all.
pub fn request(mac: [u8; 6], to: Option<[u8; 6]>, source: Ipv4Addr, target: Ipv4Addr) -> [u8; FRAME_LENGTH] {
    frame(mac, to.map_or(MacAddr::broadcast(), MacAddr::from), source, target)
}

#[expect(clippy::expect_used, reason = "the constant lengths are those that pnet asks for")]
fn frame(mac: [u8; 6], to: MacAddr, source: Ipv4Addr, target: Ipv4Addr) -> [u8; FRAME_LENGTH] {
    let mac = MacAddr::from(mac);
    let mut frame = [0; FRAME_LENGTH];
    let (ethernet, arp) = frame.split_at_mut(ETHERNET_LENGTH);

    let mut ethernet = MutableEthernetPacket::new(ethernet).expect("an Ethernet header fits");
    ethernet.set_destination(to);
    ethernet.set_source(mac);
    ethernet.set_ethertype(EtherTypes::Arp);

    let mut arp = MutableArpPacket::new(arp).expect("an ARP packet fits");
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperations::Request);
    arp.set_sender_hw_addr(mac);
    arp.set_sender_proto_addr(source);
    // As keepalived does; receivers ignore it in a request.
    arp.set_target_hw_addr(MacAddr::broadcast());
    arp.set_target_proto_addr(target);
    frame
}
