//! What is asked of the kernel to add, renew and remove a virtual address. No I/O: messages are made, not sent.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};

use crate::net::link::{Link, LinkAddress, address_message};
use crate::net::netlink::Batch;

use super::message::Place;
use super::plan::{Plan, PlannedAddress};

/// Marks our addresses (IFA_PROTO, Linux 5.18): the protocol number of VRRP, which no other daemon uses there.
pub(super) const PROTOCOL: u8 = vrrp_packet::IP_PROTOCOL;

/// Describes one address as it is to be on one interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) interface: String,
    pub(super) index: u32,
    pub(super) address: IpAddr,
    pub(super) prefix: u8,
    label: Option<String>,
    scope: u8,
    lease: Option<u32>,
    source_ok: bool,
}

impl Target {
    /// Works out how a planned address is to be configured on its interface as the host is now.
    pub(super) fn new(plan: &Plan, planned: &PlannedAddress, link: &Link) -> Self {
        let prefix = match planned.address {
            IpAddr::V4(address) if !plan.source_ok && !plan.owner && !becomes_secondary(address, planned, link) => 32,
            IpAddr::V4(_) | IpAddr::V6(_) => planned.prefix,
        };
        Self {
            interface: link.name.clone(),
            index: link.index,
            address: planned.address,
            prefix,
            label: planned.label.clone(),
            scope: planned.scope.number(),
            lease: plan.lease_seconds(),
            source_ok: plan.source_ok,
        }
    }

    /// Tells whether the kernel sees the same address in both, whatever its lifetime.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let same_place = (self.index, self.address, self.prefix) == (other.index, other.address, other.prefix);
        same_place && (&self.label, self.scope, self.source_ok) == (&other.label, other.scope, other.source_ok)
    }

    pub(super) fn place(&self) -> Place {
        Place { address: self.address, prefix: self.prefix, interface: self.interface.clone() }
    }

    pub(super) fn added(&self) -> RouteNetlinkMessage {
        let mut message = address_message(self.index, self.address, self.prefix);
        message.header.scope = AddressScope::from(self.scope);
        message.attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)));
        message.attributes.push(AddressAttribute::Flags(self.flags()));
        if let (Some(label), true) = (&self.label, self.address.is_ipv4()) {
            message.attributes.push(AddressAttribute::Label(label.clone()));
        }
        message.attributes.push(AddressAttribute::CacheInfo(self.lifetime()));
        RouteNetlinkMessage::NewAddress(message)
    }

    pub(super) fn removed(&self) -> RouteNetlinkMessage {
        removal(self.index, self.address, self.prefix)
    }

    /// Returns what the kernel will say of the address once it is there.
    pub(super) fn expected(&self) -> LinkAddress {
        LinkAddress {
            index: self.index,
            address: self.address,
            prefix: self.prefix,
            scope: self.scope,
            secondary: false,
            deprecated: false,
            tentative: false,
            valid_seconds: self.lease,
            protocol: PROTOCOL,
        }
    }

    fn flags(&self) -> AddressFlags {
        let mut flags = AddressFlags::empty();
        if self.address.is_ipv6() {
            // The election has decided who has the address: waiting a second for an objection would be an outage.
            flags |= AddressFlags::Nodad;
        }
        if !self.source_ok {
            // The way to the subnet is the host's own address's business. A prefix route of ours would take over the
            // lifetime of one learned from a Router Advertisement, or send the host's traffic out from our address.
            flags |= AddressFlags::Noprefixroute;
        }
        flags
    }

    fn lifetime(&self) -> CacheInfo {
        let mut times = CacheInfo::default();
        times.ifa_valid = self.lease.unwrap_or(u32::MAX);
        // Ownership rule 17: a deprecated IPv6 address is not chosen as source. IPv4 knows no such thing.
        let avoided = self.address.is_ipv6() && !self.source_ok;
        times.ifa_preferred = if avoided { 0 } else { times.ifa_valid };
        times
    }
}

/// Asks for the removal of an address.
pub(super) fn removal(index: u32, address: IpAddr, prefix: u8) -> RouteNetlinkMessage {
    let message: AddressMessage = address_message(index, address, prefix);
    RouteNetlinkMessage::DelAddress(message)
}

/// Tells whether the host has an address of its own in whose subnet ours comes second (ownership rule 17).
///
/// The kernel calls an address secondary only where prefix length and scope are the same. `link` lists no virtual ones.
fn becomes_secondary(address: Ipv4Addr, planned: &PlannedAddress, link: &Link) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(planned.prefix.min(32))).unwrap_or(0);
    link.addresses.iter().any(|known| match known.address {
        IpAddr::V4(own) => {
            !known.secondary
                && known.prefix == planned.prefix
                && known.scope == planned.scope.number()
                && own.to_bits() & mask == address.to_bits() & mask
        }
        IpAddr::V6(_) => false,
    })
}

/// Holds everything for one router's addresses that can be made before it is needed.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) targets: Vec<Target>,
    /// Adds them; what is already there is refused.
    pub(super) claim: Batch,
    /// Renews their lifetimes, or adds them again; each batch travels in one send.
    pub(super) renewals: Vec<Batch>,
    /// Removes them.
    pub(super) withdrawal: Batch,
    /// Tells the neighbours.
    pub(super) frames: Vec<super::announcer::Frame>,
}

impl Prepared {
    /// Prepares everything for these targets.
    pub(super) fn new(targets: Vec<Target>, frames: Vec<super::announcer::Frame>) -> Self {
        let renewals = targets.chunks(Batch::ONE_SEND).map(|part| additions(part, NLM_F_CREATE | NLM_F_REPLACE));
        Self {
            claim: additions(&targets, NLM_F_CREATE | NLM_F_EXCL),
            renewals: renewals.collect(),
            withdrawal: removals(&targets),
            frames,
            targets,
        }
    }
}

/// Adds addresses that must not be there yet.
pub(super) fn new_additions(targets: &[Target]) -> Batch {
    additions(targets, NLM_F_CREATE | NLM_F_EXCL)
}

fn additions(targets: &[Target], flags: u16) -> Batch {
    let mut batch = Batch::default();
    for target in targets {
        batch.push(target.added(), flags);
    }
    batch
}

/// Removes addresses.
pub(super) fn removals(targets: &[Target]) -> Batch {
    let mut batch = Batch::default();
    for target in targets {
        batch.push(target.removed(), 0);
    }
    batch
}
