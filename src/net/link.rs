//! Links and their addresses: what is there, and how to make, change and remove them.
//!
//! Every function takes the socket of the network namespace in which it acts. Policy has no place here: which address
//! may be added, with what lifetime, is `dataplane`'s business.

mod facts;
mod neighbours;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, LinkProtoInfoBridge,
};
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::namespace::Namespace;
use super::netlink::{Netlink, NetlinkError};

pub use facts::{Link, LinkAddress, bare_links, links};
pub use neighbours::{neighbour, remove_neighbour, set_neighbour};

const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// Says what a bridge port does with frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortState {
    /// Drops everything, both ways, while the link stays up: a silent cut.
    Disabled,
    /// Forwards everything.
    Forwarding,
}

/// Makes two connected Ethernet interfaces, each in its own namespace; both are down at first.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_exists`] where a name is taken.
pub fn create_veth(
    netlink: &mut Netlink,
    name: &str,
    namespace: &Namespace,
    peer_name: &str,
    peer_namespace: &Namespace,
) -> Result<(), NetlinkError> {
    let mut peer = named(peer_name);
    peer.attributes.push(LinkAttribute::NetNsFd(peer_namespace.as_raw_fd()));
    let mut link = named(name);
    link.attributes.push(LinkAttribute::NetNsFd(namespace.as_raw_fd()));
    let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))];
    link.attributes.push(LinkAttribute::LinkInfo(info));
    netlink.request(RouteNetlinkMessage::NewLink(link), NEW)
}

/// Makes a bridge; it is down at first.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_exists`] where the name is taken.
pub fn create_bridge(netlink: &mut Netlink, name: &str) -> Result<(), NetlinkError> {
    let mut link = named(name);
    link.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]));
    netlink.request(RouteNetlinkMessage::NewLink(link), NEW)
}

/// Puts an interface into a bridge, or takes it out.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_master(netlink: &mut Netlink, index: u32, bridge: Option<u32>) -> Result<(), NetlinkError> {
    set(netlink, index, vec![LinkAttribute::Controller(bridge.unwrap_or(0))])
}

/// Sets what a bridge port does with frames. The port and its bridge must be up.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_port_state(netlink: &mut Netlink, index: u32, state: PortState) -> Result<(), NetlinkError> {
    const IFLA_BRPORT_STATE: u16 = 1;
    let state = match state {
        PortState::Disabled => 0,
        PortState::Forwarding => 3,
    };
    set_port(netlink, index, IFLA_BRPORT_STATE, state)
}

/// Sets whether a bridge port passes what goes to a group on to its host.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_multicast_flood(netlink: &mut Netlink, index: u32, flood: bool) -> Result<(), NetlinkError> {
    const IFLA_BRPORT_MCAST_FLOOD: u16 = 27;
    set_port(netlink, index, IFLA_BRPORT_MCAST_FLOOD, flood.into())
}

fn set_port(netlink: &mut Netlink, index: u32, attribute: u16, value: u8) -> Result<(), NetlinkError> {
    let mut link = numbered(index);
    link.header.interface_family = AddressFamily::Bridge;
    let attribute = LinkProtoInfoBridge::Other(DefaultNla::new(attribute, vec![value]));
    link.attributes.push(LinkAttribute::ProtoInfoBridge(vec![attribute]));
    netlink.request(RouteNetlinkMessage::SetLink(link), 0)
}

/// Switches an interface on.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_up(netlink: &mut Netlink, index: u32) -> Result<(), NetlinkError> {
    set_flag_up(netlink, index, LinkFlags::Up)
}

/// Switches an interface off; IPv6 addresses and all routes go with that.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_down(netlink: &mut Netlink, index: u32) -> Result<(), NetlinkError> {
    set_flag_up(netlink, index, LinkFlags::empty())
}

fn set_flag_up(netlink: &mut Netlink, index: u32, flags: LinkFlags) -> Result<(), NetlinkError> {
    let mut link = numbered(index);
    link.header.flags = flags;
    link.header.change_mask = LinkFlags::Up;
    netlink.request(RouteNetlinkMessage::SetLink(link), 0)
}

/// Gives an interface another Ethernet address.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_mac(netlink: &mut Netlink, index: u32, mac: [u8; 6]) -> Result<(), NetlinkError> {
    set(netlink, index, vec![LinkAttribute::Address(mac.to_vec())])
}

/// Removes an interface, of a pair both.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_not_found`] where it is gone.
pub fn delete(netlink: &mut Netlink, index: u32) -> Result<(), NetlinkError> {
    netlink.request(RouteNetlinkMessage::DelLink(numbered(index)), 0)
}

/// Finds an interface by its name.
///
/// # Errors
/// [`NetlinkError`].
pub fn index_of(netlink: &mut Netlink, name: &str) -> Result<Option<u32>, NetlinkError> {
    Ok(links(netlink)?.into_iter().find(|link| link.name == name).map(|link| link.index))
}

/// Adds a host's own address, valid for ever; an IPv6 one without duplicate address detection, usable at once.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_exists`] where it is already there.
pub fn add_address(netlink: &mut Netlink, index: u32, address: IpAddr, prefix: u8) -> Result<(), NetlinkError> {
    let mut message = address_message(index, address, prefix);
    if address.is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    netlink.request(RouteNetlinkMessage::NewAddress(message), NEW)
}

/// Removes an address.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_not_found`] where it is not there.
pub fn remove_address(netlink: &mut Netlink, index: u32, address: IpAddr, prefix: u8) -> Result<(), NetlinkError> {
    netlink.request(RouteNetlinkMessage::DelAddress(address_message(index, address, prefix)), 0)
}

/// Adds a route to a network through a gateway; a prefix of 0 makes it the default route.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_exists`] where it is already there.
pub fn add_route(netlink: &mut Netlink, destination: IpAddr, prefix: u8, gateway: IpAddr) -> Result<(), NetlinkError> {
    let mut route = RouteMessage::default();
    route.header.address_family = family(destination);
    route.header.destination_prefix_length = prefix;
    route.header.table = netlink_packet_route::route::RouteHeader::RT_TABLE_MAIN;
    route.header.protocol = RouteProtocol::Static;
    route.header.scope = RouteScope::Universe;
    route.header.kind = RouteType::Unicast;
    route.attributes.push(RouteAttribute::Gateway(gateway.into()));
    if prefix > 0 {
        route.attributes.push(RouteAttribute::Destination(destination.into()));
    }
    netlink.request(RouteNetlinkMessage::NewRoute(route), NEW)
}

/// Begins a message about an address: what both adding and removing must say.
pub fn address_message(index: u32, address: IpAddr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = prefix;
    message.header.index = index;
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    message
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn set(netlink: &mut Netlink, index: u32, attributes: Vec<LinkAttribute>) -> Result<(), NetlinkError> {
    let mut link = numbered(index);
    link.attributes = attributes;
    netlink.request(RouteNetlinkMessage::SetLink(link), 0)
}

fn named(name: &str) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::IfName(name.to_owned()));
    link
}

fn numbered(index: u32) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = index;
    link
}
