//! Tests of the whole module: text in, configuration or report out.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

mod addresses;
mod authentication;
mod diff;
mod examples;
mod fuzz;
mod host;
mod original;
mod semantic;
mod syntax;

use std::path::Path;

use super::{Config, Loaded, Report, VirtualRouter};

/// A sound router; tests append lines to it. A repeated key is an error, so each test adds only what is not here.
const PAIR: &str = "virtual_routers:
  - name: orders-db
    interface: eth0
    vrid: 51
    addresses: [10.77.0.100/24]
";

fn parse(text: &str) -> Result<Loaded, Report> {
    Config::parse(text, Path::new("vipd.yaml"))
}

fn report(text: &str) -> Report {
    parse(text).expect_err("the text was accepted")
}

/// Appends indented lines to the sound router.
fn pair_with(lines: &str) -> String {
    let indented: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("{PAIR}{indented}")
}

/// Replaces one setting of the sound router.
fn pair_where(from: &str, to: &str) -> String {
    assert!(PAIR.contains(from), "{from} is not in the sound router");
    PAIR.replace(from, to)
}

fn router(lines: &str) -> VirtualRouter {
    parse(&pair_with(lines)).unwrap().config.virtual_routers.remove(0)
}

/// Returns the one message that the text causes, with line and column of its culprit.
fn only_message(report: &Report, text: &str) -> String {
    let [diagnostic] = report.diagnostics() else { panic!("not one diagnostic:\n{report}") };
    let at = diagnostic.marks.first().map_or(0, |mark| mark.span.start);
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{line}:{column} {}", diagnostic.message)
}

fn error(text: &str) -> String {
    only_message(&report(text), text)
}

fn warning(text: &str) -> String {
    only_message(&parse(text).unwrap().warnings, text)
}
