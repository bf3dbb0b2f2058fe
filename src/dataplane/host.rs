//! A copy of the host's links and addresses, kept up to date from the kernel's notifications. No I/O.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::net::link::{Link, LinkAddress};
use crate::net::netlink::MonitorEvent;

use super::message::InterfaceState;
use super::plan::Plan;

/// Holds the links of the network namespace, each with the host's own addresses in the kernel's order.
#[derive(Default, Debug)]
pub(super) struct Host {
    links: Vec<Link>,
    /// The addresses that vipd moves about, and where each is now. They are never a source, nor the reason for a
    /// prefix length, so their order means nothing; but there may be thousands.
    virtuals: HashMap<IpAddr, Vec<LinkAddress>>,
}

impl Host {
    pub(super) fn new<'a>(plans: impl IntoIterator<Item = &'a Plan>) -> Self {
        let moving = plans.into_iter().filter(|plan| !plan.owner).flat_map(|plan| &plan.addresses);
        Self { links: Vec::new(), virtuals: moving.map(|planned| (planned.address, Vec::new())).collect() }
    }

    /// Counts just these addresses as such that move about. What is known of the others is void until the next
    /// [`Self::replace`].
    pub(super) fn set_virtual(&mut self, addresses: impl Iterator<Item = IpAddr>) {
        self.virtuals = addresses.map(|address| (address, Vec::new())).collect();
    }

    /// Forgets everything in favour of a dump.
    pub(super) fn replace(&mut self, links: Vec<Link>) {
        self.links.clear();
        self.virtuals.values_mut().for_each(Vec::clear);
        for mut link in links {
            let addresses = core::mem::take(&mut link.addresses);
            self.links.push(link);
            for address in addresses {
                self.add(address);
            }
        }
    }

    /// Follows one notification and tells whether links or the host's own addresses changed, not only virtual ones.
    pub(super) fn follow(&mut self, event: MonitorEvent) -> bool {
        match event {
            MonitorEvent::Link(link) => self.follow_link(link),
            MonitorEvent::LinkGone { index } => {
                self.links.retain(|link| link.index != index);
                self.virtuals.values_mut().for_each(|places| places.retain(|known| known.index != index));
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
        let Some(places) = self.places(address.index, address.address) else { return };
        match places.iter_mut().find(|known| is_same(known, address.index, address.address, address.prefix)) {
            Some(known) => *known = address,
            None => places.push(address),
        }
    }

    pub(super) fn remove(&mut self, index: u32, address: IpAddr, prefix: u8) {
        if let Some(places) = self.places(index, address) {
            places.retain(|known| !is_same(known, index, address, prefix));
        }
    }

    /// Returns the list that an address belongs in; `None` where there is no such link.
    fn places(&mut self, index: u32, address: IpAddr) -> Option<&mut Vec<LinkAddress>> {
        let link = self.links.iter_mut().find(|link| link.index == index)?;
        Some(self.virtuals.get_mut(&address).unwrap_or(&mut link.addresses))
    }

    pub(super) fn is_virtual(&self, address: IpAddr) -> bool {
        self.virtuals.contains_key(&address)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    pub(super) fn by_index(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// Tells whether a virtual address is there in just this form.
    pub(super) fn has(&self, index: u32, address: IpAddr, prefix: u8) -> bool {
        let places = self.virtuals.get(&address).map_or(&[][..], Vec::as_slice);
        places.iter().any(|known| is_same(known, index, address, prefix))
    }

    /// Finds an address wherever it is; a link-local one only on the interface with this index, as each link has its own.
    pub(super) fn find(&self, address: IpAddr, index: u32) -> Option<(&Link, &LinkAddress)> {
        let counts =
            |known: &&LinkAddress| known.address == address && (!is_link_local(address) || known.index == index);
        let found = match self.virtuals.get(&address) {
            Some(places) => places.iter().find(counts)?,
            None => self.links.iter().flat_map(|link| &link.addresses).find(counts)?,
        };
        Some((self.by_index(found.index)?, found))
    }

    /// Walks through all addresses, the host's own ones first.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&Link, &LinkAddress)> {
        let own = self.links.iter().flat_map(|link| &link.addresses);
        let all = own.chain(self.virtuals.values().flatten());
        all.filter_map(|known| Some((self.by_index(known.index)?, known)))
    }

    /// Returns what a router needs to know of its interface.
    pub(super) fn interface_state(&self, plan: &Plan) -> InterfaceState {
        let Some(link) = self.by_name(&plan.interface) else { return InterfaceState::default() };
        let own = || link.addresses.iter().filter(|known| !known.tentative).map(|known| known.address);
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
            // The one who knows what is claimed already decides.
            claimable: false,
            configured_source: plan.source.filter(|wanted| own().any(|address| address == *wanted)),
        }
    }
}

fn is_same(known: &LinkAddress, index: u32, address: IpAddr, prefix: u8) -> bool {
    known.index == index && known.address == address && known.prefix == prefix
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
