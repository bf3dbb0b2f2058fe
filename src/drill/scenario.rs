//! The scenarios as data: what is done to the pair, and what is expected of it.

use core::time::Duration;
use std::io;

use vrrp_packet::Interval;

use super::lifeless::{self, Lifeless};
use super::plan::{Side, VERSION};
use super::strain::Strain;

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

/// Says what is done to `a`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// The cable goes dead without a sign, and every process with it.
    HostDeath,
    /// The agent is killed; its guardian lives.
    KillAgent,
    /// The operator gives the role away.
    Drain,
    /// The operator lets the node take part again.
    Resume,
    /// The service is stopped.
    Terminate,
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

impl Fault {
    /// Returns who has the address before.
    pub(super) const fn holder(self) -> Side {
        match self {
            Self::HostDeath
            | Self::KillAgent
            | Self::Drain
            | Self::Terminate
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
            Self::HostDeath
            | Self::KillAgent
            | Self::Drain
            | Self::Terminate
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
            Self::HostDeath | Self::Carrier | Self::Unheard | Self::Partition => true,
            Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
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
        matches!(self, Self::HostDeath)
    }

    /// Tells whether the role stays where it is throughout.
    pub(super) const fn role_stays(self) -> bool {
        matches!(self, Self::Unhearing | Self::AddressRemoved | Self::ClaimRefused | Self::Strain(_))
    }

    /// Tells whether the nodes have keys.
    pub(super) const fn needs_keys(self) -> bool {
        matches!(self, Self::Strain(Strain::Hijack { signed: true }))
    }

    /// Returns how long the address may be away where the role stays.
    pub(super) const fn bearable_absence(self) -> Duration {
        match self {
            Self::AddressRemoved => PUT_RIGHT.outage,
            Self::HostDeath
            | Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
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
            Self::HostDeath
            | Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
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
            Self::HostDeath
            | Self::KillAgent
            | Self::Drain
            | Self::Resume
            | Self::Terminate
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
        match self {
            Self::HostDeath
            | Self::Resume
            | Self::Carrier
            | Self::Unheard
            | Self::Partition
            // At most: the guardian is sooner.
            | Self::Lifeless(_) => {
                interval.active_down_interval(VERSION, self.taker().priority())
            }
            Self::KillAgent
            | Self::Drain
            | Self::Terminate
            | Self::Unhearing
            | Self::AddressRemoved
            | Self::ClaimRefused
            | Self::DrainRefused
            | Self::Strain(_) => Duration::ZERO,
        }
    }
}

/// A planned hand-over costs the client this much beyond the noise.
const PLANNED: Targets = Targets { outage: Duration::from_millis(3), two_owners: Duration::ZERO };
/// An address that somebody removed is back after this time, and a role that was refused too.
const PUT_RIGHT: Targets = Targets { outage: Duration::from_millis(10), two_owners: Duration::ZERO };
/// Two Active Routers that meet again settle with one advertisement, and the loser's addresses leave this fast.
const SETTLED: Targets = Targets { outage: Duration::from_millis(3), two_owners: Duration::from_millis(3) };

/// The client has to share the processors: only that the role stays is the nodes' business.
const STRAINED: Targets = Targets { outage: Duration::from_millis(100), two_owners: Duration::ZERO };

/// Lists every scenario, in the order in which they are played.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "host-death",
        summary: "the Active host dies: its cable goes silent and every process ends",
        drained: false,
        fault: Fault::HostDeath,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "kill",
        summary: "the agent of the Active node is killed; its guardian lives",
        drained: false,
        fault: Fault::KillAgent,
        // Else the agent, started again by the guardian, would take the role back within the run.
        preempt: false,
        targets: Targets { outage: Duration::from_millis(20), two_owners: Duration::ZERO },
    },
    Scenario {
        name: "drain",
        summary: "the operator drains the Active node",
        drained: false,
        fault: Fault::Drain,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "failback",
        summary: "the drained preferred node resumes and takes the role back",
        drained: true,
        fault: Fault::Resume,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "term",
        summary: "`vipd run` is stopped on the Active node",
        drained: false,
        fault: Fault::Terminate,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "carrier",
        summary: "the interface of the Active node loses its carrier",
        drained: false,
        fault: Fault::Carrier,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "one-way",
        summary: "what the Active node sends does not reach its peer, for a while",
        drained: false,
        fault: Fault::Unheard,
        preempt: true,
        targets: SETTLED,
    },
    Scenario {
        name: "one-way-reverse",
        summary: "what the peer sends does not reach the Active node, for a while",
        drained: false,
        fault: Fault::Unhearing,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "partition",
        summary: "the Active node is cut off, and comes back",
        drained: false,
        fault: Fault::Partition,
        preempt: true,
        targets: SETTLED,
    },
    Scenario {
        name: "address-removed",
        summary: "somebody removes the virtual address from the Active node",
        drained: false,
        fault: Fault::AddressRemoved,
        preempt: true,
        targets: PUT_RIGHT,
    },
    Scenario {
        name: "claim-refused",
        summary: "the preferred node resumes, but somebody has configured the address on it",
        drained: true,
        fault: Fault::ClaimRefused,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "drain-refused",
        summary: "the operator drains the Active node, but its peer cannot serve",
        drained: false,
        fault: Fault::DrainRefused,
        preempt: true,
        targets: PUT_RIGHT,
    },
    strain("starve", "busy loops compete with both nodes for the processors", Strain::Starve),
    strain(
        "hijack",
        "a third host floods nodes that have keys with forged and recorded advertisements",
        Strain::Hijack { signed: true },
    ),
    strain(
        "hijack-open",
        "the same with nodes that have no keys, from the third host's own address",
        Strain::Hijack { signed: false },
    ),
    lifeless(
        "kill-all",
        "guardian and agent of the Active node are killed at once: the lease ends",
        Lifeless::BothKilled,
    ),
    lifeless("freeze", "the agent of the Active node is stopped (SIGSTOP); its guardian runs", Lifeless::Stopped),
    lifeless("freeze-cgroup", "the agent of the Active node is frozen by its control group", Lifeless::Frozen),
    lifeless("freeze-all", "guardian and agent of the Active node are stopped: the lease ends", Lifeless::BothStopped),
    lifeless("thaw", "guardian and agent of the Active node are stopped, and go on later", Lifeless::BothPaused),
    lifeless("wedge-election", "the election thread of the Active node hangs", Lifeless::ElectionHangs),
    lifeless("wedge-addresses", "the address thread of the Active node hangs", Lifeless::AddressesHang),
];

/// Makes a scenario in which both nodes bear something and the role stays.
const fn strain(name: &'static str, summary: &'static str, strain: Strain) -> Scenario {
    Scenario { name, summary, drained: false, fault: Fault::Strain(strain), preempt: true, targets: STRAINED }
}

/// Makes a scenario in which processes of the Active node do not run.
const fn lifeless(name: &'static str, summary: &'static str, lifeless: Lifeless) -> Scenario {
    // What comes back to life is the preferred node, and is to take its role back; an agent that the guardian has started
    // again would do so within the run.
    let preempt = lifeless.heals();
    Scenario { name, summary, drained: false, fault: Fault::Lifeless(lifeless), preempt, targets: lifeless.targets() }
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
    pub fn is_playable(&self) -> io::Result<()> {
        if self.fault == Fault::Lifeless(Lifeless::Frozen) { lifeless::freezer().map(drop) } else { Ok(()) }
    }
}
