//! What may go wrong in a world, and the operator's doings, each with a beginning and an end.

use vipd::election::{Drain, Settings};
use vrrp_packet::{Interval, Priority, Version};

use crate::clock::MS;
use crate::random::Random;
use crate::setup::Setup;

/// One thing that begins at `at` and ends `lasts` later, in nanoseconds of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    pub(crate) at: u64,
    pub(crate) lasts: u64,
    pub(crate) fault: Fault,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Its power fails.
    HostDown {
        node: usize,
    },
    /// The guardian cleans up and starts the next one.
    AgentKilled {
        node: usize,
    },
    /// Agent and guardian: only the lease is left. At the end somebody starts them again.
    AllKilled {
        node: usize,
    },
    /// The agent does not run. What is frozen by its control group dies only when it thaws.
    Frozen {
        node: usize,
        cgroup: bool,
    },
    AllFrozen {
        node: usize,
    },
    ElectionWedged {
        node: usize,
    },
    AddressesWedged {
        node: usize,
    },
    Cut {
        from: usize,
        to: usize,
    },
    Parted {
        one: usize,
        other: usize,
    },
    Isolated {
        node: usize,
    },
    Loss {
        percent: u64,
    },
    /// Messages take up to this long, and overtake each other.
    Jitter {
        up_to: u64,
    },
    Duplication {
        percent: u64,
    },
    SlowKernel {
        node: usize,
        up_to: u64,
    },
    ClaimsFail {
        node: usize,
    },
    WithdrawalsFail {
        node: usize,
    },
    /// Somebody removes the address behind our back, this many times.
    AddressRemoved {
        node: usize,
        times: u64,
    },
    /// Somebody else on the host has the address.
    AddressTaken {
        node: usize,
    },
    Unready {
        node: usize,
    },
    Priority {
        node: usize,
        priority: Priority,
    },
    /// The priority goes up and down at each end of this span.
    Flapping {
        node: usize,
        priority: Priority,
        every: u64,
    },
    /// The readiness does.
    Fluttering {
        node: usize,
        every: u64,
    },
    CheckFails {
        node: usize,
    },
    LinkDown {
        node: usize,
    },
    Drained {
        node: usize,
        mode: Drain,
    },
    /// The operator stops the service, and starts it again at the end.
    Left {
        node: usize,
    },
    GateRefuses {
        node: usize,
    },
    SendsFail {
        node: usize,
    },
    Reloaded {
        node: usize,
        settings: Settings,
    },
    /// A stranger says this with the address of nobody.
    Stranger {
        priority: Priority,
        every: u64,
    },
}

impl Fault {
    /// Any fault, of any node.
    pub(crate) fn any(random: &mut Random, setup: &Setup) -> Self {
        let count = setup.nodes.len();
        let node = random.index(count);
        let other = (node + 1 + random.index(count - 1)) % count;
        let priority = Priority::new(u8::try_from(random.within(1..255)).unwrap_or(1));
        let every = random.within(1..60) * MS * 5;
        let cgroup = random.percent(50);
        let mode = if random.percent(70) { Drain::Watched } else { Drain::Forced };
        match random.within(0..36) {
            0 => Self::HostDown { node },
            1 | 2 => Self::AgentKilled { node },
            3 => Self::AllKilled { node },
            4 | 5 => Self::Frozen { node, cgroup },
            6 => Self::AllFrozen { node },
            7 => Self::ElectionWedged { node },
            8 => Self::AddressesWedged { node },
            9 | 10 => Self::Cut { from: node, to: other },
            11 => Self::Parted { one: node, other },
            12 => Self::Isolated { node },
            13 | 14 => Self::Loss { percent: random.within(5..60) },
            15 => Self::Jitter { up_to: random.within(1..20) * MS },
            16 => Self::Duplication { percent: random.within(5..90) },
            17 => Self::SlowKernel { node, up_to: random.within(5..200) * MS },
            18 => Self::ClaimsFail { node },
            19 => Self::WithdrawalsFail { node },
            20 => Self::AddressRemoved { node, times: random.pick(&[1, 1, 2, 12]) },
            21 => Self::AddressTaken { node },
            22 => Self::Unready { node },
            23 | 24 => Self::Priority { node, priority },
            25 => Self::Flapping { node, priority, every },
            26 => Self::Fluttering { node, every },
            27 => Self::CheckFails { node },
            28 => Self::LinkDown { node },
            29 | 30 => Self::Drained { node, mode },
            31 => Self::Left { node },
            32 => Self::GateRefuses { node },
            33 => Self::SendsFail { node },
            34 => Self::Reloaded { node, settings: reloaded(random, setup.nodes[node].settings) },
            _ => Self::Stranger { priority: random.pick(&[Priority::RELEASE, priority]), every },
        }
    }

    /// Whether messages may get lost, or arrive late, between these two while it lasts.
    pub(crate) fn is_between(self, one: usize, other: usize) -> bool {
        match self {
            Self::Cut { from: a, to: b } | Self::Parted { one: a, other: b } => {
                (a, b) == (one, other) || (b, a) == (one, other)
            }
            Self::Isolated { node } | Self::LinkDown { node } | Self::SendsFail { node } => {
                node == one || node == other
            }
            Self::Loss { .. } | Self::Jitter { .. } | Self::Stranger { .. } => true,
            _ => false,
        }
    }

    /// Whether nobody can be expected to take over while it lasts, or not in time.
    pub(crate) fn is_of_the_network(self) -> bool {
        matches!(
            self,
            Self::Cut { .. }
                | Self::Parted { .. }
                | Self::Isolated { .. }
                | Self::Loss { .. }
                | Self::Jitter { .. }
                | Self::Stranger { .. }
        )
    }
}

fn reloaded(random: &mut Random, settings: Settings) -> Settings {
    let interval = match settings.version {
        Version::V2 => settings.interval,
        Version::V3 => {
            let centis = random.pick(&[settings.interval.centis(), 2, 10, 50, 150]);
            Interval::from_centis(centis).unwrap_or(settings.interval)
        }
    };
    let priority = Priority::new(random.pick(&[settings.priority.get(), 10, 120, 220]));
    Settings { interval, priority, preempt: random.percent(50), ..settings }
}

impl Fault {
    /// The node that it befalls, where it is one.
    pub(crate) fn node(self) -> Option<usize> {
        match self {
            Self::HostDown { node }
            | Self::AgentKilled { node }
            | Self::AllKilled { node }
            | Self::Frozen { node, .. }
            | Self::AllFrozen { node }
            | Self::ElectionWedged { node }
            | Self::AddressesWedged { node }
            | Self::Isolated { node }
            | Self::SlowKernel { node, .. }
            | Self::ClaimsFail { node }
            | Self::WithdrawalsFail { node }
            | Self::AddressRemoved { node, .. }
            | Self::AddressTaken { node }
            | Self::Unready { node }
            | Self::Priority { node, .. }
            | Self::Flapping { node, .. }
            | Self::Fluttering { node, .. }
            | Self::CheckFails { node }
            | Self::LinkDown { node }
            | Self::Drained { node, .. }
            | Self::Left { node }
            | Self::GateRefuses { node }
            | Self::SendsFail { node }
            | Self::Reloaded { node, .. } => Some(node),
            Self::Cut { .. }
            | Self::Parted { .. }
            | Self::Loss { .. }
            | Self::Jitter { .. }
            | Self::Duplication { .. }
            | Self::Stranger { .. } => None,
        }
    }
}
