//! On the way out of Active (ownership rule 8): the addresses leave, the gate closes, and only then Priority 0.

use core::time::Duration;

use vrrp_packet::Priority;

use super::event::{Action, Cause, Epoch, Heard, StateName};
use super::router::Router;
use super::state::{Aside, Basis, Farewell, Listening, Release, State, Step, Then};
use super::time::Instant;

impl Router {
    /// Lets go of the role for a reason of this node's own.
    ///
    /// With `speaking` the node goes on advertising until the addresses are gone, so that nobody takes them too early.
    /// Without, it was not heard for a while: it stays silent until they are gone.
    pub(super) fn release(
        &mut self,
        now: Instant,
        speaking: bool,
        then: Then,
        cause: Cause,
        actions: &mut Vec<Action>,
    ) {
        let (State::Opening(tenure) | State::Claiming(tenure) | State::Active(tenure)) = self.state else { return };
        let interval = self.settings.interval;
        let release = Release {
            step: Step::Addresses,
            adver_deadline: speaking.then_some(tenure.adver_deadline),
            give_up_at: None,
            last_sent: tenure.last_sent,
            farewell: Farewell::GivesUp,
            priority: tenure.priority,
            listening: Listening::afresh(now, interval),
            then,
        };
        self.begin_release(now, release, cause, actions);
    }

    pub(super) fn begin_release(
        &mut self,
        now: Instant,
        mut release: Release,
        cause: Cause,
        actions: &mut Vec<Action>,
    ) {
        let epoch = self.epoch;
        if self.settings.priority.is_owner() {
            // Ownership rule 16: the addresses stay, only the role ends.
            self.enter(now, State::Releasing(release), cause, actions);
            self.finish_release(now, release, actions);
            return;
        }
        match self.state {
            State::Opening(_) if self.settings.gate.is_some() => {
                // The claim was never asked for: only the gate may be open.
                self.close_gate(now, &mut release, actions);
            }
            State::Opening(_) => {
                self.enter(now, State::Releasing(release), cause, actions);
                self.finish_release(now, release, actions);
                return;
            }
            State::Claiming(_) | State::Active(_) => {
                let wait = self.settings.interval.active_down_interval(self.settings.version, release.priority);
                release.give_up_at = Some(now + wait);
                actions.push(Action::Withdraw { epoch });
            }
            State::Initialize | State::Backup(_) | State::Aside(_) | State::Releasing(_) => {}
        }
        self.enter(now, State::Releasing(release), cause, actions);
    }

    /// Asks the gate to close; the node speaks on until it has, or until even a slow gate should have answered.
    fn close_gate(&self, now: Instant, release: &mut Release, actions: &mut Vec<Action>) {
        let down = self.settings.interval.active_down_interval(self.settings.version, release.priority);
        release.step = Step::Gate;
        release.give_up_at = (release.farewell != Farewell::Silent).then(|| now + down.max(self.gate_bound()));
        actions.push(Action::CloseGate { epoch: self.epoch });
    }

    pub(super) fn releasing_timeout(&mut self, now: Instant, mut release: Release, actions: &mut Vec<Action>) {
        if release.give_up_at.is_some_and(|at| now >= at) {
            // Ownership rule 8: no Priority 0 for addresses that may still be here; the lease bounds the rest.
            release.give_up_at = None;
            release.adver_deadline = None;
            if release.farewell == Farewell::GivesUp {
                release.listening.basis = Basis::GaveUp { at: now };
            }
            release.farewell = Farewell::Silent;
            self.state = State::Releasing(release);
            let cause = Cause::WithdrawalUnconfirmed;
            self.report(now, StateName::Releasing, StateName::Releasing, cause, actions);
            return;
        }
        if release.adver_deadline.is_some_and(|at| now >= at) {
            release.adver_deadline = Some(now + self.settings.interval.duration());
            self.state = State::Releasing(release);
            actions.push(Action::SendAdvertisement { priority: release.priority });
        }
    }

    pub(super) fn heard_while_releasing(&mut self, now: Instant, mut release: Release, heard: Heard) {
        if heard.priority.is_release() {
            self.heard_release(now, &mut release.listening, heard);
            if release.farewell == Farewell::Yields && release.listening.peer.is_none() {
                // Nobody waits for it any more.
                release.farewell = Farewell::Silent;
            }
        } else if self.is_better(release.priority, heard) || release.adver_deadline.is_none() {
            // Another router is Active already: this role is no longer ours to give away.
            release.listening.follow(now, self.settings.version, heard);
            release.adver_deadline = None;
            release.farewell = match release.farewell {
                Farewell::GivesUp => self.farewell_to_a_successor(),
                farewell @ (Farewell::Silent | Farewell::Yields) => farewell,
            };
        }
        self.state = State::Releasing(release);
    }

    /// Ownership rule 11: a node that was away does not speak for addresses that may still be here.
    pub(super) fn fall_silent_after_absence(
        &mut self,
        now: Instant,
        mut release: Release,
        by: Duration,
        actions: &mut Vec<Action>,
    ) {
        if release.adver_deadline.take().is_none() {
            return;
        }
        self.enter(now, State::Releasing(release), Cause::Stalled { by }, actions);
    }

    pub(super) fn addresses_withdrawn(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Releasing(mut release) if epoch == self.epoch && release.step == Step::Addresses => {
                if self.settings.gate.is_some() {
                    self.close_gate(now, &mut release, actions);
                    self.state = State::Releasing(release);
                } else {
                    self.finish_release(now, release, actions);
                }
            }
            State::Initialize
            | State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }

    pub(super) fn gate_closed(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Releasing(release) if epoch == self.epoch && release.step == Step::Gate => {
                self.finish_release(now, release, actions);
            }
            State::Initialize
            | State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }

    fn finish_release(&mut self, now: Instant, release: Release, actions: &mut Vec<Action>) {
        let mut listening = release.listening;
        match release.farewell {
            Farewell::Silent => {}
            Farewell::GivesUp | Farewell::Yields => {
                actions.push(Action::SendAdvertisement { priority: Priority::RELEASE });
            }
        }
        // Where the node only fell silent the others' turn counts from now, too: the addresses are gone since now.
        let gave_up = release.farewell == Farewell::GivesUp || matches!(listening.basis, Basis::GaveUp { at: _ });
        if gave_up {
            listening.basis = Basis::GaveUp { at: now };
        }
        match release.then {
            Then::Stop => self.enter(now, State::Initialize, Cause::Withdrawn, actions),
            Then::Watch if self.drained && listening.peer.is_none() => self.watch_drain(now, listening, actions),
            Then::Watch | Then::StandBy => self.stand_by(now, listening, Cause::Withdrawn, actions),
            Then::Retry { needs_readiness } => {
                self.failures = self.failures.saturating_add(1);
                let retry_at = Some(now + self.retry_wait());
                let aside = Aside { listening, retry_at, needs_readiness, watch_until: None };
                self.enter(now, State::Aside(aside), Cause::Withdrawn, actions);
            }
        }
    }

    /// The only peer waits for the addresses of a router that it deposed; a third one would take Priority 0 for its turn.
    pub(super) fn farewell_to_a_successor(&self) -> Farewell {
        let may_speak = self.settings.fast_handover && !self.settings.priority.is_owner();
        if may_speak { Farewell::Yields } else { Farewell::Silent }
    }

    pub(super) fn gate_bound(&self) -> Duration {
        self.settings.gate.map(|gate| gate.bound).unwrap_or_default()
    }

    /// Tells whether a router that advertises this comes before one with priority `own` (RFC 9568 §6.4.3).
    pub(super) fn is_better(&self, own: Priority, heard: Heard) -> bool {
        heard.priority > own || (heard.priority == own && heard.source > self.settings.source)
    }
}
