//! What must be true before anything may bring an address to this host, or say that it is here (ownership rules 11 and 12).
//!
//! A thread that was stopped goes on where it was; what it meant to do then may concern an address of another node by now.

use core::sync::atomic::Ordering;
use core::time::Duration;

use super::lease::is_silent;
use super::message::ReportEvent;
use super::thread::Worker;

impl Worker {
    /// Returns what speaks against claiming, renewing, restoring or announcing a router's addresses at this moment.
    ///
    /// Between this look and the system call that follows lie some microseconds in which nothing is looked at.
    pub(super) fn objection(&self, index: usize, now: u64) -> Option<ReportEvent> {
        if self.oversight.is_superseded() {
            return Some(ReportEvent::Superseded);
        }
        let plan = &self.routers[index].plan;
        let vouched = self.shared.vouched[index].load(Ordering::Acquire);
        let objects = !plan.owner && is_silent(plan.silence, vouched, now);
        objects.then(|| ReportEvent::NotVouched(Duration::from_nanos(now.saturating_sub(vouched))))
    }
}
