//! Active (RFC 9568 §6.4.3): what is said, when, and to whom the role is left.

use core::time::Duration;

use vipd::election::{Action, Cause, Effective, Event, StateName};

use super::{Judgement, Laws, Step, ensure, has_role};

/// Losing advertisements closer together than this need no answer each.
const ANSWER_GAP: Duration = Duration::from_millis(1);

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

    /// What is said, and that it is said in time.
    pub(super) fn speech(&self, step: &Step<'_>) -> Judgement {
        let (before, after) = (step.before.state, step.after.state);
        for priority in step.sends() {
            if priority.is_release() {
                let releases = step.transitions().any(|told| told.from == StateName::Releasing);
                ensure(releases, "Priority 0 ends a release")?;
                ensure(!has_role(after), "Priority 0 ends the role")?;
                ensure(!self.silenced, "rule 8: who fell silent says no Priority 0")?;
            } else if wants_role(after) {
                let own = Effective::Priority(priority) == step.after.effective;
                ensure(own, "what is advertised is the priority that is left")?;
            } else {
                ensure(
                    has_role(before) && !(self.silenced && before == StateName::Releasing),
                    "nobody speaks without the role",
                )?;
            }
        }
        if wants_role(after) {
            let interval = self.settings.interval.duration();
            let next = step.after.deadline.is_some_and(|at| at <= step.now + interval);
            ensure(next, "the next advertisement is at most an interval away")?;
            let waits_for_peer = before == StateName::Opening && self.settings.gate.is_none();
            let timely = waits_for_peer
                || step.event != Event::Timeout
                || step.before.deadline.is_none_or(|at| at > step.now)
                || !wants_role(before);
            ensure(timely || step.sends().count() == 1, "Adver_Timer sends one advertisement")?;
            let kept =
                step.before.deadline.map(|at| at + interval).filter(|at| *at > step.now).or(Some(step.now + interval));
            ensure(timely || step.after.deadline == kept, "Adver_Timer keeps its schedule, and makes up for nothing")?;
        }
        let took = step.takeover().is_some();
        ensure(!took || step.sends().next().is_some(), "the first advertisement leaves with the take-over")?;
        let confirmed = step.transitions().any(|told| told.to == StateName::Active && told.from != told.to);
        let announced = step.actions.contains(&Action::Announce);
        ensure(!confirmed || announced, "addresses that have come are announced")?;
        ensure(!announced || after == StateName::Active, "only addresses that are here are announced")
    }

    /// Rule 11: who did not manage to send for three intervals is on its way out.
    pub(super) fn absence(&self, step: &Step<'_>) -> Judgement {
        if self.settings.priority.is_owner() || !wants_role(step.before.state) || !wants_role(step.after.state) {
            return Ok(());
        }
        let away = step.now.since(self.sent) >= self.settings.interval.duration() * 3;
        let reconfigured = matches!(step.event, Event::Settings(_) | Event::EffectivePriority(_) | Event::Sent);
        ensure(!away || reconfigured, "rule 11: who was silent for three intervals withdraws")
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
