//! Where the election thread writes down what another process must know should this one die.

use core::time::Duration;

use vrrp_packet::{ChecksumForm, Sequence};

use crate::election::{Epoch, Instant, StateName};

/// Records what a router holds, before it holds it. Called by the election thread: it must not block or allocate.
pub trait Ledger: Send {
    /// The addresses are about to be claimed.
    fn claiming(&self, router: usize, epoch: Epoch);
    /// The kernel confirmed that the addresses are gone.
    fn withdrawn(&self, router: usize);
    /// The router entered a state.
    fn entered(&self, router: usize, state: StateName);
    /// An advertisement is about to be sent with its checksum in this form.
    fn speaking(&self, router: usize, form: ChecksumForm);
    /// An advertisement is about to be signed with this sequence; the signing clock is ahead of the boot clock by so many
    /// nanoseconds, and confirmed or not.
    fn signing(&self, router: usize, sequence: Sequence, clock: (i64, bool));
    /// The election thread runs. Where it does not do so again within `again_within` it hangs, and where others hold it up
    /// for longer than `at_last_within` it is as bad; `None`: that does no harm.
    fn beat(&self, now: Instant, again_within: Duration, at_last_within: Option<Duration>);
    /// The election thread ends.
    fn rest(&self);
}
