//! What can go wrong with the lab's cables and addresses, and how it is put right again.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use super::{DrillError, Lab, index_of};
use crate::drill::plan::{PREFIX, Side, VIRTUAL_ADDRESS};
use crate::net::Netlink;
use crate::net::link::{self, PortState};

/// An Ethernet address that no host of the lab has.
const NOBODY: [u8; 6] = [2, 0, 0, 77, 0, 99];
/// Makes a host answer ARP only for what is configured on the interface that is asked.
const ARP_IGNORE: &str = "/proc/sys/net/ipv4/conf/all/arp_ignore";

impl Lab {
    /// Cuts a host off silently, or connects it again: its link stays up, and nothing passes.
    pub(in crate::drill) fn set_cut(&mut self, side: Side, cut: bool) -> Result<(), DrillError> {
        let port = self.host(side).port;
        let state = if cut { PortState::Disabled } else { PortState::Forwarding };
        Ok(link::set_port_state(&mut self.switch, port, state)?)
    }

    /// Takes the carrier away from a host's interface.
    pub(in crate::drill) fn drop_carrier(&mut self, side: Side) -> Result<(), DrillError> {
        let port = self.host(side).port;
        Ok(link::set_down(&mut self.switch, port)?)
    }

    /// Loses whatever one host sends to the other, or lets it pass again. All else passes, also to the client.
    ///
    /// What goes to the host alone is sent to an Ethernet address that nobody has, and the switch keeps what goes to a
    /// group from it.
    pub(in crate::drill) fn set_unheard(&mut self, from: Side, unheard: bool) -> Result<(), DrillError> {
        let to = from.other();
        let port = self.host(to).port;
        link::set_multicast_flood(&mut self.switch, port, !unheard)?;
        let mut inside = Netlink::open_in(&self.host(from).namespace)?;
        let (interface, address) = (self.host(from).interface, IpAddr::V4(to.address()));
        match unheard {
            true => link::set_neighbour(&mut inside, interface, address, NOBODY)?,
            false => link::remove_neighbour(&mut inside, interface, address)?,
        }
        Ok(())
    }

    /// Removes the virtual address from a host, as an operator or another program would.
    pub(in crate::drill) fn remove_virtual_address(&self, side: Side) -> Result<(), DrillError> {
        let mut inside = Netlink::open_in(&self.host(side).namespace)?;
        Ok(link::remove_address(&mut inside, self.host(side).interface, IpAddr::V4(VIRTUAL_ADDRESS), PREFIX)?)
    }

    /// Configures the virtual address on a host's loopback interface, as an operator or another program would.
    ///
    /// The host does not answer ARP for it, so that clients do not notice.
    pub(in crate::drill) fn configure_virtual_address(&self, side: Side) -> Result<(), DrillError> {
        let namespace = &self.host(side).namespace;
        let quiet = namespace.enter(|| fs::write(ARP_IGNORE, "1"))?;
        quiet.map_err(|source: io::Error| DrillError::File { doing: "write", path: ARP_IGNORE.into(), source })?;
        let mut inside = Netlink::open_in(namespace)?;
        let loopback = index_of(&mut inside, "lo")?;
        Ok(link::add_address(&mut inside, loopback, IpAddr::V4(VIRTUAL_ADDRESS), Ipv4Addr::BITS as u8)?)
    }
}
