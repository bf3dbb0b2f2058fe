//! The validated configuration: what the rest of the program may rely on.
//!
//! Every value here has passed every check that needs no running system. Text positions do not survive to this point.

use core::num::NonZeroU8;
use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use vrrp_packet::{AntiReplay, Family, Interval, Key, KeyId, Priority, Trailer, Version, Vrid};

/// Holds one node's whole configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The control socket; its directory also holds the agent's state file.
    pub control_socket: PathBuf,
    /// The group whose members may use the control socket; `None`: the group of the user that runs vipd.
    pub control_group: Option<String>,
    /// Where metrics are served; `None`: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// How the election thread is scheduled.
    pub realtime: Realtime,
    /// The Virtual Routers, in the file's order; names are unique.
    pub virtual_routers: Vec<VirtualRouter>,
}

impl Config {
    /// Returns what [`Lease::Auto`] means for this node, in seconds: 3, or more where 64 renewals a second, each at a
    /// third of the lease, would not do (ownership rule 18).
    pub fn automatic_lease(&self) -> u32 {
        let leased = self.virtual_routers.iter().filter(|router| router.lease != Lease::Off);
        let addresses: usize = leased.map(|router| router.addresses.len()).sum();
        u32::try_from((addresses * 3).div_ceil(64)).unwrap_or(u32::MAX).max(3)
    }
}

/// Says how the election thread is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Realtime {
    /// SCHED_FIFO with the default priority 50 where permitted, else go on without and warn.
    Try,
    /// SCHED_FIFO with this priority (1 to 99); without permission go on and warn.
    Priority(u8),
    /// Not tried.
    Off,
}

impl Realtime {
    /// Returns the SCHED_FIFO priority to ask for, if any.
    pub fn priority(self) -> Option<u8> {
        match self {
            Self::Try => Some(50),
            Self::Priority(priority) => Some(priority),
            Self::Off => None,
        }
    }
}

/// Describes one Virtual Router on one interface and address family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VirtualRouter {
    /// Unique in the file.
    pub name: String,
    /// The interface that advertisements use.
    pub interface: String,
    /// Unique for an interface and family.
    pub vrid: Vrid,
    /// The configured priority, 1 to 255.
    pub priority: Priority,
    /// The virtual addresses, all of one family. 1 to 255 of them are advertised; for IPv6 the first of these is
    /// link-local (erratum 8300).
    pub addresses: Vec<VirtualAddress>,
    /// Advertisement_Interval.
    pub advertisement_interval: Interval,
    /// The version that is sent and accepted.
    pub version: Version,
    /// Preempt_Mode.
    pub preempt: bool,
    /// How long after it may be Active a node still bears a lower-priority Active Router.
    pub preempt_delay: Duration,
    /// How long after its start a node takes nothing over.
    pub startup_delay: Duration,
    /// Unicast peers; empty: multicast.
    pub peers: Vec<IpAddr>,
    /// How many routers share this VRID, where the operator declared it.
    pub routers: Option<NonZeroU8>,
    /// Which hop limit an advertisement must arrive with.
    pub hop_limit: HopLimit,
    /// Version 2's simple password, up to 8 bytes, zero padded.
    pub password: Option<Password>,
    /// How advertisements are signed and verified; `None`: not at all.
    pub authentication: Option<Authentication>,
    /// Where advertisements come from.
    pub source: Source,
    /// Whether Priority 0 is answered at once where no third router can wait.
    pub fast_handover: bool,
    /// How the host of a silent Active Router is asked whether it lives; `None`: not at all.
    pub probe: Option<Probe>,
    /// Which checksum form version 3 over IPv4 sends.
    pub checksum: Checksum,
    /// The kernel lifetime of a claimed address.
    pub lease: Lease,
    /// When and how often addresses are announced.
    pub announce: Announce,
    /// Whether the host may use a virtual address as source of its own connections.
    pub source_ok: bool,
}

impl VirtualRouter {
    /// Returns the family of the addresses and so of the advertisements.
    pub fn family(&self) -> Family {
        // The validator admits no router without an address.
        self.addresses.first().map_or(Family::Ipv4, |address| Family::of(address.address))
    }

    /// Returns the addresses that advertisements list, in their order.
    pub fn advertised(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.addresses.iter().filter(|address| address.advertised)
    }

    /// Returns the bytes of an advertisement with its IP header.
    pub fn packet_length(&self) -> usize {
        let (header, address) = match self.family() {
            Family::Ipv4 => (20, 4),
            Family::Ipv6 => (40, 16),
        };
        let password = match self.version {
            Version::V2 => 8,
            Version::V3 => 0,
        };
        let trailer = self.authentication.as_ref().map_or(0, |_| Trailer::LENGTH);
        header + 8 + address * self.advertised().count() + password + trailer
    }

    /// Tells whether no third router can wait for the role (ownership rule 4).
    pub fn has_one_peer(&self) -> bool {
        self.peers.len() == 1 || (self.peers.is_empty() && self.routers.is_some_and(|count| count.get() == 2))
    }
}

/// Describes one virtual address.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length; 32 or 128 where the file gives none.
    pub prefix: u8,
    /// The interface that carries it; `None`: the router's.
    pub dev: Option<String>,
    /// The label that IPv4 tools show.
    pub label: Option<String>,
    /// How far the address is valid.
    pub scope: Scope,
    /// Whether advertisements list it; the others only move with them.
    pub advertised: bool,
}

/// Says how far an address is valid, as `ip address` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Scope {
    /// Everywhere.
    #[default]
    Global,
    /// On this link.
    Link,
    /// On this host.
    Host,
}

/// Says which hop limit is accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HopLimit {
    /// 255: the sender is on this link (RFC 9568 §5.1.1.3).
    #[default]
    OnLink,
    /// Any: the peers are routed.
    Any,
}

/// Says where advertisements come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Source {
    /// The interface's first address of the family that is not virtual; link-local for IPv6.
    #[default]
    Auto,
    /// This address.
    Address(IpAddr),
}

/// Says how the host of a silent Active Router is asked whether it lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probe {
    /// How many advertisements must be missing: 1 or 2.
    pub after: NonZeroU8,
    /// How often it is asked, at least once.
    pub count: NonZeroU8,
    /// How long an answer is waited for, each time.
    pub interval: Duration,
}

impl Probe {
    /// Returns how long it takes until a host that does not answer counts as gone.
    pub fn span(&self) -> Duration {
        self.interval * u32::from(self.count.get())
    }
}

impl Default for Probe {
    fn default() -> Self {
        let count = NonZeroU8::MIN.saturating_add(4);
        Self { after: NonZeroU8::MIN, count, interval: Duration::from_millis(20) }
    }
}

/// Says which checksum form version 3 over IPv4 sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checksum {
    /// Begins with the pseudo-header form and follows the Active Router (ownership rule 2).
    #[default]
    Auto,
    /// The message alone (RFC 9568 §5.2.8).
    Rfc9568,
    /// Message and IPv4 pseudo-header, as keepalived and FRR send by default.
    PseudoHeader,
}

/// Says how long the kernel keeps a claimed address without renewal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lease {
    /// 3 s for up to 64 addresses of a node; grows with more (ownership rule 18).
    #[default]
    Auto,
    /// This many whole seconds, at least 2.
    Seconds(u32),
    /// For ever.
    Off,
}

/// Says when and how often addresses are announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announce {
    /// How many announcements an address gets in a burst, at least 1.
    pub repeat: u8,
    /// The pause between two rounds of a burst.
    pub interval: Duration,
    /// When the second burst follows the first; zero: never.
    pub delay: Duration,
    /// How often the addresses are announced while Active; zero: never.
    pub refresh: Duration,
}

impl Default for Announce {
    fn default() -> Self {
        Self { repeat: 5, interval: Duration::ZERO, delay: Duration::from_secs(5), refresh: Duration::from_secs(60) }
    }
}

/// Holds version 2's simple password (RFC 2338 §5.3.6); it is no secret on the wire, but it stays out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub [u8; 8]);

impl core::fmt::Debug for Password {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Says how advertisements are signed and verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authentication {
    /// What is signed, and what is taken.
    pub mode: AuthenticationMode,
    /// Every key that a peer may sign with; ids are unique, and there is at least one.
    pub keys: Arc<[Key]>,
    /// The one of them that this node signs with.
    pub active_key: KeyId,
    /// What protects from recorded packets.
    pub anti_replay: AntiReplay,
    /// How far a peer's clock may be from ours; not used in monotonic mode.
    pub window: Duration,
}

/// Says what is signed, and what is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AuthenticationMode {
    /// Signs, and takes only what is signed.
    #[default]
    Enforce,
    /// Signs, and takes unsigned advertisements too.
    Permissive,
    /// Does not sign, and takes both.
    ReceiveOnly,
}
