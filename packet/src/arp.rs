//! Gratuitous ARP: the frame that tells an IPv4 segment who has an address now.
//!
//! It is built here, never sent.

use std::net::Ipv4Addr;

use pnet::packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::util::MacAddr;

/// The bytes of an Ethernet header.
const ETHERNET_LENGTH: usize = 14;
/// The bytes of a gratuitous ARP request, Ethernet header included, padding not.
pub const FRAME_LENGTH: usize = ETHERNET_LENGTH + 28;

/// Builds a gratuitous ARP request: a broadcast frame that asks for the very address that it claims (RFC 5227 §3).
///
/// It is a request because Linux ignores a broadcast reply as gratuitous (ownership rule 19).
#[expect(clippy::expect_used, reason = "the constant lengths are those that pnet asks for")]
pub fn gratuitous_request(mac: [u8; 6], address: Ipv4Addr) -> [u8; FRAME_LENGTH] {
    let mac = MacAddr::from(mac);
    let mut frame = [0; FRAME_LENGTH];
    let (ethernet, arp) = frame.split_at_mut(ETHERNET_LENGTH);

    let mut ethernet = MutableEthernetPacket::new(ethernet).expect("an Ethernet header fits");
    ethernet.set_destination(MacAddr::broadcast());
    ethernet.set_source(mac);
    ethernet.set_ethertype(EtherTypes::Arp);

    let mut arp = MutableArpPacket::new(arp).expect("an ARP packet fits");
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperations::Request);
    arp.set_sender_hw_addr(mac);
    arp.set_sender_proto_addr(address);
    // As keepalived does; receivers ignore it in a request.
    arp.set_target_hw_addr(MacAddr::broadcast());
    arp.set_target_proto_addr(address);
    frame
}
