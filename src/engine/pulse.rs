//! The election thread shows that it runs, and looks whether the address thread does.

use core::time::Duration;

use crate::election::Instant;

use super::election_thread::Engine;
use super::rhythm::{Rhythm, is_unrenewed};

/// How often leases are looked at, at most: thousands of packets a second need not each do so, and this is little of the
/// half second that is left of a lease when it is given up.
const LOOK: Duration = Duration::from_millis(10);

impl Engine {
    /// Shows that the thread runs. While the peers hold this node for Active its advertisements are its heartbeat.
    pub(super) fn beat(&mut self) {
        let now = Self::now();
        let Rhythm { within, again_within, at_last_within } = Rhythm::of(self.agenda.shortest_interval());
        self.beat_by = now + within;
        self.ledger.beat(now, again_within, at_last_within);
    }

    /// Ownership rule 13: a lease that is not renewed in time is a fault before it ends.
    pub(super) fn watch_renewals(&mut self) {
        let now = Self::now();
        if now.since(self.renewals_seen) < LOOK {
            return;
        }
        self.renewals_seen = now;
        for index in 0..self.members.len() {
            let renewed = self.dataplane.renewed(index).map(Instant::from_nanos);
            let lease = renewed.and_then(|at| self.members[index].lease(at));
            let unrenewed = renewed.zip(lease).is_some_and(|(at, lease)| is_unrenewed(now, at, lease));
            if self.members[index].set_unrenewed(now, unrenewed) {
                self.act(index, now);
            }
        }
    }
}
