//! What goes in and out of the address thread: orders, answers and reports.

use core::fmt;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_packet::Family;

use crate::net::netlink::Refusal;

use super::plan::Plan;

/// Asks the address thread for something. Epochs number the attempts to be Active and come back in the answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Configure the addresses of a router.
    Claim {
        /// The plan's index.
        router: usize,
        /// Greater than the one of the last attempt.
        epoch: u64,
    },
    /// Remove them; also ends a claim of this or an earlier epoch that has not been taken up.
    Withdraw {
        /// The plan's index.
        router: usize,
        /// The epoch of the claim.
        epoch: u64,
    },
    /// Begin to announce them; ignored for a router whose addresses are not here.
    Announce {
        /// The plan's index.
        router: usize,
    },
    /// Take in a router that is new, or change one to this plan. Addresses that are here and are not planned any more
    /// are removed, new ones are added where the others are here; the rest stays as it is.
    Install {
        /// Where the router is kept: a place that is free, or that of the router to be changed.
        router: usize,
        /// What is planned from now on.
        plan: Box<Plan>,
    },
    /// Forget a router; what is still claimed is removed first.
    Remove {
        /// The plan's index.
        router: usize,
    },
    /// Remove what is still claimed, then end the thread.
    Shutdown,
}

/// Tells what has become of an order, or of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The kernel has confirmed every address.
    Claimed {
        /// The plan's index.
        router: usize,
        /// The epoch of the claim.
        epoch: u64,
    },
    /// At least one address was refused; those that were added are removed again, which a withdrawal confirms.
    ClaimFailed {
        /// The plan's index.
        router: usize,
        /// The epoch of the claim.
        epoch: u64,
    },
    /// The kernel has confirmed that none of the addresses is left.
    Withdrawn {
        /// The plan's index.
        router: usize,
        /// The epoch of the withdrawal.
        epoch: u64,
    },
    /// Claimed addresses are gone or were given up.
    Lost {
        /// The plan's index.
        router: usize,
        /// The epoch of the claim.
        epoch: u64,
    },
    /// A router is forgotten: nothing of it is left, and no answer about it will follow.
    Removed {
        /// The plan's index, which may be used again.
        router: usize,
    },
    /// A router's interface is as told; sent at the start, after each change and after [`Order::Install`].
    Interface {
        /// The plan's index.
        router: usize,
        /// The interface.
        state: InterfaceState,
    },
}

/// Describes a router's interface as far as sockets and source addresses need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InterfaceState {
    /// Its index; `None` while there is no interface of that name.
    pub index: Option<u32>,
    /// Whether it is switched on and has a carrier.
    pub up: bool,
    /// Its Ethernet address.
    pub mac: Option<[u8; 6]>,
    /// Its first IPv4 address that is not virtual.
    pub source_v4: Option<Ipv4Addr>,
    /// Its first link-local IPv6 address that is not virtual and has passed duplicate address detection.
    pub source_v6: Option<Ipv6Addr>,
    /// The configured source, where it is on the interface.
    pub configured_source: Option<IpAddr>,
    /// Whether nothing that is known now stands in the way of a claim: the interfaces are there, the addresses are free.
    pub claimable: bool,
}

impl InterfaceState {
    /// Returns the address that advertisements of a family come from: the configured one if any, else the first.
    pub fn source(&self, family: Family, configured: Option<IpAddr>) -> Option<IpAddr> {
        match (configured, family) {
            (Some(_), _) => self.configured_source.filter(|present| Some(*present) == configured),
            (None, Family::Ipv4) => self.source_v4.map(IpAddr::V4),
            (None, Family::Ipv6) => self.source_v6.map(IpAddr::V6),
        }
    }
}

/// Names an address on an interface, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The address.
    pub address: IpAddr,
    /// The prefix length.
    pub prefix: u8,
    /// The interface's name.
    pub interface: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} on {}", self.address, self.prefix, self.interface)
    }
}

/// Tells people what happened; [`fmt::Display`] is the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The plan's index, where it concerns one router.
    pub router: Option<usize>,
    /// What happened.
    pub event: ReportEvent,
}

/// Says what happened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReportEvent {
    /// The kernel refused an address.
    #[error("cannot add {0}: {1}")]
    Refused(Place, Refusal),
    /// Somebody else has configured the address on this host.
    #[error(
        "cannot add {wanted}: {found} is there and was not configured by vipd; remove it or take it out of `addresses`"
    )]
    Taken {
        /// What was to be added.
        wanted: Place,
        /// What is there.
        found: Place,
    },
    /// Somebody else has configured an address that this node does not need yet.
    #[error(
        "this node cannot take {wanted} over: {found} is there and was not configured by vipd; remove it or take it out of \
         `addresses`"
    )]
    Occupied {
        /// What would be added.
        wanted: Place,
        /// What is there.
        found: Place,
    },
    /// The router is address owner, but the host does not have the address.
    #[error("priority 255 needs {0}, which is not there: configure it on this host or choose a lower priority")]
    NotOwned(Place),
    /// There is no interface of that name.
    #[error("there is no interface {0}")]
    NoInterface(String),
    /// The order to claim lay too long.
    #[error("a claim was taken up {0:?} after it was ordered and given up: this node was not running")]
    Stale(Duration),
    /// Somebody removed a claimed address; it was added again.
    #[error("somebody removed {0}; it is back")]
    Restored(Place),
    /// Claimed addresses went away too often.
    #[error("claimed addresses are removed again and again; giving up")]
    RemovedTooOften,
    /// The interface of a claimed address is gone.
    #[error("the interface of {0} is gone")]
    InterfaceGone(Place),
    /// The lease was not renewed in time.
    #[error("the lease was last renewed {0:?} ago: this node was not running; the addresses are given up")]
    LeaseOverrun(Duration),
    /// The guardian has taken charge of the addresses.
    #[error("the guardian has given up on this process; it touches no address any more")]
    Superseded,
    /// The node has not advertised for so long that another one may own the addresses.
    #[error("this node last advertised {0:?} ago: another one may own the addresses; they are given up")]
    NotVouched(Duration),
    /// A renewal failed.
    #[error("the lease was not renewed: {0}")]
    NotRenewed(String),
    /// A withdrawal failed and is tried again until it is confirmed.
    #[error("addresses could not be removed yet: {0}")]
    NotWithdrawn(String),
    /// Announcements could not be sent.
    #[error("not announced: {0}")]
    NotAnnounced(String),
    /// An address that an earlier run left behind was removed.
    #[error("removed {0}, left behind by an earlier run")]
    LeftoverRemoved(Place),
    /// The state file cannot be read or written.
    #[error("state file {0}")]
    StateFile(String),
    /// The thread goes on without realtime priority.
    #[error("the address thread has no realtime priority: {0}")]
    NotRealtime(String),
    /// The thread keeps privileges that it does not need.
    #[error("the address thread could not give up privileges: {0}")]
    Privileges(String),
    /// The kernel did not say what links and addresses there are.
    #[error("{0}")]
    Kernel(String),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}
