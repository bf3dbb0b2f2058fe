//! What every single step of a router must obey: RFC 9568 and `docs/ownership.md`, said a second time and in another way.
//!
//! The laws see what anybody sees: the event, the view before and after, the actions. They know no state's inside.

mod leaving;
mod listening;
mod speaking;

use std::net::IpAddr;
use std::time::Duration;

use vipd::election::{Action, Cause, Drain, Effective, Event, Heard, Instant, Settings, StateName, Transition, View};
use vrrp_packet::{Interval, Version};

/// One call of `Router::handle`.
pub(crate) struct Step<'a> {
    pub(crate) now: Instant,
    pub(crate) event: Event,
    pub(crate) before: View,
    pub(crate) after: View,
    pub(crate) actions: &'a [Action],
}

/// Either the step is lawful, or this law is broken.
pub(crate) type Judgement = Result<(), &'static str>;

/// What the laws remember of one router.
#[derive(Debug)]
pub(crate) struct Laws {
    settings: Settings,
    /// The shortest and the longest interval that it was configured with.
    shortest_own: Interval,
    longest_own: Interval,
    ready: bool,
    /// When startup_delay is over, and Skew_Time after it.
    not_before: Instant,
    /// The last advertisement but Priority 0.
    heard: Option<(Instant, Heard)>,
    /// The shortest and the longest interval that others advertised.
    heard_intervals: Option<(Interval, Interval)>,
    /// Since when a Backup hears nothing but lower priorities.
    lower_since: Option<Instant>,
    /// The last Priority 0 of the router that was Active.
    released: Option<(Instant, IpAddr)>,
    /// The last moment at which listening began anew: what was heard before is void.
    afresh: Instant,
    /// When the role was given up, with Priority 0 or in silence.
    gave_up: Option<Instant>,
    /// Before this moment a router that failed does not try again.
    not_again_before: Instant,
    needs_readiness: bool,
    /// When the router last advertised, and the longest and shortest interval since then.
    sent: Instant,
    asked: Instant,
    announced: Instant,
    /// Whether it has gone silent on its way out.
    silenced: bool,
    /// Whether another router has the role that it is about to leave.
    yielded: bool,
    watches_since: Option<Instant>,
    drain_was_forced: bool,
}

impl Laws {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            shortest_own: settings.interval,
            longest_own: settings.interval,
            ready: settings.gate.is_none(),
            not_before: Instant::ZERO,
            heard: None,
            heard_intervals: None,
            lower_since: None,
            released: None,
            afresh: Instant::ZERO,
            gave_up: None,
            not_again_before: Instant::ZERO,
            needs_readiness: false,
            sent: Instant::ZERO,
            asked: Instant::ZERO,
            announced: Instant::ZERO,
            silenced: false,
            yielded: false,
            watches_since: None,
            drain_was_forced: false,
        }
    }

    /// Judges a step, then remembers it.
    pub(crate) fn judge(&mut self, step: &Step<'_>) -> Judgement {
        match step.event {
            Event::Settings(settings) => {
                self.settings = Settings { gate: self.settings.gate, ..settings };
                self.shortest_own = self.shortest_own.min(settings.interval);
                self.longest_own = self.longest_own.max(settings.interval);
            }
            Event::Readiness(ready) => self.ready = ready,
            Event::Drain(mode) => self.drain_was_forced = mode == Drain::Forced,
            _ => {}
        }
        self.story(step)?;
        self.fitness(step)?;
        if !step.was_interrupted() {
            self.heard_in_the_role(step)?;
            self.heard_as_backup(step)?;
        }
        self.deadlines(step)?;
        self.taking_over(step)?;
        self.words(step)?;
        self.adver_timer(step)?;
        self.announcements(step)?;
        self.absence(step)?;
        self.leaving(step)?;
        self.answers(step)?;
        self.failing(step)?;
        self.draining(step)?;
        self.remember(step);
        Ok(())
    }

    /// Each transition is told once and in order, and the epoch counts the attempts to be Active.
    fn story(&self, step: &Step<'_>) -> Judgement {
        let mut state = step.before.state;
        let mut epoch = step.before.epoch;
        for transition in step.transitions() {
            let Transition { at, from, to, epoch: told, .. } = transition;
            ensure(at == step.now && from == state, "a transition begins where the last one has ended")?;
            let began = !has_role(from) && matches!(to, StateName::Opening | StateName::Claiming | StateName::Active);
            epoch.0 += u64::from(began);
            ensure(told == epoch, "each attempt to be Active has an epoch of its own, one greater than the last")?;
            state = to;
        }
        ensure(state == step.after.state, "every change of state is told")?;
        ensure(epoch == step.after.epoch, "the epoch changes with the role only")?;
        let since = if step.transitions().any(|told| told.from != told.to) { step.now } else { step.before.since };
        ensure(step.after.since == since, "the view tells since when the state lasts")
    }

    /// A router in fault, or drained, is out of the role or on its way out; else it does not stand aside for nothing.
    fn fitness(&self, step: &Step<'_>) -> Judgement {
        let View { state, effective, drained, deadline, .. } = step.after;
        let fault = matches!(effective, Effective::Fault(_));
        let out = matches!(state, StateName::Initialize | StateName::Aside | StateName::Releasing);
        ensure(out || !(fault || drained), "who may not be Active is out of the role, or on the way out")?;
        let waits = deadline.is_some() || (self.needs_readiness && !self.ready) || !self.tried_again(step);
        ensure(state != StateName::Aside || fault || drained || waits, "nobody stands aside without a reason")
    }

    /// Whether a failure's wait is over and was followed by another try.
    fn tried_again(&self, step: &Step<'_>) -> bool {
        step.now >= self.not_again_before
    }

    fn remember(&mut self, step: &Step<'_>) {
        let Step { now, event, before, after, .. } = *step;
        if event == Event::Started && before.state == StateName::Initialize {
            self.afresh = now;
            let delay = self.settings.startup_delay;
            let skew = self.skew(self.settings.interval, &before);
            self.not_before = now + if delay.is_zero() { delay } else { delay + skew };
        }
        let heard_again = before.effective == Effective::Fault(vipd::election::Fault::Deaf);
        if heard_again && before.effective != after.effective {
            self.begin_afresh(now);
        }
        let wants = |state| has_role(state) && state != StateName::Releasing;
        if wants(before.state) && !wants(after.state) {
            self.begin_afresh(now);
        }
        if step.was_interrupted() {
            self.afresh = now;
        }
        if after.state != StateName::Backup {
            self.lower_since = None;
        }
        if let Event::Advertisement(heard) = event {
            if heard.priority.is_release() {
                let from_active = before.active.is_some_and(|active| active.source == heard.source);
                if from_active {
                    self.released = Some((now, heard.source));
                }
            } else {
                self.heard = Some((now, heard));
                let (shortest, longest) = self.heard_intervals.unwrap_or((heard.interval, heard.interval));
                self.heard_intervals = Some((shortest.min(heard.interval), longest.max(heard.interval)));
                let lower = heard.priority < self.priority(&after) && after.state == StateName::Backup;
                self.lower_since = lower.then(|| self.lower_since.unwrap_or(now));
            }
        }
        self.remember_speech(step);
    }

    fn begin_afresh(&mut self, now: Instant) {
        self.afresh = now;
        self.lower_since = None;
    }

    /// The priority that the formulas take.
    fn priority(&self, view: &View) -> vrrp_packet::Priority {
        match view.effective {
            Effective::Priority(priority) => priority,
            Effective::Fault(_) => self.settings.priority,
        }
    }

    /// 3 × interval + Skew_Time, from RFC 9568 §6.1 anew, in whole 256ths.
    fn active_down(&self, interval: Interval, view: &View) -> Duration {
        interval.duration() * 3 + self.skew(interval, view)
    }

    fn skew(&self, interval: Interval, view: &View) -> Duration {
        let base = match self.settings.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => interval.duration(),
        };
        let nanos = base.as_nanos() * u128::from(256 - u16::from(self.priority(view).get())) / 256;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The interval by which this router counts the silence of the one that it heard.
    fn counted(&self, heard: Heard) -> Interval {
        match self.settings.version {
            Version::V2 => self.settings.interval,
            Version::V3 => heard.interval,
        }
    }
}

impl Step<'_> {
    pub(crate) fn transitions(&self) -> impl Iterator<Item = Transition> {
        self.actions.iter().filter_map(|action| match action {
            Action::Report(transition) => Some(*transition),
            _ => None,
        })
    }

    /// Whether the router found that it had been away, before it looked at the event.
    fn was_interrupted(&self) -> bool {
        self.transitions().any(|told| matches!(told.cause, Cause::Stalled { .. } | Cause::SendsFailed))
    }

    fn sends(&self) -> impl Iterator<Item = vrrp_packet::Priority> {
        self.actions.iter().filter_map(|action| match action {
            Action::SendAdvertisement { priority } => Some(*priority),
            _ => None,
        })
    }

    /// The way into the role, with its cause.
    fn takeover(&self) -> Option<Transition> {
        self.transitions().find(|told| has_role(told.to) && !has_role(told.from))
    }
}

/// Whether the state is one in which the peers hold this router for Active and it wants to be.
pub(crate) fn has_role(state: StateName) -> bool {
    match state {
        StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
        StateName::Initialize | StateName::Backup | StateName::Aside => false,
    }
}

fn ensure(holds: bool, law: &'static str) -> Judgement {
    if holds { Ok(()) } else { Err(law) }
}
