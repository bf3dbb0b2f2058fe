//! The election thread shows that it runs, and looks whether the address thread does.

use core::time::Duration;

use crate::election::{Instant, StateName};

use super::election_thread::Engine;
use super::member::Member;

/// How soon the thread runs again where no shorter interval makes it.
const BEAT: Duration = Duration::from_secs(2);
/// How long two hosts may own the addresses where the election thread is starved.
const STARVED: Duration = Duration::from_millis(5);
/// How much of a lease is left when it is given up as unrenewed: where the address thread itself stops renewing (rule 12).
const MARGIN: Duration = Duration::from_millis(500);

impl Engine {
    /// Shows that the thread runs. While the peers hold this node for Active its advertisements are its heartbeat.
    pub(super) fn beat(&mut self) {
        let now = Self::now();
        let speaking = self.members.iter().filter(|member| speaks(member));
        let interval = speaking.map(|member| member.plan.settings.interval.duration()).min();
        let within = interval.unwrap_or(BEAT).min(BEAT);
        self.beat_by = now + within;
        // No peer takes over within three intervals, and the guardian needs some of that to withdraw. A thread that would run
        // as soon as it had a CPU gets a little more than three: given up on sooner, it might have been in time.
        let at_last = interval.map(|interval| interval * 3 + (interval / 2).min(STARVED));
        self.ledger.beat(now, within * 5 / 2, at_last);
    }

    /// Ownership rule 13: a lease that is not renewed in time is a fault before it ends.
    pub(super) fn watch_renewals(&mut self) {
        let now = Self::now();
        for index in 0..self.members.len() {
            let renewed = self.dataplane.renewed(index).map(Instant::from_nanos);
            let lease = renewed.and_then(|at| self.members[index].lease(at));
            let unrenewed = renewed.zip(lease).is_some_and(|(at, lease)| now.since(at) >= lease.saturating_sub(MARGIN));
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
