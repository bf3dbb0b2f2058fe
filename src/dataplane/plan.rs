//! What the address thread is told at its start: plain facts, already validated.

use core::time::Duration;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::net::FrameSocket;

use super::oversight::Oversight;

/// Says how the thread itself runs.
#[derive(Debug)]
pub struct Settings {
    /// The SCHED_FIFO priority to ask for, 1 to 99; `None`: not asked for.
    pub realtime: Option<u8>,
    /// Where the claimed addresses are recorded; best on a file system that does not survive a boot, such as `/run`.
    pub state_file: PathBuf,
    /// What announcements leave through, made in this network namespace.
    pub frames: FrameSocket,
    /// How many routers there may ever be at once.
    pub places: usize,
    /// Watches over the thread.
    pub oversight: Box<dyn Oversight>,
}

/// Describes one Virtual Router to the address thread. Its index in the list of plans is its name there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The interface that advertisements use; it need not exist yet.
    pub interface: String,
    /// The address that advertisements must come from; `None`: the interface's first.
    pub source: Option<IpAddr>,
    /// The virtual addresses.
    pub addresses: Vec<PlannedAddress>,
    /// The kernel lifetime of a claimed address in whole seconds, at least 2 s; `None`: for ever.
    pub lease: Option<Duration>,
    /// How long after this node last advertised another one may own the addresses: nothing is renewed or announced then.
    pub silence: Duration,
    /// When and how often the addresses are announced.
    pub announce: Announce,
    /// Whether the host may use the addresses as source of its own connections.
    pub source_ok: bool,
    /// Whether the addresses are the host's own: looked for, announced, never added or removed (ownership rule 16).
    pub owner: bool,
}

/// Describes one virtual address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length.
    pub prefix: u8,
    /// The interface that carries it; `None`: the router's.
    pub dev: Option<String>,
    /// The label that IPv4 tools show, up to 15 bytes.
    pub label: Option<String>,
    /// How far the address is valid.
    pub scope: Scope,
}

/// Says how far an address is valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// Everywhere.
    #[default]
    Global,
    /// On this link.
    Link,
    /// On this host.
    Host,
}

impl Scope {
    /// Returns the kernel's number for it (`enum rt_scope_t`).
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Global => 0,
            Self::Link => 253,
            Self::Host => 254,
        }
    }
}

/// Says when and how often addresses are announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announce {
    /// How many rounds a burst has, at least 1.
    pub repeat: u8,
    /// The pause between two rounds of a burst.
    pub interval: Duration,
    /// When the second burst follows the first; zero: never.
    pub delay: Duration,
    /// How often a single round is sent afterwards; zero: never.
    pub refresh: Duration,
}

impl Plan {
    /// Returns the interface that carries an address.
    pub(super) fn carrier<'a>(&'a self, address: &'a PlannedAddress) -> &'a str {
        address.dev.as_deref().unwrap_or(&self.interface)
    }

    /// Returns the lease in seconds, as the kernel takes it.
    pub(super) fn lease_seconds(&self) -> Option<u32> {
        self.lease.map(|lease| u32::try_from(lease.as_secs()).unwrap_or(u32::MAX - 1))
    }
}
