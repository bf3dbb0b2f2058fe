//! Links and addresses as plain facts, read from the kernel's messages.

use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage, State};

use crate::net::netlink::{Netlink, NetlinkError};

/// Describes one network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The number that the kernel knows it by; a new one each time the interface is made.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is switched on (IFF_UP).
    pub up: bool,
    /// Whether it can carry packets: switched on, with a carrier, and not reported down (IFF_RUNNING).
    ///
    /// The kernel takes an interface whose driver has not reported anything for one that runs. That is right for those
    /// that never report (loopback, tun); the others (veth, Ethernet) have no carrier at that moment, which is asked too.
    pub running: bool,
    /// Whether it is reported up (operstate): the news of its beginning has reached whoever waits for it. Interfaces that
    /// never report never are.
    pub reported_up: bool,
    /// Its Ethernet address, where it has one that is not zero.
    pub mac: Option<[u8; 6]>,
    /// The bytes of the longest packet that it carries; 0: not told.
    pub mtu: u32,
    /// Its addresses, in the kernel's order.
    pub addresses: Vec<LinkAddress>,
}

/// Describes one address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkAddress {
    /// The interface's index.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// The prefix length.
    pub prefix: u8,
    /// How far it is valid, as the kernel numbers it: 0 everywhere, 253 on the link, 254 on the host.
    pub scope: u8,
    /// Whether it is an IPv4 address in the subnet of an earlier one (IFA_F_SECONDARY).
    pub secondary: bool,
    /// Whether the host avoids it as source of its own connections (IFA_F_DEPRECATED).
    pub deprecated: bool,
    /// Whether duplicate address detection has not passed it (IFA_F_TENTATIVE, IFA_F_DADFAILED).
    pub tentative: bool,
    /// The seconds that it has left (IFA_CACHEINFO); `None`: it stays for ever.
    pub valid_seconds: Option<u32>,
    /// Who added it (IFA_PROTO, Linux 5.18); 0: not told.
    pub protocol: u8,
}

/// Lists the interfaces of a network namespace with their addresses.
///
/// # Errors
/// [`NetlinkError`].
pub fn links(netlink: &mut Netlink) -> Result<Vec<Link>, NetlinkError> {
    let mut links = bare_links(netlink)?;
    for message in netlink.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        if let RouteNetlinkMessage::NewAddress(message) = message
            && let Some(address) = LinkAddress::read(&message)
            && let Some(link) = links.iter_mut().find(|link| link.index == address.index)
        {
            link.addresses.push(address);
        }
    }
    Ok(links)
}

/// Lists the interfaces of a network namespace without their addresses.
///
/// # Errors
/// [`NetlinkError`].
pub fn bare_links(netlink: &mut Netlink) -> Result<Vec<Link>, NetlinkError> {
    let table = netlink.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let read = |message: &RouteNetlinkMessage| match message {
        RouteNetlinkMessage::NewLink(link) => Link::read(link),
        _ => None,
    };
    Ok(table.iter().filter_map(read).collect())
}

impl Link {
    /// Reads a link's message; `None` where it has no name.
    pub(in crate::net) fn read(message: &LinkMessage) -> Option<Self> {
        let mut name = None;
        let (mut mac, mut mtu, mut carrier, mut reported_up) = (None, 0, true, false);
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(text) => name = Some(text.clone()),
                LinkAttribute::Mtu(bytes) => mtu = *bytes,
                LinkAttribute::Carrier(there) => carrier = *there != 0,
                LinkAttribute::OperState(state) => reported_up = *state == State::Up,
                LinkAttribute::Address(bytes) => mac = <[u8; 6]>::try_from(bytes.as_slice()).ok(),
                _ => {}
            }
        }
        let flags = message.header.flags;
        Some(Self {
            index: message.header.index,
            name: name?,
            up: flags.contains(LinkFlags::Up),
            running: carrier && flags.contains(LinkFlags::Up | LinkFlags::Running),
            reported_up,
            mac: mac.filter(|mac| *mac != [0; 6]),
            mtu,
            addresses: Vec::new(),
        })
    }
}

impl LinkAddress {
    /// Reads an address's message; `None` where it holds no address.
    pub(in crate::net) fn read(message: &AddressMessage) -> Option<Self> {
        let mut local = None;
        let mut address = None;
        let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        let mut valid_seconds = None;
        let mut protocol = 0;
        for attribute in &message.attributes {
            match attribute {
                // On a point-to-point link `Address` is the other end.
                AddressAttribute::Local(own) => local = Some(*own),
                AddressAttribute::Address(other) => address = Some(*other),
                AddressAttribute::Flags(all) => flags = *all,
                AddressAttribute::CacheInfo(times) => {
                    valid_seconds = Some(times.ifa_valid).filter(|&seconds| seconds != u32::MAX);
                }
                AddressAttribute::Protocol(by) => protocol = u8::from(*by),
                _ => {}
            }
        }
        Some(Self {
            index: message.header.index,
            address: local.or(address)?,
            prefix: message.header.prefix_len,
            scope: u8::from(AddressScope::from(u8::from(message.header.scope))),
            secondary: flags.contains(AddressFlags::Secondary),
            deprecated: flags.contains(AddressFlags::Deprecated),
            tentative: flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed),
            valid_seconds,
            protocol,
        })
    }
}
