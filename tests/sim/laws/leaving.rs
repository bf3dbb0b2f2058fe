//! The way out (ownership rules 6, 8 and 9): order, failures and their waits, drains and their watch.

use core::time::Duration;

use vipd::election::{Action, Cause, Event, Instant, StateName};

use super::speaking::wants_role;
use super::{Judgement, Laws, Step, ensure, has_role};

impl Laws {
    /// Rule 8: addresses first, then the gate, then Priority 0.
    pub(super) fn leaving(&self, step: &Step<'_>) -> Judgement {
        let (before, after) = (step.before.state, step.after.state);
        let owner = self.settings.priority.is_owner();
        let epoch = step.before.epoch;
        let withdraws = step.actions.contains(&Action::Withdraw { epoch });
        let closes = step.actions.contains(&Action::CloseGate { epoch });
        if wants_role(before) && !wants_role(after) && !owner {
            let releases = step.transitions().any(|told| told.to == StateName::Releasing);
            ensure(releases, "the role is left by way of Releasing")?;
            let held = matches!(before, StateName::Claiming | StateName::Active);
            let opening = !held && self.settings.gate.is_some();
            ensure(
                withdraws == held && closes == opening,
                "who leaves withdraws what it claimed, else closes its gate",
            )?;
        }
        if before == StateName::Releasing && after != before && !owner {
            let gated = self.settings.gate.is_some();
            let confirmed = match step.event {
                Event::AddressesWithdrawn { epoch: of } => !gated && of == epoch,
                Event::GateClosed { epoch: of } => gated && of == epoch,
                _ => false,
            };
            ensure(confirmed, "rule 8: what was claimed is confirmed gone before the role ends")?;
            let farewell = step.sends().any(vrrp_packet::Priority::is_release);
            let yielded = self.silenced || self.yielded;
            ensure(farewell || yielded, "who leaves of itself says Priority 0")?;
        }
        let confirmed = step.event == Event::AddressesWithdrawn { epoch } && before == StateName::Releasing;
        let gate = self.settings.gate.is_some();
        ensure(
            !confirmed || (gate && closes) || !gate && after != before || self.closing(step),
            "a confirmation is acted upon",
        )?;
        let gave_up = step.transitions().any(|told| told.cause == Cause::WithdrawalUnconfirmed);
        let patient = step.now.since(step.before.since) >= self.shortest_own.duration() * 3;
        ensure(!gave_up || patient, "rule 8: a withdrawal has Active_Down_Interval")
    }

    /// The gate may be asked to close only once.
    fn closing(&self, step: &Step<'_>) -> bool {
        self.settings.gate.is_some() && step.after.state == StateName::Releasing
    }

    /// Only an answer to the present attempt counts.
    pub(super) fn answers(&self, step: &Step<'_>) -> Judgement {
        let present = step.before.epoch;
        let answered = |cause| match (cause, step.event) {
            (Cause::Confirmed, Event::AddressesClaimed { epoch })
            | (Cause::ClaimFailed, Event::ClaimFailed { epoch })
            | (Cause::AddressesLost, Event::AddressesLost { epoch })
            | (Cause::GateOpened, Event::GateOpened { epoch })
            | (Cause::GateRefused, Event::GateRefused { epoch }) => epoch == present,
            (
                Cause::Confirmed | Cause::ClaimFailed | Cause::AddressesLost | Cause::GateOpened | Cause::GateRefused,
                _,
            ) => false,
            _ => true,
        };
        ensure(step.transitions().all(|told| answered(told.cause)), "an answer to a former attempt is ignored")
    }

    /// Rule 6: the wait after a failure doubles, and only a role that was held ends the row.
    pub(super) fn failing(&self, step: &Step<'_>) -> Judgement {
        let (before, after) = (step.before.failures, step.after.failures);
        let refused = step.transitions().find(|told| is_failure(told.cause));
        if let Some(told) = refused {
            ensure(told.to == StateName::Releasing, "rule 6: a failure ends the role")?;
        }
        if after > before {
            ensure(after == before + 1, "failures are counted one by one")?;
            let waits = step.after.deadline.is_some_and(|at| at >= step.now + wait(after));
            ensure(waits && step.after.state == StateName::Aside, "rule 6: the wait doubles with each failure")?;
        }
        if after < before {
            let held = step.before.state == StateName::Active && step.now.since(step.before.since) >= wait(before);
            ensure(held && after == 0, "only a role that was held for as long as the wait ends a row of failures")?;
        }
        let held = step.before.state == StateName::Active && step.now.since(step.before.since) >= wait(before);
        let sent = step.event == Event::Sent && held && !self.settings.priority.is_owner();
        ensure(!sent || after == 0, "a role that was held for as long as the wait ends a row of failures")?;
        let early = step.now < self.not_again_before && step.before.state == StateName::Aside;
        let left = step.after.state == StateName::Backup || wants_role(step.after.state);
        ensure(!(early && left), "rule 6: who failed waits before the next try")?;
        let unready = self.needs_readiness && !self.ready && step.before.state == StateName::Aside;
        ensure(!(unready && left), "rule 6: who was refused waits until it is ready")
    }

    /// Rule 9: a drain ends when somebody has the role and kept it; else the node takes it back.
    pub(super) fn draining(&self, step: &Step<'_>) -> Judgement {
        for told in step.transitions() {
            let heard = self.heard.filter(|(at, _)| *at >= self.afresh);
            let silence =
                heard.map(|(at, heard)| (step.now.since(at), self.active_down(self.counted(heard), &step.before)));
            match told.cause {
                Cause::DrainSettled => {
                    let taken = silence.is_some_and(|(silence, bound)| silence < bound);
                    ensure(taken, "rule 9: a drain is settled when somebody is heard")?;
                    let watched = self.watches_since.is_some_and(|since| {
                        step.now.since(since) >= self.settings.gate.map_or(Duration::ZERO, |gate| gate.bound)
                    });
                    ensure(
                        watched,
                        "rule 9: whether the taker keeps the role is watched for as long as its gate may take",
                    )?;
                }
                Cause::DrainRefused => {
                    let last_heard = heard.map_or(self.afresh, |(at, _)| at);
                    let before = self.released.is_some_and(|(at, _)| at >= last_heard);
                    let given_back =
                        before || matches!(step.event, Event::Advertisement(heard) if heard.priority.is_release());
                    let silent = silence.is_none_or(|(silence, bound)| silence >= bound);
                    ensure(given_back || silent, "rule 9: a drain is refused where nobody has the role")?;
                }
                _ => {}
            }
        }
        let drained = step.event == Event::Resume || step.transitions().any(|told| told.cause == Cause::DrainRefused);
        ensure(
            !step.before.drained || step.after.drained || drained,
            "a drain ends by a word of the operator, or is refused",
        )?;
        let ordered = matches!(step.event, Event::Drain(_)) && !self.settings.priority.is_owner();
        ensure(!ordered || step.after.drained || step.before.state == StateName::Initialize, "a drain is obeyed")?;
        ensure(!(step.event == Event::Resume && step.after.drained), "a drain ends with Resume")
    }

    pub(super) fn remember_leaving(&mut self, step: &Step<'_>) {
        let Step { now, event, before, after, .. } = *step;
        for told in step.transitions() {
            match told.cause {
                Cause::WithdrawalUnconfirmed => {
                    self.silenced = true;
                    self.gave_up = Some(now);
                }
                Cause::HigherPriority { .. } | Cause::HigherAddress { .. } => self.yielded = true,
                Cause::GateRefused | Cause::ClaimFailed => self.needs_readiness = true,
                Cause::SendsFailed | Cause::AddressesLost => self.needs_readiness = false,
                _ => {}
            }
        }
        if let Event::Advertisement(heard) = event
            && after.state == StateName::Releasing
            && !heard.priority.is_release()
        {
            self.yielded = true;
        }
        if has_role(before.state) && !has_role(after.state) {
            self.gave_up = Some(now);
            self.yielded = false;
        }
        if after.failures > before.failures {
            self.not_again_before = after.deadline.unwrap_or(Instant::ZERO).min(now + wait(after.failures));
        }
        if after.draining && after.state == StateName::Aside {
            self.watches_since = self.watches_since.or(Some(now));
        } else {
            self.watches_since = None;
        }
        if after.state == StateName::Backup {
            self.needs_readiness = false;
        }
    }
}

fn is_failure(cause: Cause) -> bool {
    matches!(cause, Cause::GateRefused | Cause::ClaimFailed | Cause::AddressesLost | Cause::SendsFailed)
}

/// 1 s, then twice as long after each further failure in a row, up to 64 s.
fn wait(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6))
}
