//! Not Active: Backup (RFC 9568 §6.4.2), and Aside, which listens in the same way but takes nothing over.

use core::time::Duration;

use vrrp_packet::Version;

use super::event::{Action, Cause, Heard, StateName};
use super::router::{Router, earliest};
use super::state::{Aside, Backup, Basis, Listening, State};
use super::time::Instant;

impl Router {
    /// Active_Down_Timer, but never before the startup delay is over.
    pub(super) fn active_down_deadline(&self, listening: &Listening) -> Instant {
        listening.deadline(self.settings.version, self.priority()).max(self.not_before)
    }

    pub(super) fn backup_timeout(&mut self, now: Instant, mut backup: Backup, actions: &mut Vec<Action>) {
        let deadline = self.active_down_deadline(&backup.listening);
        if now < deadline {
            self.probe_when_due(now, backup, actions);
            return;
        }
        let late = now.since(deadline.max(backup.entered));
        if late >= backup.listening.interval.duration() {
            // This process was not running when the timer fired: it cannot know that the Active Router was silent.
            self.listen_again(now, &mut backup.listening);
            self.state = State::Backup(backup);
            let cause = Cause::Stalled { by: late };
            self.report(now, StateName::Backup, StateName::Backup, cause, actions);
            return;
        }
        let Listening { basis, peer, interval: _ } = backup.listening;
        let cause = match (peer, basis) {
            // It was heard after the timer began to run: noticed, not followed.
            (Some(peer), basis) if peer.heard > basis.moment() => {
                Cause::Preempted { peer: peer.source, priority: peer.priority }
            }
            (_, Basis::Silence { .. } | Basis::GaveUp { .. }) => Cause::ActiveDown,
            (_, Basis::Gone { peer, .. }) => Cause::HostGone { peer },
            (_, Basis::Released { by, .. } | Basis::HandedOver { by, .. }) => Cause::Released { by },
        };
        self.become_active(now, cause, actions);
    }

    pub(super) fn heard_while_backup(
        &mut self,
        now: Instant,
        mut backup: Backup,
        heard: Heard,
        actions: &mut Vec<Action>,
    ) {
        if heard.priority.is_release() {
            self.heard_release(now, &mut backup.listening, heard);
        } else {
            let lower = heard.priority < self.priority();
            backup.lower_since = lower.then(|| backup.lower_since.unwrap_or(now));
            if lower && self.may_preempt(now, &backup) {
                // RFC 9568 §6.4.2, (480): discard; Active_Down_Timer runs on, and at its end this node preempts.
                backup.listening.notice(now, heard);
            } else {
                backup.listening.follow(now, self.settings.version, heard);
            }
        }
        self.state = State::Backup(backup);
        // A role that was handed over is taken in the same step.
        self.backup_timeout(now, backup, actions);
    }

    pub(super) fn heard_while_aside(
        &mut self,
        now: Instant,
        mut aside: Aside,
        heard: Heard,
        actions: &mut Vec<Action>,
    ) {
        let taker_gives_up = heard.priority.is_release() && aside.listening.is_from_active(heard);
        if heard.priority.is_release() {
            self.heard_release(now, &mut aside.listening, heard);
        } else {
            aside.listening.follow(now, self.settings.version, heard);
        }
        self.state = State::Aside(aside);
        if taker_gives_up && aside.watch_until.is_some() {
            aside.listening.basis = Basis::HandedOver { at: now, by: heard.source };
            self.take_back(now, aside, actions);
        }
    }

    /// When an Aside router must look again.
    pub(super) fn aside_deadline(&self, aside: &Aside) -> Option<Instant> {
        earliest(self.watch_deadline(aside), aside.retry_at)
    }

    pub(super) fn aside_timeout(&mut self, now: Instant, mut aside: Aside, actions: &mut Vec<Action>) {
        if self.watch_deadline(&aside).is_some_and(|at| now >= at) {
            let down = self.active_down_deadline(&aside.listening);
            let late = now.since(down);
            if now < down {
                aside.watch_until = None;
                self.enter(now, State::Aside(aside), Cause::DrainSettled, actions);
            } else if late >= aside.listening.interval.duration() {
                // As in Backup: a node that was not running cannot know that nobody took the role.
                self.stalled(now, late, actions);
                return;
            } else {
                self.take_back(now, aside, actions);
                return;
            }
        }
        if aside.retry_at.is_some_and(|at| now >= at) {
            aside.retry_at = None;
            self.state = State::Aside(aside);
            self.leave_aside(now, aside, Cause::RetryDue, actions);
        }
    }

    /// Becomes Backup once nothing stands in the way any more.
    pub(super) fn leave_aside(&mut self, now: Instant, aside: Aside, cause: Cause, actions: &mut Vec<Action>) {
        let waits = aside.retry_at.is_some() || (aside.needs_readiness && !self.ready);
        if self.in_fault() || self.drained || waits {
            return;
        }
        if self.settings.priority.is_owner() {
            // The addresses are the host's own: it answers for them as soon as it can be heard.
            self.become_active(now, cause, actions);
        } else {
            self.stand_by(now, aside.listening, cause, actions);
        }
    }

    pub(super) fn readiness(&mut self, now: Instant, ready: bool, actions: &mut Vec<Action>) {
        self.ready = ready;
        match self.state {
            State::Aside(aside) => self.leave_aside(now, aside, Cause::RetryDue, actions),
            State::Backup(backup) => self.reconsider_preemption(now, backup),
            State::Initialize | State::Opening(_) | State::Claiming(_) | State::Active(_) | State::Releasing(_) => {}
        }
    }

    pub(super) fn stalled(&mut self, now: Instant, by: Duration, actions: &mut Vec<Action>) {
        match self.state {
            State::Initialize => {}
            State::Backup(mut backup) => {
                self.listen_again(now, &mut backup.listening);
                self.enter(now, State::Backup(backup), Cause::Stalled { by }, actions);
            }
            State::Aside(mut aside) => {
                self.listen_again(now, &mut aside.listening);
                self.watch_anew(&mut aside);
                self.state = State::Aside(aside);
                self.report(now, StateName::Aside, StateName::Aside, Cause::Stalled { by }, actions);
            }
            State::Releasing(mut release) => {
                match release.listening.basis {
                    Basis::Silence { .. } | Basis::Released { .. } | Basis::HandedOver { .. } | Basis::Gone { .. } => {
                        self.listen_again(now, &mut release.listening);
                    }
                    // This wait begins anew when the addresses are gone.
                    Basis::GaveUp { .. } => {}
                }
                self.state = State::Releasing(release);
                self.fall_silent_after_absence(now, release, by, actions);
            }
            State::Opening(_) | State::Claiming(_) | State::Active(_) => self.leave_after_absence(now, by, actions),
        }
    }

    /// Waits for a whole Active_Down_Interval from now on; the former wait is void, and so is the interval that it ran by.
    fn listen_again(&self, now: Instant, listening: &mut Listening) {
        listening.basis = Basis::Silence { since: now };
        self.adopt_interval(listening);
    }

    /// Priority 0: Active_Down_Timer := Skew_Time, or at once.
    pub(super) fn heard_release(&self, now: Instant, listening: &mut Listening, heard: Heard) {
        // Ownership rule 3: nobody else can give this role away.
        if !listening.is_from_active(heard) {
            return;
        }
        listening.peer = None;
        let by = heard.source;
        // Ownership rule 4.
        listening.basis = if self.settings.fast_handover {
            Basis::HandedOver { at: now, by }
        } else {
            Basis::Released { at: now, by }
        };
    }

    fn may_preempt(&self, now: Instant, backup: &Backup) -> bool {
        // RFC 9568 §6.1: the owner preempts whatever Preempt_Mode says.
        if self.settings.priority.is_owner() {
            return true;
        }
        let delay_is_over = backup.lower_since.is_some_and(|since| now.since(since) >= self.settings.preempt_delay);
        // Ownership rule 7: a node that cannot serve does not depose one that can.
        self.settings.preempt && delay_is_over && self.ready && now >= self.not_before
    }

    /// A preemption under way ends where this node may not preempt any more: Active_Down_Timer counts from the last
    /// advertisement again (ownership rules 5 and 7).
    pub(super) fn reconsider_preemption(&mut self, now: Instant, mut backup: Backup) {
        let Some(peer) = backup.listening.peer else { return };
        if peer.priority < self.priority() && self.may_preempt(now, &backup) {
            return;
        }
        let since = match backup.listening.basis {
            Basis::Silence { since } => since.max(peer.heard),
            Basis::Released { .. } | Basis::HandedOver { .. } | Basis::Gone { .. } | Basis::GaveUp { .. } => peer.heard,
        };
        backup.listening.basis = Basis::Silence { since };
        // It was only noticed so far: now its interval counts.
        match self.settings.version {
            Version::V2 => {}
            Version::V3 => backup.listening.interval = peer.interval,
        }
        self.state = State::Backup(backup);
    }
}
