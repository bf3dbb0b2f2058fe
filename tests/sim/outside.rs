//! The world as a node sees it: the time, the network, chance; and the first promise that was broken in it.

use crate::clock::MS;
use crate::network::Network;
use crate::queue::Queue;
use crate::random::Random;

/// Everything but the nodes.
#[derive(Debug)]
pub(crate) struct Outside {
    /// Nanoseconds since the world began.
    pub(crate) now: u64,
    pub(crate) queue: Queue,
    pub(crate) network: Network,
    pub(crate) random: Random,
    /// What happened, where somebody wants to read it.
    pub(crate) timeline: Option<Vec<String>>,
    pub(crate) broken: Option<String>,
    pub(crate) takeovers: Vec<Takeover>,
    /// How many advertisements left.
    pub(crate) sent: u64,
    /// How many transitions were reported.
    pub(crate) transitions: u64,
    /// How many commands, changed priorities and strange messages there were: each may be answered.
    pub(crate) told: u64,
}

/// A node took the role: it began to advertise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takeover {
    pub(crate) at: u64,
    pub(crate) by: usize,
}

impl Outside {
    /// Adds a line to the timeline.
    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(timeline) = &mut self.timeline {
            timeline.push(format!("{:>12.3} ms  {}", now as f64 / MS as f64, what()));
        }
    }

    /// Keeps the first promise that is broken.
    pub(crate) fn broke(&mut self, promise: impl FnOnce() -> String) {
        if self.broken.is_none() {
            let promise = promise();
            self.note(|| format!("BROKEN: {promise}"));
            self.broken = Some(promise);
        }
    }

    pub(crate) fn check(&mut self, holds: bool, promise: impl FnOnce() -> String) {
        if !holds {
            self.broke(promise);
        }
    }
}
