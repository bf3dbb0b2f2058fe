//! Active (RFC 9568 §6.4.3): what is said, when, and to whom the role is left.

use core::time::Duration;

use vipd::election::{Action, Cause, Effective, Event, StateName};

use super::{Judgement, Laws, Step, ensure, has_role};

/// Losing advertisements closer together than this need no answer each.
const ANSWER_GAP: Duration = Duration::from_millis(1);
/// Announcements that contention provokes are an interval apart, but at least and at most this.
const ANNOUNCEMENTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// No peer takes over sooner.
const INTERVALS_OF_SILENCE: u32 = 3;

impl Laws {
    pub(super) fn heard_in_the_role(&self, step: &Step<'_>) -> Judgement {
        let Event::Advertisement(heard) = step.event else { return Ok(()) };
        if !wants_role(step.before.state) {
            return Ok(());
        }
        let own = self.priority(&step.before);
        let better = heard.priority > own || (heard.priority == own && heard.source > self.settings.source);
        if better {
            let yields = !wants_role(step.after.state);
            ensure(yields, "the role is left to the better router")?;
            let known = step.after.active.is_none_or(|active| active.source == heard.source);
            ensure(known, "who yields knows to whom")?;
            let cause = step.transitions().any(|told| match told.cause {
                Cause::HigherPriority { peer, .. } => peer == heard.source && heard.priority > own,
                Cause::HigherAddress { peer } => peer == heard.source && heard.priority == own,
                _ => false,
            });
            let silent =
                step.after.state != StateName::Releasing || step.sends().all(|priority| !priority.is_release());
            let owner = self.settings.priority.is_owner();
            return ensure(
                cause && (silent || owner),
                "who yields says why, and does not give away what is not its own",
            );
        }
        let let_go = step.after.state == StateName::Claiming && step.before.state == StateName::Opening;
        ensure(step.after.state == step.before.state || let_go, "the better router keeps the role")?;
        let due = step.now.since(self.asked) >= ANSWER_GAP;
        ensure(!due || step.sends().count() == 1, "a losing advertisement is answered")?;
        ensure(due || step.sends().count() == 0, "a flood is not answered packet by packet")?;
        if heard.priority.is_release() {
            let rearmed = step.after.deadline == Some(step.now + self.settings.interval.duration());
            // Where the claim waits for a deposed router, that wait ends first.
            let claims_first = step.after.state == StateName::Opening && self.settings.gate.is_none();
            ensure(!due || rearmed || claims_first, "Priority 0 in the role restarts Adver_Timer")
        } else {
            ensure(step.after.deadline == step.before.deadline, "an answer leaves Adver_Timer alone")
        }
    }

    /// What is said, by whom.
    pub(super) fn words(&self, step: &Step<'_>) -> Judgement {
        let (before, after) = (step.before.state, step.after.state);
        let took = step.takeover().is_some();
        ensure(!took || step.sends().next().is_some(), "the first advertisement leaves with the take-over")?;
        for priority in step.sends() {
            if priority.is_release() {
                let releases = step.transitions().any(|told| told.from == StateName::Releasing);
                ensure(releases && !has_role(after), "Priority 0 ends a release, and the role with it")?;
                ensure(!self.silenced, "rule 8: who fell silent says no Priority 0")?;
                continue;
            }
            let silenced = self.silenced && before == StateName::Releasing;
            ensure(took || (has_role(before) && !silenced), "nobody speaks without the role")?;
            let own = !wants_role(after) || Effective::Priority(priority) == step.after.effective;
            ensure(own, "what is advertised is the priority that is left")?;
            let away = step.now.since(self.sent) >= self.longest_own.duration() * INTERVALS_OF_SILENCE;
            let owner = self.settings.priority.is_owner();
            ensure(took || owner || !away, "rule 11: who was silent for three intervals stays so")?;
        }
        Ok(())
    }

    /// That it is said in time.
    pub(super) fn adver_timer(&self, step: &Step<'_>) -> Judgement {
        if !wants_role(step.after.state) {
            return Ok(());
        }
        let interval = self.settings.interval.duration();
        let next = step.after.deadline.is_some_and(|at| at <= step.now + interval);
        ensure(next, "the next advertisement is at most an interval away")?;
        let waits_for_peer = step.before.state == StateName::Opening && self.settings.gate.is_none();
        let due = step.before.deadline.filter(|at| *at <= step.now && wants_role(step.before.state));
        let Some(due) = due.filter(|_| step.event == Event::Timeout && !waits_for_peer) else { return Ok(()) };
        ensure(step.sends().count() == 1, "Adver_Timer sends one advertisement")?;
        let kept = if due + interval > step.now { due + interval } else { step.now + interval };
        ensure(step.after.deadline == Some(kept), "Adver_Timer keeps its schedule, and makes up for nothing")
    }

    /// Announcements say where the addresses are, not too often.
    pub(super) fn announcements(&self, step: &Step<'_>) -> Judgement {
        let confirmed = step.transitions().any(|told| told.to == StateName::Active && told.from != told.to);
        let announced = step.actions.iter().filter(|action| **action == Action::Announce).count();
        ensure(!confirmed || announced == 1, "addresses that have come are announced")?;
        ensure(announced == 0 || step.after.state == StateName::Active, "only addresses that are here are announced")?;
        let often =
            step.now.since(self.announced) < self.shortest_own.duration().clamp(ANNOUNCEMENTS.0, ANNOUNCEMENTS.1);
        ensure(announced == 0 || confirmed || !often, "contention does not make a storm of announcements")
    }

    /// Rule 11: who did not manage to send for three intervals is on its way out; where sends failed that is a failure.
    pub(super) fn absence(&self, step: &Step<'_>) -> Judgement {
        if self.settings.priority.is_owner() || !wants_role(step.before.state) {
            return Ok(());
        }
        let failed =
            self.asked > self.sent && step.transitions().any(|told| matches!(told.cause, Cause::Stalled { .. }));
        ensure(!failed, "rule 6: sends that failed for three intervals are a failure")?;
        let away = step.now.since(self.sent) >= self.settings.interval.duration() * INTERVALS_OF_SILENCE;
        let reconfigured = matches!(step.event, Event::Settings(_) | Event::EffectivePriority(_) | Event::Sent);
        let stays = wants_role(step.after.state) && !reconfigured;
        ensure(!away || !stays, "rule 11: who was silent for three intervals withdraws")
    }

    pub(super) fn remember_speech(&mut self, step: &Step<'_>) {
        let Step { now, event, before, after, .. } = *step;
        if event == Event::Sent || step.takeover().is_some() {
            self.sent = now;
        }
        if matches!(event, Event::Settings(_)) {
            // How silence counts when the interval changes is the unit tests' business.
            self.sent = now;
        }
        if step.sends().next().is_some() {
            self.asked = now;
        }
        if step.actions.contains(&Action::Announce) {
            self.announced = now;
        }
        if has_role(before.state) && !has_role(after.state) {
            self.silenced = false;
        }
        self.remember_leaving(step);
    }
}

/// Whether the router is Active in the protocol and wants to stay so.
pub(super) fn wants_role(state: StateName) -> bool {
    has_role(state) && state != StateName::Releasing
}
