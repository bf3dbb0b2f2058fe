//! What one exploration is about.

use core::fmt;
use core::time::Duration;

/// Kinds of fault; what ends one (a thaw, a mended cable) happens at any later time, or never.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One copy of an advertisement is lost.
    Loss,
    /// A node stops, and goes on later or never.
    Freeze,
    /// A host is suspended, its network card with it, and wakes later or never.
    Suspend,
    /// A node's cable is cut in one direction or both.
    Cut,
    /// An agent dies; the guardian withdraws, says Priority 0 and starts it again.
    Crash,
    /// The kernel refuses a claim.
    Refusal,
    /// Somebody removes the addresses of a node that is well.
    Removal,
    /// An order to the kernel hangs until the lease has ended.
    Hang,
    /// The operator drains a node.
    Drain,
    /// A check fails.
    Check,
}

/// One exploration: the routers, their surroundings, and what may go wrong how often.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) priorities: &'static [u8],
    pub(crate) preempt: bool,
    pub(crate) kinds: &'static [Kind],
    /// How many faults happen at the most, of all kinds together.
    pub(crate) faults: u8,
    /// The distance of the moments at which anything may happen.
    pub(crate) tick: Duration,
    /// The longest way of a message.
    pub(crate) way: Duration,
    /// The longest that the kernel takes.
    pub(crate) kernel: Duration,
}

impl Setup {
    /// Tells whether the protocol itself separates the routers in time: their Skew_Times are further apart than a message's way.
    pub(crate) fn is_ranked(&self) -> bool {
        let skew = |priority: u8| Duration::from_secs(1) * (256 - u32::from(priority)) / 256;
        let mut ranks: Vec<_> = self.priorities.iter().map(|priority| skew(*priority)).collect();
        ranks.sort_unstable();
        ranks.windows(2).all(|pair| pair[1] - pair[0] > self.way)
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { priorities, preempt, kinds, faults, way, .. } = self;
        let mode = if *preempt { "" } else { ", no preemption" };
        write!(f, "priorities {priorities:?}{mode}, way {way:?}, {faults} of {kinds:?}")
    }
}
