//! How often the election thread runs, and what follows where it, or the address thread, did not. No I/O, no clock.

use core::time::Duration;

use crate::election::Instant;

/// How soon the thread runs again where no shorter interval makes it.
const BEAT: Duration = Duration::from_secs(2);
/// How long two hosts may own the addresses where the election thread is starved.
const STARVED: Duration = Duration::from_millis(5);
/// How much of a lease is left when it is given up as unrenewed: where the address thread itself stops renewing (rule 12).
const MARGIN: Duration = Duration::from_millis(500);
/// How many of its intervals a router must have been away for to distrust what it hears next.
const INTERVALS_OF_ABSENCE: u32 = 3;
/// No interval is shorter than 10 ms, so nobody is away in less than three of them.
pub(super) const SHORTEST_ABSENCE: Duration = Duration::from_millis(30);

/// Says when the election thread runs again, and what it promises its guardian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rhythm {
    /// It runs within this span.
    pub within: Duration,
    /// Where it does not do so within this one, it hangs.
    pub again_within: Duration,
    /// Where others hold it up for this long, it is as bad; `None`: that does no harm.
    pub at_last_within: Option<Duration>,
}

impl Rhythm {
    /// Returns the rhythm of a thread that speaks at this interval, the shortest of its routers' in the role.
    pub fn of(interval: Option<Duration>) -> Self {
        let within = interval.unwrap_or(BEAT).min(BEAT);
        // No peer takes over within three intervals, and the guardian needs some of that to withdraw. A thread that would run
        // as soon as it had a CPU gets a little more than three: given up on sooner, it might have been in time.
        let at_last_within = interval.map(|interval| interval * 3 + (interval / 2).min(STARVED));
        Self { within, again_within: within * 5 / 2, at_last_within }
    }
}

/// Tells whether a router of this interval was away, where its thread ran this late.
pub fn was_away(late: Duration, interval: Duration) -> bool {
    late >= SHORTEST_ABSENCE && late >= interval * INTERVALS_OF_ABSENCE
}

/// Tells whether a lease that was last renewed at `renewed` is not renewed in time (ownership rule 13).
pub fn is_unrenewed(now: Instant, renewed: Instant, lease: Duration) -> bool {
    now.since(renewed) >= lease.saturating_sub(MARGIN)
}
