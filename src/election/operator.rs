//! What the operator asks for: drain, resume, shutdown; and the watch that a drain keeps (ownership rule 9).

use super::event::{Action, Cause, Drain, StateName};
use super::router::Router;
use super::state::{Aside, Farewell, Listening, State, Then};
use super::time::Instant;

impl Router {
    pub(super) fn drain(&mut self, now: Instant, mode: Drain, actions: &mut Vec<Action>) {
        // Ownership rule 16: the owner's addresses cannot leave its host.
        if self.settings.priority.is_owner() {
            return;
        }
        self.drained = true;
        let then = match mode {
            Drain::Watched => Then::Watch,
            Drain::Forced => Then::StandBy,
        };
        let forced = mode == Drain::Forced;
        match self.state {
            // Before the start and on the way out the flag alone decides where the router goes next; it is reported all
            // the same, since a drain survives a restart only where somebody heard of it.
            State::Initialize => {
                self.report(now, StateName::Initialize, StateName::Initialize, Cause::Drained, actions);
            }
            State::Releasing(mut release) => {
                // A release that this node wanted ends under watch; one that a better router forced is over anyway.
                let gives_up = release.farewell == Farewell::GivesUp;
                let wanted = release.then == Then::Watch || (gives_up && release.then == Then::StandBy);
                if wanted {
                    release.then = then;
                    self.state = State::Releasing(release);
                }
                self.report(now, StateName::Releasing, StateName::Releasing, Cause::Drained, actions);
            }
            State::Backup(backup) => {
                self.enter(now, State::Aside(Aside::listening(backup.listening)), Cause::Drained, actions);
            }
            State::Aside(mut aside) => {
                aside.watch_until = aside.watch_until.filter(|_| !forced);
                self.enter(now, State::Aside(aside), Cause::Drained, actions);
            }
            State::Opening(_) | State::Claiming(_) | State::Active(_) => {
                self.release(now, true, then, Cause::Drained, actions);
            }
        }
    }

    pub(super) fn resume(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let was_drained = core::mem::replace(&mut self.drained, false);
        let before = self.state.name();
        match self.state {
            State::Aside(mut aside) => {
                aside.watch_until = None;
                self.state = State::Aside(aside);
                self.leave_aside(now, aside, Cause::Resumed, actions);
            }
            State::Initialize
            | State::Backup(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
        // Where something else keeps the router where it is, that the drain is over must be known all the same.
        if was_drained && self.state.name() == before {
            self.report(now, before, before, Cause::Resumed, actions);
        }
    }

    pub(super) fn shutdown(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.state {
            State::Initialize => {}
            State::Backup(_) | State::Aside(_) => self.enter(now, State::Initialize, Cause::Shutdown, actions),
            State::Releasing(mut release) => {
                release.then = Then::Stop;
                self.state = State::Releasing(release);
            }
            State::Opening(_) | State::Claiming(_) | State::Active(_) => {
                self.release(now, true, Then::Stop, Cause::Shutdown, actions);
            }
        }
    }

    /// Ownership rule 9: the drained node listens until it is sure that somebody has the role and keeps it.
    pub(super) fn watch_drain(&mut self, now: Instant, listening: Listening, actions: &mut Vec<Action>) {
        let aside = Aside { watch_until: Some(self.watch_until(&listening)), ..Aside::listening(listening) };
        self.enter(now, State::Aside(aside), Cause::Withdrawn, actions);
    }

    pub(super) fn watch_until(&self, listening: &Listening) -> Instant {
        self.active_down_deadline(listening) + self.gate_bound()
    }

    /// When a watched drain is refused, or settled once somebody was heard.
    pub(super) fn watch_deadline(&self, aside: &Aside) -> Option<Instant> {
        // A node that hears nobody cannot tell whether somebody has the role.
        let until = aside.watch_until.filter(|_| !self.is_deaf())?;
        let down = self.active_down_deadline(&aside.listening);
        Some(if aside.listening.peer.is_some() { down.min(until) } else { down })
    }

    /// Begins the watch of a drained node again, after a time in which it heard nobody.
    pub(super) fn watch_anew(&self, aside: &mut Aside) {
        aside.watch_until = aside.watch_until.map(|_| self.watch_until(&aside.listening));
    }

    /// Nobody took the drained role, or the taker gave it up: ownership rule 9.
    pub(super) fn take_back(&mut self, now: Instant, aside: Aside, actions: &mut Vec<Action>) {
        self.drained = false;
        self.stand_by(now, aside.listening, Cause::DrainRefused, actions);
        if let State::Backup(backup) = self.state {
            self.backup_timeout(now, backup, actions);
        }
    }
}
