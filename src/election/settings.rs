//! What a router is configured to do, as far as the election cares.

use core::num::NonZeroU8;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{Interval, Priority, Version};

/// Holds one Virtual Router's share of the configuration, and the address that it speaks from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Settings {
    /// The version that is sent; it decides the formula of Skew_Time.
    pub version: Version,
    /// The configured priority, 1 to 255.
    pub priority: Priority,
    /// Advertisement_Interval.
    pub interval: Interval,
    /// Preempt_Mode.
    pub preempt: bool,
    /// How long a Backup bears a lower-priority Active Router before it preempts.
    pub preempt_delay: Duration,
    /// How long after the start nothing is taken over.
    pub startup_delay: Duration,
    /// Answer Priority 0 at once; only where no third router can wait (ownership rule 4).
    pub fast_handover: bool,
    /// When the host of a silent Active Router is asked whether it lives; `None`: never.
    pub probe: Option<Probe>,
    /// The database gate, where one guards the router.
    pub gate: Option<Gate>,
    /// The address that advertisements come from: it breaks ties between equal priorities (RFC 9568 §6.4.3).
    pub source: IpAddr,
    /// Whether the operator had drained this node before it started (ownership rule 9).
    pub drained: bool,
}

impl Settings {
    /// Returns the longest that the way out of the role takes before the router gives up on it: Active_Down_Interval for the
    /// addresses, and as long, or what the gate takes, for the gate (ownership rule 8).
    pub fn longest_leave(&self) -> Duration {
        let down = self.interval.active_down_interval(self.version, self.priority);
        down + self.gate.map_or(Duration::ZERO, |gate| gate.bound.max(down))
    }
}

/// Says when a silent host is asked, as far as the election cares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Probe {
    /// How many advertisements must be missing.
    pub after: NonZeroU8,
}

/// Describes a database gate as far as the election cares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Gate {
    /// How long the gate of a peer may take to open; a drained node watches that much longer.
    pub bound: Duration,
}
