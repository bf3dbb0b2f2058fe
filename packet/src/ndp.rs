//! Unsolicited Neighbor Advertisement: the frame that tells an IPv6 segment who has an address now.
//!
//! It is built here, never sent.

use std::net::Ipv6Addr;

use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{
    MutableNdpOptionPacket, MutableNeighborAdvertPacket, NdpOptionTypes, NeighborAdvertFlags,
};
use pnet::packet::icmpv6::{self, Icmpv6Packet, Icmpv6Types};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::util::MacAddr;

const ETHERNET_LENGTH: usize = 14;
const IPV6_LENGTH: usize = 40;
const ADVERTISEMENT_LENGTH: usize = 24;
/// The Target Link-Layer Address option: type, length, address (RFC 4861 §4.6.1).
const OPTION_LENGTH: usize = 8;
/// The bytes of an unsolicited Neighbor Advertisement, Ethernet header included.
pub const FRAME_LENGTH: usize = ETHERNET_LENGTH + IPV6_LENGTH + ADVERTISEMENT_LENGTH + OPTION_LENGTH;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The Ethernet address of `ALL_NODES` (RFC 2464 §7).
const ALL_NODES_MAC: MacAddr = MacAddr(0x33, 0x33, 0, 0, 0, 1);

/// Builds an unsolicited Neighbor Advertisement to all nodes, Override set and Solicited clear (RFC 9568 §6.4.1).
///
/// `router` is the Router flag, which should say whether the host forwards: a host gives up its default route through a
/// router that clears it (RFC 4861 §7.2.5).
#[expect(clippy::expect_used, reason = "the constant lengths are those that pnet asks for")]
pub fn unsolicited_advertisement(mac: [u8; 6], address: Ipv6Addr, router: bool) -> [u8; FRAME_LENGTH] {
    let mac = MacAddr::from(mac);
    let mut frame = [0; FRAME_LENGTH];
    let (ethernet, rest) = frame.split_at_mut(ETHERNET_LENGTH);
    let (ipv6, icmpv6) = rest.split_at_mut(IPV6_LENGTH);

    let mut ethernet = MutableEthernetPacket::new(ethernet).expect("an Ethernet header fits");
    ethernet.set_destination(ALL_NODES_MAC);
    ethernet.set_source(mac);
    ethernet.set_ethertype(EtherTypes::Ipv6);

    let mut ipv6 = MutableIpv6Packet::new(ipv6).expect("an IPv6 header fits");
    ipv6.set_version(6);
    ipv6.set_payload_length((ADVERTISEMENT_LENGTH + OPTION_LENGTH) as u16);
    ipv6.set_next_header(IpNextHeaderProtocols::Icmpv6);
    // Receivers discard anything that a router may have forwarded (RFC 4861 §7.1.2).
    ipv6.set_hop_limit(u8::MAX);
    ipv6.set_source(address);
    ipv6.set_destination(ALL_NODES);

    let flags = if router { NeighborAdvertFlags::Router } else { 0 } | NeighborAdvertFlags::Override;
    let mut advertisement = MutableNeighborAdvertPacket::new(icmpv6).expect("a Neighbor Advertisement fits");
    advertisement.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
    advertisement.set_flags(flags);
    advertisement.set_target_addr(address);
    let mut option =
        MutableNdpOptionPacket::new(&mut icmpv6[ADVERTISEMENT_LENGTH..]).expect("a link-layer address option fits");
    option.set_option_type(NdpOptionTypes::TargetLLAddr);
    option.set_length((OPTION_LENGTH / 8) as u8);
    option.set_data(&mac.octets());

    let whole = Icmpv6Packet::new(icmpv6).expect("an ICMPv6 header fits");
    let checksum = icmpv6::checksum(&whole, &address, &ALL_NODES);
    let mut advertisement = MutableNeighborAdvertPacket::new(icmpv6).expect("a Neighbor Advertisement fits");
    advertisement.set_checksum(checksum);
    frame
}
