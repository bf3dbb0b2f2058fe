//! Backup (RFC 9568 §6.4.2): whom it follows, when it takes over, and when it does not.

use vipd::election::{Cause, Event, StateName};
use vrrp_packet::{Interval, Version};

use super::{Judgement, Laws, Step, ensure};

impl Laws {
    pub(super) fn heard_as_backup(&self, step: &Step<'_>) -> Judgement {
        let Event::Advertisement(heard) = step.event else { return Ok(()) };
        let was_there = matches!(step.before.state, StateName::Backup | StateName::Aside);
        let overdue = step.before.deadline.is_some_and(|at| at <= step.now);
        if !was_there || step.after.state != step.before.state || overdue {
            return self.heard_release_in_time(step);
        }
        if step.before.state == StateName::Aside {
            return Ok(());
        }
        let deadline = step.after.deadline;
        if heard.priority.is_release() {
            let from_active = step.before.active.is_some_and(|active| active.source == heard.source);
            if !from_active {
                return ensure(deadline == step.before.deadline, "rule 3: nobody else gives the role away");
            }
            let early =
                step.after.deadline.is_some_and(|at| at <= step.now.max(self.not_before) + self.longest_skew(step));
            return ensure(
                early && !self.takes_at_once(step),
                "Priority 0 leaves no more than Skew_Time, rule 4: or nothing",
            );
        }
        let interval = self.counted(heard);
        let followed = (step.now + self.active_down(interval, &step.after)).max(self.not_before);
        // Halfway there the silent host may have to be asked.
        let asks = self.settings.probe.is_some();
        let lower = heard.priority < self.priority(&step.after);
        let owner = self.settings.priority.is_owner();
        if !lower || (!self.settings.preempt && !owner) {
            return ensure(asks || deadline == Some(followed), "who is not to be preempted is followed");
        }
        let delay = self.settings.preempt_delay;
        let over = delay.is_zero() || self.lower_since.is_some_and(|since| step.now.since(since) >= delay);
        let may = owner || (over && self.ready && step.now >= self.not_before);
        if may {
            ensure(
                asks || deadline == step.before.deadline,
                "Active_Down_Timer runs on where a lower priority is heard",
            )
        } else {
            ensure(asks || deadline == Some(followed), "rule 7: who may not preempt yet follows")
        }
    }

    /// Rule 4: with a fast hand-over the step that hears Priority 0 takes the role.
    fn heard_release_in_time(&self, step: &Step<'_>) -> Judgement {
        // Who watches over a drained role takes it back from one that cannot keep it: rule 9.
        let Some(told) = step.takeover().filter(|_| step.before.state == StateName::Backup) else { return Ok(()) };
        match told.cause {
            Cause::Released { .. } => {
                let overdue = step.before.deadline.is_some_and(|at| at <= step.now);
                ensure(overdue || self.settings.fast_handover, "rule 4: Skew_Time where others may wait")
            }
            _ => Ok(()),
        }
    }

    fn takes_at_once(&self, step: &Step<'_>) -> bool {
        self.settings.fast_handover && step.now >= self.not_before
    }

    fn longest_skew(&self, step: &Step<'_>) -> core::time::Duration {
        self.skew(self.longest(step), &step.after)
    }

    /// The longest interval that any wait of this router may count by: its own, or that of a router which it heard.
    fn longest(&self, step: &Step<'_>) -> Interval {
        let heard = self.heard_intervals.map(|(_, longest)| longest);
        let active = step.before.active.map(|active| active.interval);
        heard.into_iter().chain(active).fold(self.longest_own, Ord::max)
    }

    /// Rule 5, and that nobody waits for ever: a Backup's deadline is within Active_Down_Interval of the last thing that it
    /// heard, or of its beginning.
    pub(super) fn deadlines(&self, step: &Step<'_>) -> Judgement {
        let Some(deadline) = step.after.deadline else {
            let waits_for_others = !matches!(
                step.after.state,
                StateName::Backup | StateName::Opening | StateName::Claiming | StateName::Active
            );
            return ensure(waits_for_others, "who waits has a deadline");
        };
        if step.after.state != StateName::Backup || step.before.state != StateName::Backup {
            return Ok(());
        }
        let heard = match step.event {
            Event::Advertisement(heard) if !heard.priority.is_release() => Some((step.now, heard)),
            _ => self.heard,
        };
        let stalled = if step.was_interrupted() { step.now } else { self.afresh };
        let longest = step.after.active.map_or(self.longest(step), |active| self.longest(step).max(active.interval));
        let longest = heard.map_or(longest, |(_, heard)| longest.max(heard.interval));
        let base = step.after.since.max(stalled).max(self.gave_up.unwrap_or_default());
        let base = base.max(heard.map_or(base, |(at, _)| at));
        let given_up =
            if self.gave_up.is_some() { self.skew(longest, &step.after) } else { core::time::Duration::ZERO };
        let latest = (base + self.active_down(longest, &step.after) + given_up).max(self.not_before);
        let released = match step.event {
            Event::Advertisement(heard) if heard.priority.is_release() => Some(step.now),
            _ => self.released.map(|(at, _)| at),
        };
        let latest = released.map_or(latest, |at| latest.max(at + self.skew(longest, &step.after)));
        let unchanged = step.before.deadline == Some(deadline);
        ensure(unchanged || deadline <= latest, "rule 5: no wait is begun anew, or longer than Active_Down_Interval")
    }

    /// Nobody takes over too early, or what is not his to take.
    pub(super) fn taking_over(&self, step: &Step<'_>) -> Judgement {
        let Some(told) = step.takeover() else { return Ok(()) };
        let now = step.now;
        if told.cause == Cause::Owner || self.settings.priority.is_owner() {
            return Ok(());
        }
        ensure(now >= self.not_before, "nothing is taken over before startup_delay is over")?;
        ensure(
            now >= self.not_again_before || told.from == StateName::Backup && self.waited(step),
            "rule 6: who failed waits before the next try",
        )?;
        let since_heard = |step: &Step<'_>| {
            let (at, _) = self.heard.filter(|(at, _)| *at >= self.afresh)?;
            Some((step.now.since(at), self.active_down(self.shortest(step), &step.after)))
        };
        match told.cause {
            Cause::ActiveDown => {
                // Who preempts hears a lower priority all the while.
                let preempts = self.settings.preempt && self.lower_since.is_some();
                let silent = preempts || since_heard(step).is_none_or(|(silence, bound)| silence >= bound);
                ensure(silent, "Active_Down_Interval of silence comes before a take-over")?;
                let settled = now.since(self.afresh) >= self.active_down(self.shortest(step), &step.after);
                ensure(settled, "who begins to listen listens for Active_Down_Interval")
            }
            Cause::Preempted { priority, .. } => {
                ensure(self.settings.preempt && self.ready, "rule 7: only who may preempt, and is ready, does")?;
                ensure(priority < self.priority(&step.after), "only a lower priority is preempted")?;
                let lower_since = match step.event {
                    Event::Advertisement(_) => self.lower_since.or(Some(now)),
                    _ => self.lower_since,
                };
                let delay = lower_since.is_some_and(|since| now.since(since) >= self.settings.preempt_delay);
                ensure(delay, "preempt_delay is over before a preemption")
            }
            Cause::HostGone { .. } => {
                let event = matches!(step.event, Event::HostGone { .. });
                ensure(!event || self.settings.fast_handover, "rule 4: Skew_Time where others may wait")
            }
            Cause::Released { by } => {
                let released = match step.event {
                    Event::Advertisement(heard) if heard.priority.is_release() && heard.source == by => Some((now, by)),
                    _ => self.released,
                };
                let Some((at, from)) = released else { return Err("who took over after Priority 0 has heard it") };
                ensure(from == by, "the one that is named has said Priority 0")?;
                let waited = self.settings.fast_handover
                    || step.before.draining
                    || now.since(at) >= self.skew(self.shortest(step), &step.after);
                ensure(waited, "rule 4: Skew_Time comes before a take-over")
            }
            _ => Ok(()),
        }
    }

    /// Whether the Backup that takes over became one after its last failure's wait.
    fn waited(&self, step: &Step<'_>) -> bool {
        step.before.since >= self.not_again_before
    }

    /// The shortest interval that any wait of this router may count by.
    fn shortest(&self, step: &Step<'_>) -> Interval {
        let active = step.before.active.map(|active| active.interval);
        let learned = self.heard_intervals.map(|(shortest, _)| shortest).into_iter().chain(active);
        match self.settings.version {
            Version::V2 => self.settings.interval,
            Version::V3 => learned.fold(self.shortest_own, Ord::min),
        }
    }
}
