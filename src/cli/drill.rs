//! `vipd drill`: proves failover on this machine.

use core::time::Duration;
use std::io::{self, IsTerminal, Write};

use comfy_table::Table;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use vrrp_packet::Interval;

use super::args::DrillArgs;
use super::exit::{Exit, Failure, Outcome, written};
use super::paint::{self, Colour};
use crate::drill::{
    self, Attack, Drill, DrillError, DrillOptions, Figures, Millis, Missing, Pace, Progress, Report, SCENARIOS,
    Scenario, Transport,
};
use crate::net::namespace::NamespaceError;

const HEADER: [&str; 9] =
    ["SCENARIO", "INTERVAL", "RUNS", "OUTAGE", "NOISE", "TAKEOVER", "TWO OWNERS", "NO OWNER", "RESULT"];

/// Explains the columns below the table.
const LEGEND: &str = "\
OUTAGE: the client's longest wait for an answer from the fault on. NOISE: the same before the fault.
TAKEOVER: from the fault to the address on the other node. More than one run: medians; of TWO OWNERS the longest.";

/// Plays the scenarios and reports what a client saw.
pub(super) fn execute(args: &DrillArgs) -> Outcome {
    let options = options(args)?;
    let mut bar = Bar(ProgressBar::hidden());
    let report = drill::run(&options, &mut bar);
    bar.0.finish_and_clear();
    let report = report?;
    let text = match args.json {
        true => format!("{:#}\n", serde_json::json!(report)),
        false => paint::finish(&render(&report), paint::coloured(&io::stdout())),
    };
    written(io::stdout().lock().write_all(text.as_bytes()))?;
    Ok(if report.is_met() { Exit::Done } else { Exit::DrillMissed })
}

fn options(args: &DrillArgs) -> Result<DrillOptions, Failure> {
    let scenarios = match args.scenarios.as_slice() {
        [] => SCENARIOS.iter().copied().filter(is_playable).collect(),
        names => names.iter().map(|name| scenario(name)).collect::<Result<_, _>>()?,
    };
    let transport = if args.multicast { Transport::Multicast } else { Transport::Unicast };
    let (intervals, runs, load) = (args.intervals.clone(), args.runs, args.load);
    Ok(DrillOptions { scenarios, intervals, runs, transport, load, program: None })
}

/// Leaves out what nobody has asked for by name and this system cannot do.
fn is_playable(scenario: &Scenario) -> bool {
    let playable = scenario.is_playable();
    if let Err(missing) = &playable {
        eprintln!("note: {} is left out: {missing}", scenario.name);
    }
    playable.is_ok()
}

fn scenario(name: &str) -> Result<Scenario, Failure> {
    Scenario::find(name).ok_or_else(|| {
        let known = SCENARIOS
            .iter()
            .map(|scenario| format!("  {:<17}{}\n", scenario.name, scenario.summary))
            .collect::<String>();
        Failure::new(Exit::BadUsage, format!("there is no scenario \"{name}\""))
            .hint(format!("choose from\n{}", known.trim_end()))
    })
}

impl From<DrillError> for Failure {
    fn from(error: DrillError) -> Self {
        match error {
            DrillError::Namespace(NamespaceError::NotPermitted(_)) => Self::new(Exit::NotPermitted, &error).hint(
                "run it as root, in a container with --privileged, or allow user namespaces \
                 (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)",
            ),
            DrillError::Missing(Missing::Faketime) => {
                Self::new(Exit::Failed, &error).hint("install it: on Debian and Ubuntu `apt-get install libfaketime`")
            }
            DrillError::Interrupted(_) => Self::new(Exit::Failed, &error).hint("nothing of the drill is left"),
            DrillError::Namespace(NamespaceError::Thread(_))
            | DrillError::Netlink(_)
            | DrillError::NoLink(_)
            | DrillError::Missing(Missing::ControlGroup(_) | Missing::DynamicLinking)
            | DrillError::Discarded { .. }
            | DrillError::System { .. }
            | DrillError::File { .. }
            | DrillError::Overrun(_)
            | DrillError::Ended { .. }
            | DrillError::Refused { .. }
            | DrillError::NoAgent(_)
            | DrillError::TooLate { .. }
            | DrillError::TooFewAnswers => Self::new(Exit::Failed, &error),
        }
    }
}

/// Draws a bar on standard error, where that is a terminal.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn begin(&mut self, runs: usize) {
        if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(runs as u64), ProgressDrawTarget::stderr());
            // The template is a constant; indicatif's own style would do as well.
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len}  {elapsed}  {msg}");
            self.0 = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.0.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn phase(&mut self, scenario: &Scenario, interval: Interval, phase: &str) {
        self.0.set_message(format!("{} at {}: {phase}", scenario.name, span(interval_ms(interval))));
    }

    fn advance(&mut self) {
        self.0.inc(1);
    }
}

fn interval_ms(interval: Interval) -> u64 {
    u64::from(interval.centis()) * 10
}

/// Writes an interval as the configuration does.
fn span(millis: u64) -> String {
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

fn render(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(HEADER);
    table.add_rows(report.drills.iter().map(row));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = table.trim_fmt() + "\n\n";
    for drill in &report.drills {
        for note in notes(&drill.median) {
            text.push_str(&format!("{} at {}: {note}.\n", drill.scenario, span(drill.interval_ms)));
        }
    }
    if !report.realtime {
        text.push_str("Realtime scheduling is not permitted here: expect greater delays than as root.\n");
    }
    text + &Colour::Faint.mark(LEGEND) + "\n"
}

/// Says what only some scenarios have to say.
fn notes(figures: &Figures) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(late) = figures.lateness {
        let (advertisement, announcement) = (late.advertisement, late.announcement);
        notes.push(format!(
            "Active_Down_Interval passed, the first advertisement left {advertisement} later, the first gratuitous ARP \
             {announcement}"
        ));
    }
    if let Some(settling) = figures.settling {
        notes.push(format!("both held the address for {settling} after they met again"));
    }
    if let Some(Pace { advertisement, bare }) = figures.pace {
        notes.push(format!(
            "99.9 % of advertisements came at most {advertisement} after the one before, of the ticks of a bare \
             realtime loop {bare}"
        ));
    }
    if let Some(Attack { packets_per_second, memory_kib, named, repeated: _ }) = figures.attack {
        notes.push(format!(
            "{packets_per_second} forged packets a second, the agents' memory grew by {memory_kib} KiB, their logs \
             name the attacker {named} times"
        ));
    }
    notes
}

fn row(drill: &Drill) -> [String; 9] {
    let Drill { median, .. } = drill;
    let figure = |figure: Millis| figure.to_string();
    [
        drill.scenario.to_owned(),
        span(drill.interval_ms),
        drill.runs.len().to_string(),
        figure(median.outage),
        figure(median.noise),
        median.takeover.map_or_else(|| "-".to_owned(), figure),
        figure(median.two_owners),
        figure(median.no_owner),
        result(drill),
    ]
}

fn result(drill: &Drill) -> String {
    if drill.missed.is_empty() {
        return Colour::Good.mark("met");
    }
    let missed: Vec<String> =
        drill.missed.iter().map(|missed| Colour::Bad.mark(&format!("missed: {missed}"))).collect();
    missed.join("\n")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::drill::{Amount, Lateness, Missed};

    fn figures(outage: u64) -> Figures {
        let micros = |span| Millis::from(Duration::from_micros(span));
        Figures {
            outage: micros(outage),
            noise: micros(1_200),
            takeover: Some(micros(outage - 500)),
            two_owners: micros(0),
            no_owner: micros(430),
            settling: None,
            pace: None,
            attack: None,
            premature: None,
            lateness: None,
        }
    }

    #[test]
    fn the_report_is_a_table_and_a_line_for_each_takeover_by_silence() {
        let late = Millis::from(Duration::from_micros(140));
        let silence =
            Figures { lateness: Some(Lateness { advertisement: late, announcement: late }), ..figures(3_600_000) };
        let slow = figures(5_000);
        let missed = Missed {
            figure: "outage",
            measured: Amount::Ms(slow.outage),
            limit: Amount::Ms(Millis::from(Duration::from_millis(4))),
        };
        let drill = |name: &str, interval_ms, median, missed| {
            let Scenario { name, summary, .. } = Scenario::find(name).unwrap();
            Drill { scenario: name, summary, interval_ms, median, runs: vec![median; 3], missed }
        };
        let drills = vec![drill("host-death", 1000, silence, vec![]), drill("drain", 10, slow, vec![missed])];

        let text = paint::finish(&render(&Report { version: "0.1.0", realtime: false, drills }), false);

        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_library_that_is_missing_is_named_with_its_package() {
        let failure = Failure::from(DrillError::Missing(Missing::Faketime));

        let mut report = Vec::new();
        failure.report(&mut report);
        assert!(String::from_utf8(report).unwrap().contains("apt-get install libfaketime"));
        assert_eq!(failure.exit(), Exit::Failed);
    }

    #[test]
    fn an_unknown_scenario_is_bad_usage_and_the_known_ones_are_listed() {
        let failure = scenario("host-life").unwrap_err();

        assert_eq!(failure.exit(), Exit::BadUsage);
        let mut report = Vec::new();
        failure.report(&mut report);
        let report = String::from_utf8(report).unwrap();
        assert!(SCENARIOS.iter().all(|scenario| report.contains(scenario.summary)), "{report}");
    }
}
