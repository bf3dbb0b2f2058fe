//! The scenarios as data: what is done to the pair, and what is expected of it.

use core::time::Duration;

use vrrp_packet::Interval;

use super::plan::{Side, VERSION};

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
}

/// Bounds the figures of a scenario.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Targets {
    /// The outage beyond the probe's own noise and, where the role falls to a silent wait, Active_Down_Interval.
    pub(super) outage: Duration,
    /// Time with two owners.
    pub(super) two_owners: Duration,
}

impl Fault {
    /// Returns who takes the role.
    pub(super) const fn taker(self) -> Side {
        match self {
            Self::HostDeath | Self::KillAgent | Self::Drain | Self::Terminate => Side::B,
            Self::Resume => Side::A,
        }
    }

    /// Tells whether nothing but silence tells the peer.
    pub(super) const fn is_silent(self) -> bool {
        match self {
            Self::HostDeath => true,
            Self::KillAgent | Self::Drain | Self::Resume | Self::Terminate => false,
        }
    }

    /// Returns what the taker waits before it takes the role: the client's outage where nobody serves meanwhile.
    pub(super) fn wait(self, interval: Interval) -> Duration {
        match self {
            Self::HostDeath | Self::Resume => interval.active_down_interval(VERSION, self.taker().priority()),
            Self::KillAgent | Self::Drain | Self::Terminate => Duration::ZERO,
        }
    }
}

/// A planned hand-over costs the client this much beyond the noise.
const PLANNED: Targets = Targets { outage: Duration::from_millis(3), two_owners: Duration::ZERO };

/// Lists every scenario, in the order in which they are played.
pub const SCENARIOS: [Scenario; 5] = [
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
];

impl Scenario {
    /// Finds a scenario by its name.
    pub fn find(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.name == name)
    }
}
