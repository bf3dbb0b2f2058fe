//! What this host looks like, for the checks that compare a configuration with it.

use crate::config::{HostAddress, HostFacts, Interface};
use crate::net::link::{self, Link, LinkAddress};
use crate::net::netlink::NetlinkError;
use crate::net::{self, Netlink};

/// Asks the kernel for interfaces and addresses; this needs no privilege.
///
/// # Errors
/// What kept netlink from answering.
pub fn facts() -> Result<HostFacts, NetlinkError> {
    let mut netlink = Netlink::open().map_err(NetlinkError::Socket)?;
    let interfaces = link::links(&mut netlink)?.into_iter().map(interface).collect();
    Ok(HostFacts { interfaces, clock_synchronised: net::clock_is_synchronised() })
}

fn interface(link: Link) -> Interface {
    let addresses = link.addresses.iter().map(address).collect();
    Interface { name: link.name, index: link.index, up: link.running, mtu: link.mtu, addresses }
}

fn address(known: &LinkAddress) -> HostAddress {
    HostAddress { address: known.address, prefix: known.prefix, claimed: known.protocol == vrrp_packet::IP_PROTOCOL }
}
