//! Where the election thread writes down what another process must know should this one die.

use core::time::Duration;

use crate::election::{Epoch, Instant, StateName};

/// Records what a router holds, before it holds it. Called by the election thread: it must not block or allocate.
pub trait Ledger: Send {
    /// The addresses are about to be claimed.
    fn claiming(&self, router: usize, epoch: Epoch);
    /// The kernel confirmed that the addresses are gone.
    fn withdrawn(&self, router: usize);
    /// The router entered a state.
    fn entered(&self, router: usize, state: StateName);
    /// The election thread runs. Where it does not do so again within this time it hangs.
    fn beat(&self, now: Instant, again_within: Duration);
    /// The election thread ends.
    fn rest(&self);
}
