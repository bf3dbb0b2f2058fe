//! The neighbour table: which Ethernet address the kernel sends to for an IP address.

use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};

use super::family;
use crate::net::netlink::{Netlink, NetlinkError};

/// Returns the Ethernet address that the kernel knows for an IP address on an interface.
///
/// # Errors
/// [`NetlinkError`].
pub fn neighbour(netlink: &mut Netlink, index: u32, address: IpAddr) -> Result<Option<[u8; 6]>, NetlinkError> {
    let mut wanted = NeighbourMessage::default();
    wanted.header.family = family(address);
    let table = netlink.dump(RouteNetlinkMessage::GetNeighbour(wanted))?;
    let destination = NeighbourAttribute::Destination(address.into());
    Ok(table.iter().find_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(known)
            if known.header.ifindex == index && known.attributes.contains(&destination) =>
        {
            known.attributes.iter().find_map(|attribute| match attribute {
                NeighbourAttribute::LinkLayerAddress(mac) => mac.as_slice().try_into().ok(),
                _ => None,
            })
        }
        _ => None,
    }))
}

/// Fixes the Ethernet address of a neighbour, whatever ARP says.
///
/// # Errors
/// [`NetlinkError`].
pub fn set_neighbour(netlink: &mut Netlink, index: u32, address: IpAddr, mac: [u8; 6]) -> Result<(), NetlinkError> {
    let mut neighbour = message(index, address);
    neighbour.header.state = NeighbourState::Permanent;
    neighbour.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.to_vec()));
    netlink.request(RouteNetlinkMessage::NewNeighbour(neighbour), NLM_F_CREATE | NLM_F_REPLACE)
}

/// Forgets a neighbour, so that the kernel asks for it anew.
///
/// # Errors
/// [`NetlinkError`]; [`NetlinkError::is_not_found`] where it is not known.
pub fn remove_neighbour(netlink: &mut Netlink, index: u32, address: IpAddr) -> Result<(), NetlinkError> {
    netlink.request(RouteNetlinkMessage::DelNeighbour(message(index, address)), 0)
}

fn message(index: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    message.attributes.push(NeighbourAttribute::Destination(address.into()));
    message
}
