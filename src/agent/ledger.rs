//! The engine's record for the guardian, in memory that both processes share.

use std::sync::Arc;

use crate::election::{Epoch, Instant, StateName};
use crate::engine::Ledger;
use crate::guardian::Records;

/// Writes the election thread's record into the shared table.
pub(super) struct SharedLedger(pub(super) Arc<Records>);

impl Ledger for SharedLedger {
    fn claiming(&self, router: usize, epoch: Epoch) {
        self.0.set_claimed(router, epoch.0);
    }

    fn withdrawn(&self, router: usize) {
        self.0.set_claimed(router, 0);
    }

    fn entered(&self, router: usize, state: StateName) {
        let speaks = match state {
            StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
            StateName::Initialize | StateName::Backup | StateName::Aside => false,
        };
        self.0.set_active(router, speaks);
    }

    fn beat(&self, now: Instant) {
        self.0.beat(now.as_nanos());
    }
}
