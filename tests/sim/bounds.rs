//! The stated bounds, each a formula of the settings. All in nanoseconds of the world.

use vipd::dataplane::lease::{RETRY, promised_within};
use vrrp_packet::Version;

use crate::addresses::EXPIRY;
use crate::clock::{MS, SECOND};
use crate::fault::{Fault, Trouble};
use crate::setup::{Setup, nanos};

/// What timers and the queues between threads may add.
const SLACK: u64 = 2 * MS;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The longest Advertisement_Interval that any node has.
    pub(crate) interval: u64,
    /// The shortest one.
    pub(crate) shortest: u64,
    /// The longest Active_Down_Interval: that of priority 1.
    pub(crate) active_down: u64,
    /// The longest Skew_Time.
    pub(crate) skew: u64,
    /// The longest that a gate takes.
    pub(crate) gate: u64,
    /// The longest that a kernel takes for one request.
    pub(crate) kernel: u64,
    /// The longest way of a message.
    pub(crate) way: u64,
    /// The longest startup_delay and preempt_delay.
    pub(crate) startup: u64,
    pub(crate) preempt: u64,
    pub(crate) lease: u64,
    /// How long an address thread that hangs, and holds nothing, is not found out.
    pub(crate) hangs: u64,
    /// How long a guardian that was frozen itself bears an agent that does not run.
    pub(crate) excuse: u64,
}

impl Bounds {
    pub(crate) fn of(setup: &Setup, troubles: &[Trouble]) -> Self {
        let reloaded = troubles.iter().filter_map(|trouble| match trouble.fault {
            Fault::Reloaded { settings, .. } => Some(settings),
            _ => None,
        });
        let all = setup.nodes.iter().map(|node| node.settings).chain(reloaded);
        let longest =
            |of: fn(&vipd::election::Settings) -> u64| all.clone().map(|settings| of(&settings)).max().unwrap_or(0);
        let interval = longest(|settings| nanos(settings.interval.duration()));
        let second = setup.nodes.iter().any(|node| node.settings.version == Version::V2);
        let skew = if second { SECOND } else { interval };
        let slow = troubles.iter().map(|trouble| match trouble.fault {
            Fault::SlowKernel { up_to, .. } => up_to,
            _ => 0,
        });
        let shortest = all.clone().map(|settings| nanos(settings.interval.duration())).min().unwrap_or(1);
        Self {
            interval,
            shortest,
            active_down: 3 * interval + skew,
            skew,
            gate: longest(|settings| settings.gate.map_or(0, |gate| nanos(gate.bound))),
            kernel: setup.nodes.iter().map(|node| node.kernel).chain(slow).max().unwrap_or(0),
            way: setup.way.end,
            startup: longest(|settings| nanos(settings.startup_delay)),
            preempt: longest(|settings| nanos(settings.preempt_delay)),
            hangs: if troubles.iter().any(|trouble| matches!(trouble.fault, Fault::AddressesWedged { .. })) {
                nanos(promised_within(false)) + SECOND / 4
            } else {
                0
            },
            excuse: if troubles.iter().any(|trouble| matches!(trouble.fault, Fault::AllFrozen { .. })) {
                SECOND + SLACK
            } else {
                0
            },
            lease: setup.nodes.iter().map(|node| u64::from(node.lease) * SECOND).max().unwrap_or(0),
        }
    }

    /// How long two nodes may have the addresses after messages flow between them and their threads and kernels work
    /// again: an advertisement, its way, and the withdrawal that it provokes, which may have to wait for a request under
    /// way, or for another try after one that failed.
    pub(crate) fn two_owners(&self) -> u64 {
        self.interval + self.way + 3 * self.kernel + RETRY + SLACK
    }

    /// How long nobody may have them while a healthy node is connected and nothing else happens. At worst one that cannot
    /// serve is first to notice the silence, cannot withdraw either and so speaks for another Active_Down_Interval, and its
    /// own silence lasts for a third; then come gates and kernels. One whose address thread hangs speaks until its guardian
    /// finds that out.
    pub(crate) fn no_owner(&self) -> u64 {
        self.hangs
            + 3 * self.active_down
            + self.skew
            + self.startup
            + 2 * self.gate
            + 4 * self.kernel
            + self.way
            + RETRY
            + SLACK
    }

    /// How long a guarded node keeps them while its election thread does not run: 2.5 intervals, and the withdrawal.
    pub(crate) fn stopped(&self) -> u64 {
        self.interval * 5 / 2 + 2 * self.kernel + SLACK + 2 * MS + self.excuse
    }

    /// How long a node that has no right to them any more keeps them, whatever fails: the lease, and what a last renewal
    /// may have added.
    pub(crate) fn unentitled(&self) -> u64 {
        self.lease + EXPIRY + 3 * self.interval + 2 * self.kernel + RETRY + SLACK
    }

    /// How long nothing must change for a world to count as at rest.
    pub(crate) fn rest(&self) -> u64 {
        self.active_down + self.skew + self.startup + self.preempt + 2 * self.gate + 3 * self.kernel + RETRY
    }
}
