//! A copy of the host's links and addresses, kept up to date from the kernel's notifications. No I/O.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::net::link::{Link, LinkAddress};
use crate::net::netlink::MonitorEvent;

use super::message::InterfaceState;
use super::plan::Plan;

/// Holds the links of the network namespace, each with its addresses in the kernel's order.
#[derive(Default, Debug)]
pub(super) struct Host {
    links: Vec<Link>,
    /// The addresses that vipd moves about: never a source, never the reason for a prefix length.
    virtuals: HashSet<IpAddr>,
}

impl Host {
    pub(super) fn new(plans: &[Plan]) -> Self {
        let moving = plans.iter().filter(|plan| !plan.owner).flat_map(|plan| &plan.addresses);
        Self { links: Vec::new(), virtuals: moving.map(|planned| planned.address).collect() }
    }

    /// Forgets everything in favour of a dump.
    pub(super) fn replace(&mut self, links: Vec<Link>) {
        self.links = links;
    }

    /// Follows one notification and tells whether links or the host's own addresses changed, not only virtual ones.
    pub(super) fn follow(&mut self, event: MonitorEvent) -> bool {
        match event {
            MonitorEvent::Link(link) => self.follow_link(link),
            MonitorEvent::LinkGone { index } => {
                self.links.retain(|link| link.index != index);
                true
            }
            MonitorEvent::Address(change) => {
                self.add(change.address);
                !self.is_virtual(change.address.address)
            }
            MonitorEvent::AddressGone(change) => {
                self.remove(change.address.index, change.address.address, change.address.prefix);
                !self.is_virtual(change.address.address)
            }
            // The caller dumps; nothing that is known here is certain until then.
            MonitorEvent::Overrun => true,
        }
    }

    fn follow_link(&mut self, mut link: Link) -> bool {
        let Some(known) = self.links.iter_mut().find(|known| known.index == link.index) else {
            self.links.push(link);
            return true;
        };
        link.addresses = core::mem::take(&mut known.addresses);
        let changed = *known != Link { addresses: Vec::new(), ..link.clone() };
        *known = link;
        changed
    }

    pub(super) fn add(&mut self, address: LinkAddress) {
        let Some(link) = self.links.iter_mut().find(|link| link.index == address.index) else { return };
        let same = |known: &&mut LinkAddress| known.address == address.address && known.prefix == address.prefix;
        match link.addresses.iter_mut().find(same) {
            Some(known) => *known = address,
            None => link.addresses.push(address),
        }
    }

    pub(super) fn remove(&mut self, index: u32, address: IpAddr, prefix: u8) {
        if let Some(link) = self.links.iter_mut().find(|link| link.index == index) {
            link.addresses.retain(|known| known.address != address || known.prefix != prefix);
        }
    }

    pub(super) fn is_virtual(&self, address: IpAddr) -> bool {
        self.virtuals.contains(&address)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    pub(super) fn by_index(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    pub(super) fn has(&self, index: u32, address: IpAddr, prefix: u8) -> bool {
        let same = |known: &LinkAddress| known.address == address && known.prefix == prefix;
        self.by_index(index).is_some_and(|link| link.addresses.iter().any(same))
    }

    /// Finds an address wherever it is; a link-local one only on the interface with this index, as each link has its own.
    pub(super) fn find(&self, address: IpAddr, index: u32) -> Option<(&Link, &LinkAddress)> {
        let anywhere = !is_link_local(address);
        self.links
            .iter()
            .filter(|link| anywhere || link.index == index)
            .find_map(|link| Some((link, link.addresses.iter().find(|known| known.address == address)?)))
    }

    /// Walks through all addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&Link, &LinkAddress)> {
        self.links.iter().flat_map(|link| link.addresses.iter().map(move |address| (link, address)))
    }

    /// Returns what a router needs to know of its interface.
    pub(super) fn interface_state(&self, plan: &Plan) -> InterfaceState {
        let Some(link) = self.by_name(&plan.interface) else { return InterfaceState::default() };
        let usable = || link.addresses.iter().filter(|known| !known.tentative).map(|known| known.address);
        let own = || usable().filter(|address| !self.is_virtual(*address));
        InterfaceState {
            index: Some(link.index),
            up: link.running,
            mac: link.mac,
            source_v4: own().find_map(|address| match address {
                IpAddr::V4(address) if !address.is_loopback() => Some(address),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            }),
            source_v6: own().find_map(|address| match address {
                IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            }),
            configured_source: plan.source.filter(|wanted| usable().any(|address| address == *wanted)),
        }
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
