//! One Virtual Router: the entry points, and what is common to all states.

use core::time::Duration;

use vrrp_packet::{Interval, Priority};

use super::event::{Action, Cause, Effective, Epoch, Event, Fault, StateName, Transition};
use super::settings::Settings;
use super::state::{Aside, Backup, Listening, State};
use super::time::Instant;
use super::view::View;

/// The first wait after a failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The number of doublings after which the wait stays: 64 s.
const MOST_DOUBLINGS: u32 = 6;

/// Runs the protocol for one Virtual Router of one node.
///
/// Equal routers that hear equal events at equal times do equal things: nothing here reads a clock or a random number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Router {
    pub(super) settings: Settings,
    pub(super) state: State,
    pub(super) since: Instant,
    pub(super) epoch: Epoch,
    pub(super) effective: Effective,
    pub(super) ready: bool,
    pub(super) drained: bool,
    pub(super) failures: u32,
    /// Nothing is taken over before this moment (startup_delay).
    pub(super) not_before: Instant,
    /// The interval that the last advertisement carried: the peers count by it.
    pub(super) pledged: Interval,
}

impl Router {
    /// Makes a router in Initialize; it does nothing until [`Event::Started`].
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Initialize,
            since: Instant::ZERO,
            epoch: Epoch(0),
            effective: Effective::Priority(settings.priority),
            // A gate proves itself first; addresses are free until somebody says that they are not.
            ready: settings.gate.is_none(),
            drained: settings.drained && !settings.priority.is_owner(),
            failures: 0,
            not_before: Instant::ZERO,
            pledged: settings.interval,
        }
    }

    /// Takes one event and appends what is to be done about it.
    ///
    /// `now` must not run backwards. Answers to an epoch that is over are ignored.
    pub fn handle(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        // Before anything else: whatever woke us, a node that was away must not speak while it holds the addresses.
        self.notice_absence(now, actions);
        match event {
            Event::Started => self.started(now, actions),
            Event::Timeout => self.timeout(now, actions),
            Event::Advertisement(heard) => match self.state {
                State::Initialize => {}
                State::Backup(backup) => self.heard_while_backup(now, backup, heard, actions),
                State::Aside(aside) => self.heard_while_aside(now, aside, heard, actions),
                State::Opening(tenure) => self.heard_while_opening(now, tenure, heard, actions),
                State::Claiming(tenure) | State::Active(tenure) => {
                    self.heard_while_active(now, tenure, heard, actions);
                }
                State::Releasing(release) => self.heard_while_releasing(now, release, heard),
            },
            Event::Sent => self.sent(now),
            Event::EffectivePriority(effective) => self.effective_priority(now, effective, actions),
            Event::Readiness(ready) => self.readiness(now, ready, actions),
            Event::AddressesClaimed { epoch } => self.addresses_claimed(now, epoch, actions),
            Event::AddressesWithdrawn { epoch } => self.addresses_withdrawn(now, epoch, actions),
            Event::ClaimFailed { epoch } => self.claim_failed(now, epoch, actions),
            Event::AddressesLost { epoch } => self.addresses_lost(now, epoch, actions),
            Event::GateOpened { epoch } => self.gate_opened(now, epoch, actions),
            Event::GateRefused { epoch } => self.gate_refused(now, epoch, actions),
            Event::GateClosed { epoch } => self.gate_closed(now, epoch, actions),
            Event::HostGone { silence } => self.host_gone(now, silence, actions),
            Event::Drain(mode) => self.drain(now, mode, actions),
            Event::Resume => self.resume(now, actions),
            Event::Shutdown => self.shutdown(now, actions),
            Event::Stalled { by } => self.stalled(now, by, actions),
            Event::Source(source) => self.settings.source = source,
            Event::Settings(settings) => self.reconfigure(now, settings, actions),
        }
    }

    /// Returns when the router wants to hear [`Event::Timeout`]; a moment that has passed means at once.
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Initialize => None,
            State::Backup(backup) => {
                earliest(Some(self.active_down_deadline(&backup.listening)), self.probe_deadline(backup))
            }
            State::Aside(aside) => self.aside_deadline(aside),
            State::Opening(tenure) | State::Claiming(tenure) | State::Active(tenure) => {
                earliest(Some(tenure.adver_deadline), tenure.deposed.map(|deposed| deposed.until))
            }
            State::Releasing(release) => earliest(release.adver_deadline, release.give_up_at),
        }
    }

    /// Copies what others may know.
    pub fn view(&self) -> View {
        let (active, draining) = match &self.state {
            State::Backup(backup) => (backup.listening.peer, false),
            State::Aside(aside) => (aside.listening.peer, aside.watch_until.is_some()),
            State::Releasing(release) => (release.listening.peer, self.drained),
            State::Initialize | State::Opening(_) | State::Claiming(_) | State::Active(_) => (None, false),
        };
        View {
            state: self.state.name(),
            since: self.since,
            epoch: self.epoch,
            effective: self.effective,
            active,
            drained: self.drained,
            draining,
            failures: self.failures,
            deadline: self.next_deadline(),
        }
    }

    /// Returns the priority that this node would advertise now.
    pub(super) fn priority(&self) -> Priority {
        match self.effective {
            Effective::Priority(priority) => priority,
            // In fault the node takes nothing over; where a formula still needs a priority it is the configured one.
            Effective::Fault(_) => self.settings.priority,
        }
    }

    pub(super) fn in_fault(&self) -> bool {
        match self.effective {
            Effective::Priority(_) => false,
            Effective::Fault(_) => true,
        }
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.effective == Effective::Fault(Fault::Deaf)
    }

    pub(super) fn retry_wait(&self) -> Duration {
        FIRST_RETRY * (1 << self.failures.saturating_sub(1).min(MOST_DOUBLINGS))
    }

    /// Changes the state and reports it.
    pub(super) fn enter(&mut self, now: Instant, state: State, cause: Cause, actions: &mut Vec<Action>) {
        let from = self.state.name();
        let to = state.name();
        self.state = state;
        if from != to {
            self.since = now;
        }
        self.report(now, from, to, cause, actions);
    }

    pub(super) fn report(&self, at: Instant, from: StateName, to: StateName, cause: Cause, actions: &mut Vec<Action>) {
        actions.push(Action::Report(Transition { at, from, to, cause, epoch: self.epoch }));
    }

    /// Waits as Backup, or Aside where the node may not take over.
    pub(super) fn stand_by(&mut self, now: Instant, listening: Listening, cause: Cause, actions: &mut Vec<Action>) {
        let state = if self.in_fault() || self.drained {
            State::Aside(Aside::listening(listening))
        } else {
            State::Backup(Backup { listening, entered: now, lower_since: None, asked: None })
        };
        self.enter(now, state, cause, actions);
        if let State::Backup(backup) = self.state {
            // A preemption that was under way may not be one for what the node is now.
            self.reconsider_preemption(now, backup);
        }
    }

    fn started(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.state {
            State::Initialize => {
                self.not_before = self.first_turn(now);
                // RFC 9568 §6.4.1: the owner does not wait.
                if self.settings.priority.is_owner() && !self.in_fault() {
                    self.become_active(now, Cause::Owner, actions);
                } else {
                    let listening = Listening::afresh(now, self.settings.interval);
                    self.stand_by(now, listening, Cause::Started, actions);
                }
            }
            State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }

    /// When a router that starts may take over: after startup_delay, and Skew_Time after that, as routers that start together
    /// would else all do so in the same moment.
    fn first_turn(&self, now: Instant) -> Instant {
        let Settings { version, interval, startup_delay, .. } = self.settings;
        let skew = if startup_delay.is_zero() { Duration::ZERO } else { interval.skew_time(version, self.priority()) };
        now + startup_delay + skew
    }

    fn timeout(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.state {
            State::Initialize => {}
            State::Backup(backup) => self.backup_timeout(now, backup, actions),
            State::Aside(aside) => self.aside_timeout(now, aside, actions),
            State::Opening(tenure) => self.opening_timeout(now, tenure, actions),
            State::Claiming(tenure) | State::Active(tenure) => self.adver_timeout(now, tenure, actions),
            State::Releasing(release) => self.releasing_timeout(now, release, actions),
        }
    }

    fn effective_priority(&mut self, now: Instant, effective: Effective, actions: &mut Vec<Action>) {
        let before = core::mem::replace(&mut self.effective, effective);
        if before == effective {
            return;
        }
        if before == Effective::Fault(Fault::Deaf) {
            self.hear_again(now);
        }
        match (self.state, effective) {
            (State::Initialize | State::Releasing(_), _) => {}
            // The deadline itself is computed from the priority whenever it is asked for.
            (State::Backup(backup), Effective::Priority(_)) => self.reconsider_preemption(now, backup),
            (State::Backup(backup), Effective::Fault(fault)) => {
                let aside = Aside::listening(backup.listening);
                self.enter(now, State::Aside(aside), Cause::Fault(fault), actions);
            }
            (State::Aside(aside), Effective::Priority(_)) => {
                self.leave_aside(now, aside, Cause::FaultCleared, actions);
            }
            (State::Aside(aside), Effective::Fault(fault)) => {
                self.enter(now, State::Aside(aside), Cause::Fault(fault), actions);
            }
            (
                State::Opening(tenure) | State::Claiming(tenure) | State::Active(tenure),
                Effective::Priority(priority),
            ) => {
                self.advertise_new_priority(now, tenure, priority, actions);
            }
            (State::Opening(_) | State::Claiming(_) | State::Active(_), Effective::Fault(fault)) => {
                self.leave_for_fault(now, fault, actions);
            }
        }
    }

    /// What was heard before the link went away is void.
    fn hear_again(&mut self, now: Instant) {
        let afresh = Listening::afresh(now, self.settings.interval);
        match self.state {
            State::Aside(mut aside) => {
                aside.listening = afresh;
                self.watch_anew(&mut aside);
                self.state = State::Aside(aside);
            }
            State::Releasing(mut release) => {
                release.listening = afresh;
                self.state = State::Releasing(release);
            }
            // In fault a router is in none of these, but before its start.
            State::Initialize | State::Backup(_) | State::Opening(_) | State::Claiming(_) | State::Active(_) => {}
        }
    }
}

/// Returns the earlier of two deadlines.
pub(crate) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
