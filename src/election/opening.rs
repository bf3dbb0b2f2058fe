//! Opening: Active in the protocol, but the addresses wait for the gate, or for the router that had them until now.

use core::time::Duration;

use super::event::{Action, Cause, Epoch, Heard};
use super::router::Router;
use super::state::{Deposed, State, Tenure, Then};
use super::time::Instant;

/// How long the claim waits for the Priority 0 of a deposed router. To withdraw takes one less than a millisecond; one that
/// says nothing, as RFC 9568 has it, costs its clients this much.
const LETTING_GO: Duration = Duration::from_millis(2);

impl Router {
    /// Returns whose Priority 0 the claim is to wait for, so that no two routers hold the addresses while a role is preempted.
    ///
    /// Only an only peer says it, and a gate waits for the old Active Router by itself. An owner has nothing to claim.
    pub(super) fn awaited(&self, now: Instant, cause: Cause) -> Option<Deposed> {
        let Cause::Preempted { peer, priority: _ } = cause else { return None };
        let awaits = self.settings.fast_handover && self.settings.gate.is_none() && !self.settings.priority.is_owner();
        awaits.then(|| Deposed { peer, until: now + LETTING_GO })
    }

    pub(super) fn heard_while_opening(
        &mut self,
        now: Instant,
        mut tenure: Tenure,
        heard: Heard,
        actions: &mut Vec<Action>,
    ) {
        let by = heard.source;
        if heard.priority.is_release() && tenure.deposed.take_if(|deposed| deposed.peer == by).is_some() {
            actions.push(Action::Claim { epoch: self.epoch });
            self.enter(now, State::Claiming(tenure), Cause::Released { by }, actions);
        }
        self.heard_while_active(now, tenure, heard, actions);
    }

    pub(super) fn opening_timeout(&mut self, now: Instant, mut tenure: Tenure, actions: &mut Vec<Action>) {
        if let Some(Deposed { peer, until: _ }) = tenure.deposed.take_if(|deposed| now >= deposed.until) {
            actions.push(Action::Claim { epoch: self.epoch });
            self.enter(now, State::Claiming(tenure), Cause::NotReleased { peer }, actions);
            // It may have missed the first one.
            tenure.adver_deadline = now;
        }
        self.adver_timeout(now, tenure, actions);
    }

    pub(super) fn gate_opened(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Opening(tenure) if epoch == self.epoch && self.settings.gate.is_some() => {
                actions.push(Action::Claim { epoch });
                self.enter(now, State::Claiming(tenure), Cause::GateOpened, actions);
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

    pub(super) fn gate_refused(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Opening(_) if epoch == self.epoch && self.settings.gate.is_some() => {
                self.release(now, true, Then::Retry { needs_readiness: true }, Cause::GateRefused, actions);
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
}
