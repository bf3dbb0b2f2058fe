//! The election thread shows that it runs, and looks whether the address thread does.

use crate::election::{Instant, StateName};

use super::election_thread::Engine;
use super::member::Member;
use super::rhythm::{Rhythm, is_unrenewed};

impl Engine {
    /// Shows that the thread runs. While the peers hold this node for Active its advertisements are its heartbeat.
    pub(super) fn beat(&mut self) {
        let now = Self::now();
        let speaking = self.members.iter().filter(|member| speaks(member));
        let interval = speaking.map(|member| member.plan.settings.interval.duration()).min();
        let Rhythm { within, again_within, at_last_within } = Rhythm::of(interval);
        self.beat_by = now + within;
        self.ledger.beat(now, again_within, at_last_within);
    }

    /// Ownership rule 13: a lease that is not renewed in time is a fault before it ends.
    pub(super) fn watch_renewals(&mut self) {
        let now = Self::now();
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

/// Tells whether the peers hold this node for Active.
fn speaks(member: &Member) -> bool {
    match member.router.view().state {
        StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
        StateName::Initialize | StateName::Backup | StateName::Aside => false,
    }
}
