//! From what was observed to figures. Pure: it neither watches nor waits.

use core::ops::Range;

use serde::Serialize;
use vrrp_packet::Interval;

use super::millis::Millis;
use super::observed::{Answer, Observed};
use super::plan::Side;
use super::strain::Borne;

/// Holds all that was observed in one run. Moments are nanoseconds since boot.
#[derive(Debug)]
pub(super) struct Timeline {
    /// When the client's probe ran steadily; nothing was done to the pair until `fault`.
    pub(super) quiet: u64,
    /// When the fault began.
    pub(super) fault: u64,
    /// When the run ended.
    pub(super) end: u64,
    /// Who takes the role.
    pub(super) taker: Side,
    /// When the fault ended, where it does by itself.
    pub(super) healed: Option<u64>,
    /// Whether nothing but silence told the taker.
    pub(super) silent: bool,
    /// Whether the other host died with the fault: what its kernel still holds then counts for nothing.
    pub(super) host_died: bool,
    /// Whether the role is to stay where it is.
    pub(super) stays: bool,
    /// How both bore a strain, where there was one.
    pub(super) borne: Option<Borne>,
    /// Whether the other host was away until it healed, and so must withdraw before it says anything.
    pub(super) was_away: bool,
    /// The Advertisement_Interval of both.
    pub(super) interval: Interval,
    /// What was seen of the hosts.
    pub(super) observed: Observed,
    /// What the client got.
    pub(super) answers: Vec<Answer>,
}

/// Holds the figures of one run.
#[derive(Clone, Copy, PartialEq, Serialize, Debug)]
pub struct Figures {
    /// The client's longest wait from one answer to the next, from the fault on.
    #[serde(rename = "outage_ms")]
    pub outage: Millis,
    /// The client's longest such wait before the fault: what the machine itself adds.
    #[serde(rename = "noise_ms")]
    pub noise: Millis,
    /// From the fault to the address on the host that takes it; `None` where the role stays.
    #[serde(rename = "takeover_ms")]
    pub takeover: Option<Millis>,
    /// How long both hosts held the address, from the fault on.
    #[serde(rename = "two_owners_ms")]
    pub two_owners: Millis,
    /// How long no living host held the address, from the fault on.
    #[serde(rename = "no_owner_ms")]
    pub no_owner: Millis,
    /// How long both hosts held it once they could hear each other again.
    #[serde(rename = "settling_ms", skip_serializing_if = "Option::is_none")]
    pub settling: Option<Millis>,
    /// How long a node that was away spoke, or answered the client, before it had withdrawn.
    #[serde(rename = "premature_ms", skip_serializing_if = "Option::is_none")]
    pub premature: Option<Millis>,
    /// How late the taker was, where it took over because it heard nothing.
    #[serde(flatten)]
    pub lateness: Option<Lateness>,
    /// How regularly advertisements left while the nodes were under load.
    #[serde(flatten)]
    pub pace: Option<Pace>,
    /// What a third host tried.
    #[serde(flatten)]
    pub attack: Option<Attack>,
}

/// Compares the time from one advertisement to the next with what a bare loop can do on the same machine.
#[derive(Clone, Copy, PartialEq, Serialize, Debug)]
pub struct Pace {
    /// Of a thousand advertisements 999 came at most this long after the one before.
    #[serde(rename = "advertisement_pace_ms")]
    pub advertisement: Millis,
    /// The same of a realtime loop that does nothing else.
    #[serde(rename = "bare_pace_ms")]
    pub bare: Millis,
}

/// Describes an attack, and what it did to both nodes together.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
pub struct Attack {
    /// How many forged packets were sent in a second.
    pub packets_per_second: u64,
    /// By how much the agents' memory grew, in KiB.
    pub memory_kib: i64,
    /// How many lines of the logs name the attacker's Ethernet address.
    pub named: usize,
    /// How often a node wrote the same one of these in a minute.
    pub repeated: usize,
}

/// Holds what the agent added to the time that the RFC prescribes.
#[derive(Clone, Copy, PartialEq, Serialize, Debug)]
pub struct Lateness {
    /// From the end of Active_Down_Interval to the taker's first advertisement.
    #[serde(rename = "advertisement_late_ms")]
    pub advertisement: Millis,
    /// From the end of Active_Down_Interval to its first gratuitous ARP.
    #[serde(rename = "announcement_late_ms")]
    pub announcement: Millis,
}

/// Computes the figures; `None` where the taker never got the address or the client too few answers.
pub(super) fn figures(timeline: &Timeline) -> Option<Figures> {
    let after = timeline.fault..timeline.end;
    let taker = &timeline.observed.host(timeline.taker).ownership;
    let gained = || taker.gained_after(timeline.fault).map(|at| Millis::between(timeline.fault, at));
    let takeover = if timeline.stays { None } else { Some(gained()?) };
    let of_taker: Vec<_> = taker.within(&after).collect();
    let of_other = timeline.owned_by_other(&after);
    let shared = both(&of_taker, &of_other);
    Some(Figures {
        outage: longest_gap(&timeline.answers, &after)?,
        noise: longest_gap(&timeline.answers, &(timeline.quiet..timeline.fault))?,
        takeover,
        two_owners: Millis::from_nanos(shared),
        // What both held is in both totals.
        no_owner: Millis::from_nanos(after.end - after.start + shared - total(&of_taker) - total(&of_other)),
        settling: timeline.healed.map(|healed| timeline.two_owners_within(&(healed..timeline.end))),
        premature: timeline.healed.filter(|_| timeline.was_away).map(|healed| timeline.premature(healed)),
        lateness: timeline.silent.then(|| lateness(timeline)).flatten(),
        pace: timeline.borne.as_ref().and_then(|borne| pace(timeline, borne)),
        attack: timeline.borne.as_ref().and_then(|borne| borne.attack),
    })
}

impl Timeline {
    fn owned_by_other(&self, window: &Range<u64>) -> Vec<Range<u64>> {
        match self.host_died {
            true => Vec::new(),
            false => self.observed.host(self.taker.other()).ownership.within(window).collect(),
        }
    }

    /// Compares the first sign of life of a host that was away with its withdrawal.
    fn premature(&self, healed: u64) -> Millis {
        let side = self.taker.other();
        let host = self.observed.host(side);
        let sent = host.sent.iter().map(|advertisement| advertisement.at);
        let answered = self.answers.iter().filter(|answer| answer.by == side).map(|answer| answer.at);
        let signs = sent.chain(host.announcements.iter().copied()).chain(answered);
        let Some(first) = signs.filter(|&at| at >= healed).min() else { return Millis::new(0.0) };
        // Where the lease had ended meanwhile there is nothing to withdraw.
        let held = host.ownership.within(&(healed..self.end)).next().filter(|span| span.start == healed);
        held.map_or(Millis::new(0.0), |held| Millis::from_nanos(held.end.saturating_sub(first)))
    }

    fn two_owners_within(&self, window: &Range<u64>) -> Millis {
        let of_taker: Vec<_> = self.observed.host(self.taker).ownership.within(window).collect();
        Millis::from_nanos(both(&of_taker, &self.owned_by_other(window)))
    }
}

/// Returns the longest wait between two answers of which the second lies in the window.
fn longest_gap(answers: &[Answer], window: &Range<u64>) -> Option<Millis> {
    let pairs = answers.windows(2).filter_map(|pair| match pair {
        [one, next] if window.contains(&next.at) => Some(Millis::between(one.at, next.at)),
        _ => None,
    });
    Millis::longest(pairs)
}

fn total(spans: &[Range<u64>]) -> u64 {
    spans.iter().map(|span| span.end - span.start).sum()
}

/// Returns how long the spans of both lists hold at once.
fn both(one: &[Range<u64>], other: &[Range<u64>]) -> u64 {
    let pairs = one.iter().flat_map(|left| other.iter().map(move |right| (left, right)));
    pairs.map(|(left, right)| left.end.min(right.end).saturating_sub(left.start.max(right.start))).sum()
}

/// Compares the taker's first advertisement and announcement with the end of its Active_Down_Interval.
fn lateness(timeline: &Timeline) -> Option<Lateness> {
    let taker = timeline.observed.host(timeline.taker);
    let first = taker.sent.iter().find(|advertisement| advertisement.at >= timeline.fault)?.at;
    // A host that is cut off may have been heard once more after the fault had begun.
    let last = taker.heard.iter().rfind(|advertisement| advertisement.at < first)?.at;
    let announced = taker.announcements.iter().copied().find(|&at| at >= timeline.fault)?;
    let due = last + timeline.taker.active_down_nanos(timeline.interval);
    Some(Lateness { advertisement: Millis::between(due, first), announcement: Millis::between(due, announced) })
}

fn pace(timeline: &Timeline, borne: &Borne) -> Option<Pace> {
    let while_borne = timeline.fault..borne.until;
    let sent = timeline.observed.host(timeline.taker).sent.iter().map(|advertisement| advertisement.at);
    let sent: Vec<u64> = sent.filter(|at| while_borne.contains(at)).collect();
    Some(Pace { advertisement: rarely_exceeded(&sent)?, bare: rarely_exceeded(&borne.ticks)? })
}

/// Returns the span between two neighbours that one in a thousand exceeds.
fn rarely_exceeded(moments: &[u64]) -> Option<Millis> {
    let mut spans: Vec<u64> = moments.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    spans.sort_unstable();
    spans.get((spans.len() * 999).div_ceil(1000).checked_sub(1)?).copied().map(Millis::from_nanos)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use vrrp_packet::Priority;

    use super::*;
    use crate::drill::observed::Advertisement;

    const MS: u64 = 1_000_000;

    /// a holds the address until 2003 ms, b from 2004 ms on; the fault is at 2000 ms, the client waits 6 ms.
    fn handover() -> Timeline {
        let mut observed = Observed::default();
        observed.host_mut(Side::A).ownership.record(true, 10 * MS);
        observed.host_mut(Side::A).ownership.record(false, 2003 * MS);
        observed.host_mut(Side::B).ownership.record(true, 2004 * MS);
        let answered = [100, 101, 103, 1999, 2000, 2006, 2007];
        // Before 100 ms and between 103 and 1999 ms answers came every millisecond.
        let steady = (104..1999).chain(answered).chain(2008..2500);
        let mut answers: Vec<_> = steady.map(|at| Answer { at: at * MS, by: Side::A }).collect();
        answers.sort_by_key(|answer| answer.at);
        Timeline {
            quiet: 100 * MS,
            fault: 2000 * MS,
            end: 2500 * MS,
            taker: Side::B,
            healed: None,
            silent: false,
            host_died: false,
            borne: None,
            was_away: false,
            stays: false,
            interval: Interval::from_centis(1).unwrap(),
            observed,
            answers,
        }
    }

    #[test]
    fn a_clean_handover_has_a_gap_and_never_two_owners() {
        let figures = figures(&handover()).unwrap();

        assert_eq!(figures.outage, Millis::new(6.0));
        assert_eq!(figures.noise, Millis::new(2.0));
        assert_eq!(figures.takeover, Some(Millis::new(4.0)));
        assert_eq!(figures.two_owners, Millis::new(0.0));
        assert_eq!(figures.no_owner, Millis::new(1.0));
        assert_eq!(figures.lateness, None);
    }

    #[test]
    fn time_with_two_owners_is_counted_to_the_end_of_the_run() {
        let mut timeline = handover();
        timeline.observed.host_mut(Side::A).ownership.record(true, 2400 * MS);

        let figures = figures(&timeline).unwrap();

        assert_eq!(figures.two_owners, Millis::new(100.0));
        assert_eq!(figures.no_owner, Millis::new(1.0));
    }

    #[test]
    fn a_dead_host_owns_nothing() {
        let mut timeline = handover();
        timeline.host_died = true;

        let figures = figures(&timeline).unwrap();

        assert_eq!(figures.no_owner, Millis::new(4.0));
    }

    #[test]
    fn lateness_counts_from_the_last_advertisement_that_was_heard() {
        let mut timeline = handover();
        timeline.silent = true;
        let advertisement = |at, priority| Advertisement { at, priority: Priority::new(priority) };
        let due = 1990 * MS + Side::B.active_down_nanos(timeline.interval);
        let taker = timeline.observed.host_mut(Side::B);
        taker.heard.extend([advertisement(1980 * MS, 200), advertisement(1990 * MS, 200)]);
        taker.sent.push(advertisement(due + MS / 10, 100));
        taker.announcements.push(due + MS / 2);

        let lateness = figures(&timeline).unwrap().lateness.unwrap();

        assert_eq!(lateness, Lateness { advertisement: Millis::new(0.1), announcement: Millis::new(0.5) });
    }

    #[test]
    fn what_two_that_meet_again_still_share_counts_from_then_on() {
        let mut timeline = handover();
        timeline.observed.host_mut(Side::A).ownership.record(true, 2100 * MS);
        timeline.observed.host_mut(Side::B).ownership.record(false, 2307 * MS);
        timeline.healed = Some(2300 * MS);

        let figures = figures(&timeline).unwrap();

        assert_eq!(figures.two_owners, Millis::new(207.0));
        assert_eq!(figures.settling, Some(Millis::new(7.0)));
    }

    #[test]
    fn one_span_in_a_thousand_may_be_longer() {
        let regular = |count: u64| (0..count).map(|number| number * 10 * MS).collect::<Vec<_>>();
        let mut late = regular(1001);
        *late.last_mut().unwrap() += MS;

        assert_eq!(rarely_exceeded(&late), Some(Millis::new(10.0)));
        assert_eq!(rarely_exceeded(&late[500..]), Some(Millis::new(11.0)));
        assert_eq!(rarely_exceeded(&regular(1)), None);
    }

    #[test]
    fn a_role_that_stays_has_no_takeover() {
        let mut timeline = handover();
        (timeline.taker, timeline.stays) = (Side::A, true);

        assert_eq!(figures(&timeline).unwrap().takeover, None);
    }

    #[test]
    fn a_node_that_was_away_must_not_speak_before_it_has_withdrawn() {
        let mut timeline = handover();
        timeline.was_away = true;
        timeline.healed = Some(2002 * MS);
        assert_eq!(figures(&timeline).unwrap().premature, Some(Millis::new(0.0)));

        timeline.answers.push(Answer { at: 2002 * MS + MS / 4, by: Side::A });
        assert_eq!(figures(&timeline).unwrap().premature, Some(Millis::new(0.75)));

        timeline.healed = Some(2003 * MS);
        assert_eq!(figures(&timeline).unwrap().premature, Some(Millis::new(0.0)));

        timeline.healed = Some(2002 * MS);
        timeline.answers.pop();
        timeline.observed.host_mut(Side::A).announcements.push(2002 * MS + MS / 2);
        assert_eq!(figures(&timeline).unwrap().premature, Some(Millis::new(0.5)));
    }

    #[test]
    fn without_a_taker_there_are_no_figures() {
        let mut timeline = handover();
        timeline.taker = Side::A;

        assert_eq!(figures(&timeline), None);
    }
}
