//! What the guardian does for an agent that can no longer do it, and in which order.

use core::time::Duration;
use std::io;

use super::Table;

/// Does for an agent that is dead, or as good as dead, what it can no longer do; routers are numbered by their places.
pub trait Cleanup {
    /// Takes over what the agent has applied since. Places that it does not name are as they were.
    ///
    /// # Errors
    /// Why it makes no sense; everything is as it was then.
    fn follow(&mut self, applied: &[u8]) -> io::Result<()>;

    /// Returns how long leaving every role in order may take with what the agent has applied.
    fn longest_leave(&self) -> Duration;

    /// Numbers the routers in the configuration's order again, as the next agent does.
    fn renumber(&mut self);

    /// Removes a router's addresses from this host. `Ok` means that they are confirmed gone.
    ///
    /// # Errors
    /// What kept them here. No Priority 0 is sent then, and the lease bounds the rest.
    fn withdraw(&mut self, router: usize) -> io::Result<()>;

    /// Sends Priority 0 for a router. What the agent left in the table says how to sign it.
    ///
    /// # Errors
    /// Why it did not leave. The peers then wait for Active_Down_Interval.
    fn release(&mut self, router: usize, table: &Table) -> io::Result<()>;
}

/// Withdraws what the agent held, and only then gives up its roles (ownership rule 8).
///
/// What cannot be withdrawn stays in the table, and its role ends without Priority 0.
pub fn clean_up(table: &Table, cleanup: &mut dyn Cleanup) {
    for router in (0..table.routers()).filter(|&router| table.claimed(router).is_some()) {
        match cleanup.withdraw(router) {
            Ok(()) => table.set_claimed(router, None),
            Err(error) => tracing::error!(router, %error, "the agent's addresses cannot be withdrawn"),
        }
    }
    for router in (0..table.routers()).filter(|&router| table.is_active(router)) {
        if table.claimed(router).is_none()
            && let Err(error) = cleanup.release(router, table)
        {
            tracing::error!(router, %error, "Priority 0 cannot be sent for the agent");
        }
        table.set_active(router, false);
    }
}
