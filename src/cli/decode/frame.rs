//! From the bytes of a frame to what concerns VRRP: link layer, IP header, and the payload of protocol 112.
//!
//! Captures hold anything; every length is checked here, and what makes no sense is [`Frame::Other`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, ArpPacket};
use pnet::packet::ethernet::{EtherType, EtherTypes, EthernetPacket};
use pnet::packet::icmpv6::Icmpv6Types;
use pnet::packet::icmpv6::ndp::{NeighborAdvertFlags, NeighborAdvertPacket};
use pnet::packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::ipv6::Ipv6Packet;
use pnet::packet::vlan::VlanPacket;
use pnet::util::MacAddr;
use vrrp_packet::{IP_PROTOCOL, IpHeader};

use super::capture::Link;

/// Holds what of a frame concerns VRRP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame<'a> {
    /// The payload of an IP packet of protocol 112.
    Vrrp(IpPayload<'a>),
    /// Somebody announces an IPv4 address.
    GratuitousArp {
        /// Request or reply.
        operation: ArpOperation,
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        mac: MacAddr,
    },
    /// Somebody announces an IPv6 address without being asked.
    UnsolicitedNa {
        /// The address.
        address: Ipv6Addr,
        /// Who has it, where it says so.
        mac: Option<MacAddr>,
        /// Whether neighbours shall replace what they know.
        overrides: bool,
    },
    /// Something else.
    Other,
}

/// Holds what an IP packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct IpPayload<'a> {
    /// What its header said.
    pub(super) ip: IpHeader,
    /// Its payload as far as it was captured.
    pub(super) payload: &'a [u8],
    /// How many bytes of the payload the capture left out.
    pub(super) missing: usize,
    /// Whether it is a piece of a packet; receivers see only the whole.
    pub(super) fragment: bool,
}

/// Takes a frame apart.
pub(super) fn dissect(link: Link, data: &[u8]) -> Frame<'_> {
    layer_three(link, data).and_then(|(ethertype, packet)| network(ethertype, packet)).unwrap_or(Frame::Other)
}

/// Returns the bytes after the link layer's header; VLAN tags are skipped.
fn layer_three(link: Link, data: &[u8]) -> Option<(EtherType, &[u8])> {
    let (mut ethertype, length) = match link {
        Link::Ethernet => (EthernetPacket::new(data)?.get_ethertype(), EthernetPacket::minimum_packet_size()),
        // By hand: pnet takes the cooked headers' fixed address field for a variable one, and panics on short frames.
        Link::Sll => (ethertype(data.get(14..16)?)?, 16),
        Link::Sll2 => (ethertype(data.get(..2)?)?, 20),
        Link::Ip => match data.first()? >> 4 {
            4 => (EtherTypes::Ipv4, 0),
            6 => (EtherTypes::Ipv6, 0),
            _ => return None,
        },
    };
    let mut rest = data.get(length..)?;
    while matches!(ethertype, EtherTypes::Vlan | EtherTypes::QinQ | EtherTypes::PBridge) {
        ethertype = VlanPacket::new(rest)?.get_ethertype();
        rest = rest.get(VlanPacket::minimum_packet_size()..)?;
    }
    Some((ethertype, rest))
}

fn ethertype(field: &[u8]) -> Option<EtherType> {
    field.try_into().ok().map(|bytes| EtherType(u16::from_be_bytes(bytes)))
}

fn network(ethertype: EtherType, packet: &[u8]) -> Option<Frame<'_>> {
    match ethertype {
        EtherTypes::Ipv4 => transport(ipv4(packet)?),
        EtherTypes::Ipv6 => transport(ipv6(packet)?),
        EtherTypes::Arp => arp(packet),
        _ => None,
    }
}

fn transport((protocol, packet): (IpNextHeaderProtocol, IpPayload<'_>)) -> Option<Frame<'_>> {
    match protocol {
        IpNextHeaderProtocol(IP_PROTOCOL) => Some(Frame::Vrrp(packet)),
        IpNextHeaderProtocols::Icmpv6 => neighbor_advertisement(packet.payload),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<(IpNextHeaderProtocol, IpPayload<'_>)> {
    let header = Ipv4Packet::new(packet)?;
    let ip = IpHeader {
        source: IpAddr::V4(header.get_source()),
        destination: IpAddr::V4(header.get_destination()),
        hop_limit: header.get_ttl(),
    };
    let length = usize::from(header.get_header_length()) * 4;
    if header.get_version() != 4 || length < Ipv4Packet::minimum_packet_size() {
        return None;
    }
    let rest = packet.get(length..)?;
    let carried = usize::from(header.get_total_length()).checked_sub(length)?;
    // The lowest of the three flags is "more fragments".
    let fragment = header.get_flags() & 1 != 0 || header.get_fragment_offset() != 0;
    Some((header.get_next_level_protocol(), carry(ip, rest, carried, fragment)))
}

fn ipv6(packet: &[u8]) -> Option<(IpNextHeaderProtocol, IpPayload<'_>)> {
    let header = Ipv6Packet::new(packet)?;
    let ip = IpHeader {
        source: IpAddr::V6(header.get_source()),
        destination: IpAddr::V6(header.get_destination()),
        hop_limit: header.get_hop_limit(),
    };
    if header.get_version() != 6 {
        return None;
    }
    let mut rest = packet.get(Ipv6Packet::minimum_packet_size()..)?;
    let mut carried = usize::from(header.get_payload_length());
    let mut protocol = header.get_next_header();
    let mut fragment = false;
    loop {
        let length = match (protocol, rest) {
            (IpNextHeaderProtocols::Hopopt | IpNextHeaderProtocols::Ipv6Opts, [_, units, ..]) => {
                8 + usize::from(*units) * 8
            }
            (IpNextHeaderProtocols::Ipv6Frag, [..]) => {
                fragment = true;
                8
            }
            _ => return Some((protocol, carry(ip, rest, carried, fragment))),
        };
        protocol = IpNextHeaderProtocol(*rest.first()?);
        rest = rest.get(length..)?;
        carried = carried.checked_sub(length)?;
    }
}

/// Cuts the link layer's padding off, and says how much is missing.
fn carry(ip: IpHeader, rest: &[u8], carried: usize, fragment: bool) -> IpPayload<'_> {
    let payload = rest.get(..carried).unwrap_or(rest);
    IpPayload { ip, payload, missing: carried - payload.len(), fragment }
}

fn arp(packet: &[u8]) -> Option<Frame<'_>> {
    let arp = ArpPacket::new(packet)?;
    let address = arp.get_sender_proto_addr();
    let announces = arp.get_hardware_type() == ArpHardwareTypes::Ethernet
        && arp.get_protocol_type() == EtherTypes::Ipv4
        && matches!(arp.get_operation(), ArpOperations::Request | ArpOperations::Reply)
        && address == arp.get_target_proto_addr();
    announces.then(|| Frame::GratuitousArp { operation: arp.get_operation(), address, mac: arp.get_sender_hw_addr() })
}

fn neighbor_advertisement(packet: &[u8]) -> Option<Frame<'_>> {
    let advertisement = NeighborAdvertPacket::new(packet)?;
    let flags = advertisement.get_flags();
    if advertisement.get_icmpv6_type() != Icmpv6Types::NeighborAdvert || flags & NeighborAdvertFlags::Solicited != 0 {
        return None;
    }
    // Target Link-Layer Address (RFC 4861 §4.6.1), which is the only option that an announcement needs.
    let mac = match packet.get(NeighborAdvertPacket::minimum_packet_size()..)? {
        [2, 1, a, b, c, d, e, f, ..] => Some(MacAddr::new(*a, *b, *c, *d, *e, *f)),
        _ => None,
    };
    let overrides = flags & NeighborAdvertFlags::Override != 0;
    Some(Frame::UnsolicitedNa { address: advertisement.get_target_addr(), mac, overrides })
}
