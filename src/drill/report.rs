//! What the drills have shown: figures, medians, and which targets were missed.

use core::fmt;
use core::time::Duration;

use serde::Serialize;
use vrrp_packet::Interval;

use super::measure::{Attack, Figures, Lateness, Pace};
use super::millis::Millis;
use super::scenario::{Fault, Scenario};

/// The agent's own delay is measured against its targets from this many runs on: the median of fewer says more about
/// the machine than about the agent.
const LATENESS_RUNS: usize = 20;
/// The address is on the other host at most this long after the agent is killed, whatever the interval.
const TAKEOVER_AFTER_KILL: Millis = Millis::new(10.0);
/// The first advertisement of a taker leaves at most this long after Active_Down_Interval.
const ADVERTISEMENT_LATE: Millis = Millis::new(0.3);
/// Of a thousand advertisements 999 come at most this much later after the one before than the ticks of a bare loop.
const PACE: Millis = Millis::new(0.3);
/// An agent may touch some pages for the first time, but nothing may pile up.
const MEMORY_KIB: i64 = 1024;
/// The first gratuitous ARP of a taker leaves at most this long after Active_Down_Interval.
const ANNOUNCEMENT_LATE: Millis = Millis::new(0.6);

/// Holds the outcome of all drills.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct Report {
    /// The version of the program that was drilled.
    pub version: &'static str,
    /// Whether realtime scheduling was permitted; without it, or with less than 20 runs, the agent's own delay has no
    /// target.
    pub realtime: bool,
    /// One for each scenario and interval, in the order in which they were played.
    pub drills: Vec<Drill>,
}

/// Holds the outcome of one scenario at one interval.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct Drill {
    /// The scenario's name.
    pub scenario: &'static str,
    /// What it shows.
    pub summary: &'static str,
    /// The Advertisement_Interval.
    pub interval_ms: u64,
    /// The medians of all runs; of the times with two owners the longest.
    pub median: Figures,
    /// The figures of each run.
    pub runs: Vec<Figures>,
    /// What was expected and not met; empty: all was well.
    pub missed: Vec<Missed>,
}

/// Describes one target that was missed.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct Missed {
    /// Which figure.
    pub figure: &'static str,
    /// What it was.
    pub measured: Amount,
    /// What it may be at most.
    pub limit: Amount,
}

/// Holds a figure with its unit; in JSON a number beside the name of the unit.
#[derive(Clone, Copy, PartialEq, PartialOrd, Serialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// A span.
    Ms(Millis),
    /// An amount of memory.
    Kib(i64),
    /// A number of things.
    Count(usize),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ms(span) => span.fmt(f),
            Self::Kib(memory) => write!(f, "{memory} KiB"),
            Self::Count(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} > {}", self.figure, self.measured, self.limit)
    }
}

impl Report {
    /// Tells whether every target was met.
    pub fn is_met(&self) -> bool {
        self.drills.iter().all(|drill| drill.missed.is_empty())
    }
}

impl Drill {
    /// Sums up the runs of one scenario; `None` where there are none.
    pub(super) fn of(scenario: &Scenario, interval: Interval, realtime: bool, runs: Vec<Figures>) -> Option<Self> {
        let median = median(&runs)?;
        Some(Self {
            scenario: scenario.name,
            summary: scenario.summary,
            // An interval is at most 41 s.
            interval_ms: u64::from(interval.centis()) * 10,
            missed: missed(scenario, interval, &median, realtime, runs.len()),
            median,
            runs,
        })
    }
}

fn median(runs: &[Figures]) -> Option<Figures> {
    let of = |figure: fn(&Figures) -> Millis| Millis::median(runs.iter().map(figure));
    let late = |figure: fn(&Lateness) -> Millis| {
        Millis::median(runs.iter().filter_map(|run| run.lateness.as_ref()).map(figure))
    };
    let lateness = match (late(|late| late.advertisement), late(|late| late.announcement)) {
        (Some(advertisement), Some(announcement)) => Some(Lateness { advertisement, announcement }),
        _ => None,
    };
    Some(Figures {
        outage: of(|run| run.outage)?,
        noise: of(|run| run.noise)?,
        takeover: Millis::median(runs.iter().filter_map(|run| run.takeover)),
        // One run in which two hosts answer is one too many.
        two_owners: Millis::longest(runs.iter().map(|run| run.two_owners))?,
        no_owner: of(|run| run.no_owner)?,
        settling: Millis::longest(runs.iter().filter_map(|run| run.settling)),
        premature: Millis::longest(runs.iter().filter_map(|run| run.premature)),
        lateness,
        pace: pace(runs),
        // What happened once is what may happen.
        attack: runs.iter().filter_map(|run| run.attack).max_by_key(|attack| attack.memory_kib),
    })
}

fn pace(runs: &[Figures]) -> Option<Pace> {
    let of = |figure: fn(&Pace) -> Millis| Millis::median(runs.iter().filter_map(|run| run.pace.as_ref()).map(figure));
    Some(Pace { advertisement: of(|pace| pace.advertisement)?, bare: of(|pace| pace.bare)? })
}

fn missed(scenario: &Scenario, interval: Interval, median: &Figures, realtime: bool, runs: usize) -> Vec<Missed> {
    let waits = scenario.fault.is_silent() || scenario.fault.is_probed();
    let silence = if waits { scenario.fault.wait(interval) } else { Duration::ZERO };
    let outage = Millis::from(silence) + median.noise + scenario.targets.outage.into();
    let two_owners = Millis::from(scenario.targets.two_owners);
    let mut limits = vec![("outage", median.outage, outage)];
    match median.settling {
        // While they cannot hear each other nothing can keep two hosts from taking the address.
        Some(settling) => limits.push(("two owners", settling, Millis::from(interval.duration()) + two_owners)),
        None => limits.push(("two owners", median.two_owners, two_owners)),
    }
    if scenario.fault.role_stays() {
        limits.push(("no owner", median.no_owner, scenario.fault.bearable_absence().into()));
    }
    if scenario.fault == Fault::KillAgent
        && let Some(takeover) = median.takeover
    {
        limits.push(("takeover", takeover, TAKEOVER_AFTER_KILL));
    }
    if let Some(premature) = median.premature {
        limits.push(("spoke before it withdrew", premature, Millis::default()));
    }
    if realtime
        && runs >= LATENESS_RUNS
        && let Some(lateness) = median.lateness
    {
        limits.push(("advertisement late by", lateness.advertisement, ADVERTISEMENT_LATE));
        limits.push(("announcement late by", lateness.announcement, ANNOUNCEMENT_LATE));
    }
    if realtime && let Some(pace) = median.pace {
        limits.push(("advertisement pace", pace.advertisement, pace.bare + PACE));
    }
    let spans = limits.into_iter().map(|(figure, measured, limit)| (figure, Amount::Ms(measured), Amount::Ms(limit)));
    let exceeded =
        spans.chain(median.attack.iter().flat_map(limits_of)).filter(|(_, measured, limit)| measured > limit);
    exceeded.map(|(figure, measured, limit)| Missed { figure, measured, limit }).collect()
}

fn limits_of(attack: &Attack) -> [(&'static str, Amount, Amount); 3] {
    [
        ("memory grew by", Amount::Kib(attack.memory_kib), Amount::Kib(MEMORY_KIB)),
        ("the same line in a minute", Amount::Count(attack.repeated), Amount::Count(1)),
        ("attacks that no log names", Amount::Count(usize::from(attack.named == 0)), Amount::Count(0)),
    ]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn run(outage: f64, two_owners: f64, late: Option<f64>) -> Figures {
        Figures {
            outage: Millis::new(outage),
            noise: Millis::new(1.0),
            takeover: Some(Millis::new(2.0)),
            two_owners: Millis::new(two_owners),
            no_owner: Millis::new(0.5),
            settling: None,
            premature: None,
            pace: None,
            attack: None,
            lateness: late.map(|late| Lateness { advertisement: Millis::new(late), announcement: Millis::new(late) }),
        }
    }

    fn drill(name: &str, realtime: bool, runs: &[Figures]) -> Drill {
        let interval = Interval::from_centis(100).unwrap();
        Drill::of(&Scenario::find(name).unwrap(), interval, realtime, runs.to_vec()).unwrap()
    }

    fn figures_missed(drill: &Drill) -> Vec<&'static str> {
        drill.missed.iter().map(|missed| missed.figure).collect()
    }

    #[test]
    fn a_planned_hand_over_may_cost_three_milliseconds_beyond_the_noise() {
        assert_eq!(figures_missed(&drill("drain", true, &[run(4.0, 0.0, None)])), [""; 0]);
        assert_eq!(figures_missed(&drill("drain", true, &[run(4.1, 0.0, None)])), ["outage"]);
    }

    #[test]
    fn a_killed_agent_is_replaced_within_ten_milliseconds() {
        let late = Figures { takeover: Some(Millis::new(24.0)), ..run(4.0, 0.0, None) };

        assert_eq!(figures_missed(&drill("kill", true, &[run(4.0, 0.0, None)])), [""; 0]);
        assert_eq!(figures_missed(&drill("kill", true, &[late])), ["takeover"]);
    }

    #[test]
    fn a_dead_host_costs_active_down_interval_more() {
        // 3 s and 156/256 s.
        assert_eq!(figures_missed(&drill("host-death", true, &[run(3613.0, 0.0, None)])), [""; 0]);
        assert_eq!(figures_missed(&drill("host-death", true, &[run(3614.0, 0.0, None)])), ["outage"]);
    }

    #[test]
    fn an_attack_is_to_be_named_once_and_to_leave_the_memory_alone() {
        let attack = Attack { packets_per_second: 50_000, memory_kib: 12, named: 2, repeated: 1 };
        let missed =
            |attack| figures_missed(&drill("hijack", true, &[Figures { attack: Some(attack), ..run(1.0, 0.0, None) }]));

        let silent = missed(Attack { named: 0, repeated: 0, ..attack });
        let loud = missed(Attack { repeated: 2, ..attack });
        let hungry = missed(Attack { memory_kib: 1025, ..attack });

        assert_eq!(missed(attack), ["no owner"]);
        assert_eq!(silent, ["no owner", "attacks that no log names"]);
        assert_eq!(loud, ["no owner", "the same line in a minute"]);
        assert_eq!(hungry, ["no owner", "memory grew by"]);
    }

    #[test]
    fn the_pace_is_compared_with_a_bare_loop_where_both_are_realtime() {
        let pace = |advertisement| Some(Pace { advertisement: Millis::new(advertisement), bare: Millis::new(10.5) });
        let starved =
            |advertisement| Figures { pace: pace(advertisement), no_owner: Millis::new(0.0), ..run(1.0, 0.0, None) };

        assert_eq!(figures_missed(&drill("starve", true, &[starved(10.8)])), [""; 0]);
        assert_eq!(figures_missed(&drill("starve", true, &[starved(10.9)])), ["advertisement pace"]);
        assert_eq!(figures_missed(&drill("starve", false, &[starved(10.9)])), [""; 0]);
    }

    #[test]
    fn one_run_with_two_owners_is_not_outvoted() {
        let drill = drill("drain", true, &[run(1.0, 0.0, None), run(1.0, 0.2, None), run(1.0, 0.0, None)]);

        assert_eq!(drill.missed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["two owners 0.20 ms > 0.00 ms"]);
    }

    #[test]
    fn the_delay_of_the_agent_has_a_target_with_enough_runs_and_realtime() {
        let late = [run(1.0, 0.0, Some(0.5)); LATENESS_RUNS];

        assert_eq!(figures_missed(&drill("host-death", true, &late)), ["advertisement late by"]);
        assert_eq!(figures_missed(&drill("host-death", true, &late[1..])), [""; 0]);
        assert_eq!(figures_missed(&drill("host-death", false, &late)), [""; 0]);
    }
}
