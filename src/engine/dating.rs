//! The one place of the engine that looks at the wall clock: the signing clock is slewed towards it (ownership rule 27).

use core::time::Duration;

use crate::election::Instant;
use crate::net::{clock_is_synchronised, wall_nanos};

use super::election_thread::Engine;

/// How often the signing clock is compared with the wall clock, at most: nothing wakes this thread for it.
const CLOCKS: Duration = Duration::from_secs(1);

impl Engine {
    /// Follows the wall clock, where anything is signed by it.
    pub(super) fn compare_clocks(&mut self, now: Instant) {
        let due = self.clock.compared_ago(now) >= CLOCKS;
        if due && self.members.iter().any(|member| member.plan.authentication.is_some()) {
            self.clock.compare(now, wall_nanos(), clock_is_synchronised());
        }
    }
}
