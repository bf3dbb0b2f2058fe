//! The engine's record for the guardian, in memory that both processes share.

use core::num::NonZeroU64;
use std::sync::Arc;

use vrrp_packet::Sequence;

use crate::election::{Epoch, Instant, StateName};
use crate::engine::Ledger;
use crate::guardian::{Link, Thread};

/// Writes the election thread's record into the shared table.
pub(super) struct SharedLedger(pub(super) Arc<Link>);

impl Ledger for SharedLedger {
    fn claiming(&self, router: usize, epoch: Epoch) {
        self.0.table().set_claimed(router, NonZeroU64::new(epoch.0));
    }

    fn withdrawn(&self, router: usize) {
        self.0.table().set_claimed(router, None);
    }

    fn entered(&self, router: usize, state: StateName) {
        let speaks = match state {
            StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
            StateName::Initialize | StateName::Backup | StateName::Aside => false,
        };
        self.0.table().set_active(router, speaks);
    }

    fn signing(&self, router: usize, sequence: Sequence, clock_offset: i64) {
        let table = self.0.table();
        table.set_clock_offset(clock_offset);
        if let Some(bits) = NonZeroU64::new(sequence.to_bits()) {
            table.set_sequence(router, bits);
        }
    }

    fn beat(&self, _now: Instant) {
        self.0.table().beat(Thread::Election);
    }
}
