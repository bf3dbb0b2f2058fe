//! Neighbor Discovery: the frames that tell an IPv6 segment who has an address now, and that ask whoever has one.
//!
//! They are built here, never sent.

use std::net::Ipv6Addr;

use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{
    MutableNdpOptionPacket, MutableNeighborAdvertPacket, MutableNeighborSolicitPacket, NdpOptionType, NdpOptionTypes,
    NeighborAdvertFlags,
};
use pnet::packet::icmpv6::{self, Icmpv6Packet, Icmpv6Types, MutableIcmpv6Packet};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::util::MacAddr;

const ETHERNET_LENGTH: usize = 14;
const IPV6_LENGTH: usize = 40;
/// Of a Neighbor Advertisement and of a Neighbor Solicitation alike.
const MESSAGE_LENGTH: usize = 24;
/// A link-layer address option: type, length, address (RFC 4861 §4.6.1).
const OPTION_LENGTH: usize = 8;
/// The bytes of either message with its option, Ethernet header included.
pub const FRAME_LENGTH: usize = ETHERNET_LENGTH + IPV6_LENGTH + MESSAGE_LENGTH + OPTION_LENGTH;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The Ethernet address of `ALL_NODES` (RFC 2464 §7).
const ALL_NODES_MAC: MacAddr = MacAddr(0x33, 0x33, 0, 0, 0, 1);

/// Builds an unsolicited Neighbor Advertisement to all nodes, Override set and Solicited clear (RFC 9568 §6.4.1).
///
/// `router` is the Router flag, which should say whether the host forwards: a host gives up its default route through a
/// router that clears it (RFC 4861 §7.2.5).
#[expect(clippy::expect_used, reason = "the constant lengths are those that pnet asks for")]
pub fn unsolicited_advertisement(mac: [u8; 6], address: Ipv6Addr, router: bool) -> [u8; FRAME_LENGTH] {
    let ends = Ends { source: address, source_mac: mac.into(), destination: ALL_NODES, destination_mac: ALL_NODES_MAC };
    ends.frame(NdpOptionTypes::TargetLLAddr, |icmpv6| {
        let flags = if router { NeighborAdvertFlags::Router } else { 0 } | NeighborAdvertFlags::Override;
        let mut advertisement = MutableNeighborAdvertPacket::new(icmpv6).expect("a Neighbor Advertisement fits");
        advertisement.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
        advertisement.set_flags(flags);
        advertisement.set_target_addr(address);
    })
}

/// Builds a Neighbor Solicitation (RFC 4861 §4.3): `source`, at `mac`, asks who has `target`. `to` is the one host to be
/// asked; `None`: all that may have it.
#[expect(clippy::expect_used, reason = "the constant lengths are those that pnet asks for")]
pub fn solicitation(mac: [u8; 6], to: Option<[u8; 6]>, source: Ipv6Addr, target: Ipv6Addr) -> [u8; FRAME_LENGTH] {
    let [.., a, b, c] = target.octets();
    let (destination, destination_mac) = match to {
        Some(one) => (target, MacAddr::from(one)),
        // The solicited-node address (RFC 4291 §2.7.1) and its Ethernet address (RFC 2464 §7).
        None => (
            Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c])),
            MacAddr(0x33, 0x33, 0xff, a, b, c),
        ),
    };
    let ends = Ends { source, source_mac: mac.into(), destination, destination_mac };
    ends.frame(NdpOptionTypes::SourceLLAddr, |icmpv6| {
        let mut solicitation = MutableNeighborSolicitPacket::new(icmpv6).expect("a Neighbor Solicitation fits");
        solicitation.set_icmpv6_type(Icmpv6Types::NeighborSolicit);
        solicitation.set_target_addr(target);
    })
}

/// Says who speaks to whom.
struct Ends {
    source: Ipv6Addr,
    source_mac: MacAddr,
    destination: Ipv6Addr,
    destination_mac: MacAddr,
}

impl Ends {
    /// Puts headers, option and checksum around a message.
    #[expect(clippy::expect_used, reason = "the constant lengths are those that pnet asks for")]
    fn frame(&self, option_type: NdpOptionType, message: impl FnOnce(&mut [u8])) -> [u8; FRAME_LENGTH] {
        let mut frame = [0; FRAME_LENGTH];
        let (ethernet, rest) = frame.split_at_mut(ETHERNET_LENGTH);
        let (ipv6, icmpv6) = rest.split_at_mut(IPV6_LENGTH);

        let mut ethernet = MutableEthernetPacket::new(ethernet).expect("an Ethernet header fits");
        ethernet.set_destination(self.destination_mac);
        ethernet.set_source(self.source_mac);
        ethernet.set_ethertype(EtherTypes::Ipv6);

        let mut ipv6 = MutableIpv6Packet::new(ipv6).expect("an IPv6 header fits");
        ipv6.set_version(6);
        ipv6.set_payload_length((MESSAGE_LENGTH + OPTION_LENGTH) as u16);
        ipv6.set_next_header(IpNextHeaderProtocols::Icmpv6);
        // Receivers discard anything that a router may have forwarded (RFC 4861 §7.1.1, §7.1.2).
        ipv6.set_hop_limit(u8::MAX);
        ipv6.set_source(self.source);
        ipv6.set_destination(self.destination);

        message(icmpv6);
        let mut option =
            MutableNdpOptionPacket::new(&mut icmpv6[MESSAGE_LENGTH..]).expect("a link-layer address option fits");
        option.set_option_type(option_type);
        option.set_length((OPTION_LENGTH / 8) as u8);
        option.set_data(&self.source_mac.octets());

        let whole = Icmpv6Packet::new(icmpv6).expect("an ICMPv6 header fits");
        let checksum = icmpv6::checksum(&whole, &self.source, &self.destination);
        let mut whole = MutableIcmpv6Packet::new(icmpv6).expect("an ICMPv6 header fits");
        whole.set_checksum(checksum);
        frame
    }
}
