//! The clock of one node: it began at another moment than the others, and runs a little faster or slower.

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1000 * MS;
const MILLION: u64 = 1_000_000;

/// Converts between the world's time and what a node reads, both in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What it reads when the world begins.
    pub(crate) ahead: u64,
    /// By how many nanoseconds it moves on in a millisecond of the world.
    pub(crate) rate: u64,
}

impl Clock {
    /// What the node reads at this moment of the world.
    pub(crate) fn read(self, now: u64) -> u64 {
        self.ahead + now * self.rate / MILLION
    }

    /// The first moment of the world at which the node reads at least this.
    pub(crate) fn when(self, reading: u64) -> u64 {
        (reading.saturating_sub(self.ahead) * MILLION).div_ceil(self.rate)
    }
}
