//! The scenarios as data: what is done to the pair, and what is expected of it.

use core::time::Duration;
use std::io;

use vrrp_packet::Interval;

use super::lifeless::{self, Lifeless};
use super::plan::{Side, VERSION};
use super::scenarios::{PUT_RIGHT, SCENARIOS};
use super::strain::Strain;
use super::wall_clock;

/// Describes one drill.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scenario {
    /// How it is called on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// Whether `a` is drained before the fault, so that `b` is Active.
    pub(super) drained: bool,
    /// What is done, always to `a`.
    pub(super) fault: Fault,
    /// Preempt_Mode of both.
    pub(super) preempt: bool,
    /// What is expected.
    pub(super) targets: Targets,
}

/// Names what a system may lack although it can play most scenarios.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// Nobody may make a control group.
    #[error("no control group can be made here ({0})")]
    ControlGroup(io::Error),
    /// The library that fakes a wall clock is not there.
    #[error("libfaketime is not installed")]
    Faketime,
    /// The program cannot be given a library.
    #[error("the wall clock of a statically linked program cannot be faked")]
    DynamicLinking,
}

/// Says what is done to `a`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// The cable goes dead without a sign, and every process with it.
    HostDeath {
        /// Whether the peer probes the host of a late Active Router.
        probed: bool,
    },
    /// The agent is killed; its guardian lives.
    KillAgent,
    /// The operator gives the role away.
    Drain,
    /// The operator lets the node take part again.
    Resume,
    /// The service is stopped.
    Terminate,
    /// The service is stopped and started again.
    Restart {
        /// Whether the role comes back.
        returns: bool,
    },
    /// The interface loses its carrier.
    Carrier,
    /// What the node sends does not arrive at its peer, for a while.
    Unheard,
    /// What the peer sends does not arrive at the node, for a while.
    Unhearing,
    /// The node is cut off silently, for a while.
    Partition,
    /// Somebody removes the virtual address.
    AddressRemoved,
    /// The node would take the role back, but somebody has configured the address on it.
    ClaimRefused,
    /// The operator gives the role away, but somebody has configured the address on the peer.
    DrainRefused,
    /// Processes are dead or do not run.
    Lifeless(Lifeless),
    /// Both nodes have to bear something.
    Strain(Strain),
}

/// Bounds the figures of a scenario.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Targets {
    /// The outage beyond the probe's own noise and, where the role falls to a silent wait, Active_Down_Interval.
    pub(super) outage: Duration,
    /// Time with two owners; where the fault ends by itself, time beyond one Advertisement_Interval from then on.
    pub(super) two_owners: Duration,
}

/// How long five probes of 20 ms take, as `probe: {}` has it.
const PROBING: Duration = Duration::from_millis(100);

impl Fault {
    /// Returns who has the address before.
    pub(super) const fn holder(self) -> Side {
        match self {
            Self::HostDeath { .. }
            | Self::KillAgent
            | Self::Drain
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Carrier
            | Self::Unheard
            | Self::Unhearing
            | Self::Partition
            | Self::AddressRemoved
            | Self::DrainRefused
            | Self::Lifeless(_)
            | Self::Strain(_) => Side::A,
            Self::Resume | Self::ClaimRefused => Side::B,
        }
    }

    /// Returns who gets the address next: the holder itself, where the role comes back or never leaves.
    pub(super) const fn taker(self) -> Side {
        match self {
            Self::HostDeath { .. }
            | Self::KillAgent
            | Self::Drain
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Carrier
            | Self::Unheard
            | Self::Partition
            | Self::ClaimRefused
            | Self::Lifeless(_) => Side::B,
            Self::Resume | Self::Unhearing | Self::AddressRemoved | Self::DrainRefused | Self::Strain(_) => Side::A,
        }
    }

    /// Tells whether nothing but silence tells the peer.
    pub(super) const fn is_silent(self) -> bool {
        match self {
            Self::HostDeath { probed } => !probed,
            Self::Carrier | Self::Unheard | Self::Partition => true,
            Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Unhearing
            | Self::AddressRemoved
            | Self::ClaimRefused
            | Self::DrainRefused
            | Self::Strain(_) => false,
            Self::Lifeless(lifeless) => lifeless.is_silent(),
        }
    }

    /// Tells whether the host itself is gone, so that what its kernel still holds counts for nothing.
    pub(super) const fn kills_host(self) -> bool {
        matches!(self, Self::HostDeath { .. })
    }

    /// Tells whether the role stays where it is throughout.
    pub(super) const fn role_stays(self) -> bool {
        matches!(self, Self::Unhearing | Self::AddressRemoved | Self::ClaimRefused | Self::Strain(_))
    }

    /// Tells whether the peer probes the host of a late Active Router.
    pub(super) const fn is_probed(self) -> bool {
        matches!(self, Self::HostDeath { probed: true })
    }

    /// Tells whether the nodes have keys.
    pub(super) const fn needs_keys(self) -> bool {
        matches!(self, Self::Strain(Strain::Hijack { signed: true } | Strain::ClockSteps))
    }

    /// Tells whether `a` has a wall clock of its own.
    pub(super) const fn needs_wall_clock(self) -> bool {
        matches!(self, Self::Strain(Strain::ClockSteps))
    }

    /// Returns how long the address may be away where the role stays.
    pub(super) const fn bearable_absence(self) -> Duration {
        match self {
            Self::AddressRemoved => PUT_RIGHT.outage,
            Self::HostDeath { .. }
            | Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Carrier
            | Self::Unheard
            | Self::Unhearing
            | Self::Partition
            | Self::ClaimRefused
            | Self::DrainRefused
            | Self::Lifeless(_)
            | Self::Strain(_) => Duration::ZERO,
        }
    }

    /// Tells whether the fault ends by itself, so that two Active Routers may meet again.
    pub(super) const fn heals(self) -> bool {
        match self {
            Self::Unheard | Self::Unhearing | Self::Partition => true,
            Self::Lifeless(lifeless) => lifeless.heals(),
            Self::HostDeath { .. }
            | Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Carrier
            | Self::AddressRemoved
            | Self::ClaimRefused
            | Self::DrainRefused
            | Self::Strain(_) => false,
        }
    }

    /// Tells whether the node itself was away, so that it must withdraw before it says anything.
    pub(super) const fn was_away(self) -> bool {
        match self {
            Self::Lifeless(lifeless) => lifeless.heals(),
            Self::HostDeath { .. }
            | Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Carrier
            | Self::Unheard
            | Self::Unhearing
            | Self::Partition
            | Self::AddressRemoved
            | Self::ClaimRefused
            | Self::DrainRefused
            | Self::Strain(_) => false,
        }
    }

    /// Returns what the taker waits before it takes the role: the client's outage where nobody serves meanwhile.
    pub(super) fn wait(self, interval: Interval) -> Duration {
        let down = interval.active_down_interval(VERSION, self.taker().priority());
        match self {
            Self::HostDeath { probed: true } => {
                let interval = interval.duration();
                down.min(interval + interval / 16 + PROBING)
            }
            Self::HostDeath { probed: false }
            | Self::Resume
            | Self::Carrier
            | Self::Unheard
            | Self::Partition
            // At most: the guardian is sooner.
            | Self::Lifeless(_) => down,
            Self::KillAgent
            | Self::Drain
            | Self::Terminate
            | Self::Restart { .. }
            | Self::Unhearing
            | Self::AddressRemoved
            | Self::ClaimRefused
            | Self::DrainRefused
            | Self::Strain(_) => Duration::ZERO,
        }
    }
}

impl Scenario {
    /// Finds a scenario by its name.
    pub fn find(name: &str) -> Option<Self> {
        SCENARIOS.iter().copied().find(|scenario| scenario.name == name)
    }

    /// Tells whether this system has what the scenario needs beyond what all of them need.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_playable(&self) -> Result<(), Missing> {
        if self.fault.needs_wall_clock() {
            return wall_clock::library().map(drop);
        }
        match self.fault == Fault::Lifeless(Lifeless::Frozen) {
            true => lifeless::freezer().map(drop).map_err(Missing::ControlGroup),
            false => Ok(()),
        }
    }
}
