//! Which routers will do the same from now on: what an explorer of all states needs, to meet none of them twice.

use super::active::LONGEST_ANNOUNCEMENT_GAP;
use super::event::Epoch;
use super::router::Router;
use super::state::{Aside, Backup, Basis, Deposed, INTERVALS_OF_SILENCE, Listening, Release, State, Tenure};
use super::time::Instant;
use super::view::Peer;
use vrrp_packet::Priority;

/// Moves moments, so that `now` becomes `then`.
#[derive(Clone, Copy)]
struct Shift {
    now: Instant,
    then: Instant,
}

impl Router {
    /// Returns the router that does at `then` what this one would do at `now`, and from there on the same while its
    /// settings stay.
    ///
    /// Two routers that differ only in what no event can bring to light any more become equal: moments that are long
    /// over, and the number of the epoch, which is 1. Who holds answers to a former epoch gives them another number.
    #[must_use]
    pub fn canonical(&self, now: Instant, then: Instant) -> Self {
        let shift = Shift { now, then };
        let Self { settings, state, since, epoch: _, effective, ready, drained, failures, not_before, pledged } = self;
        let state = self.without_the_past(now, *state);
        // A deadline is never before its basis, and what begins to wait later waits from later on.
        let floor = state.listening().map_or(now, |listening| listening.basis.moment());
        // Only a row of failures asks for how long a state has been held.
        let since = if *failures == 0 { now } else { (*since).max(now - self.retry_wait()) };
        Self {
            settings: *settings,
            state: state.moved(shift),
            since: shift.of(since),
            epoch: Epoch(1),
            effective: *effective,
            ready: *ready,
            drained: *drained,
            failures: *failures,
            not_before: shift.of((*not_before).max(floor)),
            pledged: *pledged,
        }
    }

    /// Replaces moments that are long over by the latest one that makes no difference.
    fn without_the_past(&self, now: Instant, state: State) -> State {
        let recent = |tenure: Tenure| Tenure {
            last_announced: tenure.last_announced.max(now - LONGEST_ANNOUNCEMENT_GAP),
            ..tenure
        };
        match state {
            State::Initialize | State::Releasing(_) => state,
            State::Backup(backup) => State::Backup(Backup {
                entered: backup.entered.max(backup.listening.basis.moment()),
                lower_since: backup.lower_since.map(|since| since.max(now - self.settings.preempt_delay)),
                ..backup
            }),
            // A watch ends by itself; without one the router may listen to nobody for ever.
            State::Aside(aside) if aside.watch_until.is_some() => state,
            State::Aside(aside) => State::Aside(Aside { listening: self.no_older(now, aside.listening), ..aside }),
            State::Opening(tenure) => State::Opening(recent(tenure)),
            State::Claiming(tenure) => State::Claiming(recent(tenure)),
            State::Active(tenure) => State::Active(recent(tenure)),
        }
    }

    /// Forgets for how long Active_Down_Timer has been over, whatever the priority and whosever the interval.
    fn no_older(&self, now: Instant, listening: Listening) -> Listening {
        let interval = listening.peer.map_or(listening.interval, |peer| peer.interval.max(listening.interval));
        let slowest = Listening { interval, ..listening };
        let over = now.since(slowest.deadline(self.settings.version, Priority::RELEASE));
        // Active_Down_Interval counts from here where the router becomes Backup, and is at most four intervals.
        let longest = interval.duration() * (INTERVALS_OF_SILENCE + 1);
        let unheard = listening.peer.map(|peer| now.since(peer.heard).saturating_sub(longest));
        let excess = unheard.map_or(over, |unheard| unheard.min(over));
        let peer = listening.peer.map(|peer| Peer { heard: peer.heard + excess, ..peer });
        Listening { peer, basis: listening.basis.map(|moment| moment + excess), ..listening }
    }
}

impl Shift {
    fn of(self, moment: Instant) -> Instant {
        if moment >= self.now { self.then + moment.since(self.now) } else { self.then - self.now.since(moment) }
    }
}

impl State {
    fn listening(&self) -> Option<&Listening> {
        match self {
            Self::Backup(backup) => Some(&backup.listening),
            Self::Aside(aside) => Some(&aside.listening),
            Self::Releasing(release) => Some(&release.listening),
            Self::Initialize | Self::Opening(_) | Self::Claiming(_) | Self::Active(_) => None,
        }
    }

    fn moved(self, shift: Shift) -> Self {
        match self {
            Self::Initialize => Self::Initialize,
            Self::Backup(Backup { listening, entered, lower_since, asked }) => Self::Backup(Backup {
                listening: listening.moved(shift),
                entered: shift.of(entered),
                lower_since: lower_since.map(|it| shift.of(it)),
                asked: asked.map(|it| shift.of(it)),
            }),
            Self::Aside(Aside { listening, retry_at, needs_readiness, watch_until }) => Self::Aside(Aside {
                listening: listening.moved(shift),
                retry_at: retry_at.map(|it| shift.of(it)),
                needs_readiness,
                watch_until: watch_until.map(|it| shift.of(it)),
            }),
            Self::Opening(tenure) => Self::Opening(tenure.moved(shift)),
            Self::Claiming(tenure) => Self::Claiming(tenure.moved(shift)),
            Self::Active(tenure) => Self::Active(tenure.moved(shift)),
            Self::Releasing(release) => Self::Releasing(release.moved(shift)),
        }
    }
}

impl Tenure {
    fn moved(self, shift: Shift) -> Self {
        let Self { adver_deadline, priority, last_sent, last_asked, last_announced, owes_announcement, deposed } = self;
        Self {
            adver_deadline: shift.of(adver_deadline),
            priority,
            last_sent: shift.of(last_sent),
            last_asked: shift.of(last_asked),
            last_announced: shift.of(last_announced),
            owes_announcement,
            deposed: deposed.map(|Deposed { peer, until }| Deposed { peer, until: shift.of(until) }),
        }
    }
}

impl Release {
    fn moved(self, shift: Shift) -> Self {
        let Self { step, adver_deadline, give_up_at, last_sent, farewell, priority, listening, then } = self;
        Self {
            step,
            adver_deadline: adver_deadline.map(|it| shift.of(it)),
            give_up_at: give_up_at.map(|it| shift.of(it)),
            last_sent: shift.of(last_sent),
            farewell,
            priority,
            listening: listening.moved(shift),
            then,
        }
    }
}

impl Listening {
    fn moved(self, shift: Shift) -> Self {
        let Self { peer, interval, basis } = self;
        let peer = peer.map(|peer| Peer { heard: shift.of(peer.heard), ..peer });
        Self { peer, interval, basis: basis.map(|it| shift.of(it)) }
    }
}

impl Basis {
    /// When the wait began.
    pub(super) fn moment(self) -> Instant {
        match self {
            Self::Silence { since: at }
            | Self::Released { at, .. }
            | Self::HandedOver { at, .. }
            | Self::Gone { at, .. }
            | Self::GaveUp { at } => at,
        }
    }

    fn map(self, change: impl FnOnce(Instant) -> Instant) -> Self {
        match self {
            Self::Silence { since } => Self::Silence { since: change(since) },
            Self::Released { at, by } => Self::Released { at: change(at), by },
            Self::HandedOver { at, by } => Self::HandedOver { at: change(at), by },
            Self::Gone { at, peer, at_once } => Self::Gone { at: change(at), peer, at_once },
            Self::GaveUp { at } => Self::GaveUp { at: change(at) },
        }
    }
}
