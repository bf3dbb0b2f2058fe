//! Reads the sources and fails where they break the rules of the house that the compiler cannot know; reads the ledger
//! of the RFC and fails where it names what is not there.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod ledger;
mod ownership;
mod rules;
mod snippets;
mod source;

use ledger::{Known, Row, out_of_order};
use rules::{
    MAY_USE, clocks_in_the_election, too_long, unproved_unwraps, unsafe_outside_of_net, wall_clocks, wrong_arrows,
};
use source::sources;

fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n  {}", broken.join("\n  "));
}

#[test]
fn modules_use_only_what_they_may() {
    assert_none(&sources(false).iter().flat_map(wrong_arrows).collect::<Vec<_>>());
}

#[test]
fn the_election_has_no_clock() {
    assert_none(&sources(false).iter().flat_map(clocks_in_the_election).collect::<Vec<_>>());
}

#[test]
fn rule_27_a_step_of_the_wall_clock_changes_nothing_because_nobody_looks_at_it() {
    assert_none(&sources(false).iter().flat_map(wall_clocks).collect::<Vec<_>>());
}

#[test]
fn unsafe_code_is_in_net_alone() {
    assert_none(&sources(true).iter().flat_map(unsafe_outside_of_net).collect::<Vec<_>>());
}

#[test]
fn unwraps_are_proved() {
    assert_none(&sources(false).iter().flat_map(unproved_unwraps).collect::<Vec<_>>());
}

#[test]
fn files_stay_short() {
    assert_none(&sources(true).iter().flat_map(too_long).collect::<Vec<_>>());
}

#[test]
fn rows_name_only_modules_that_have_a_row() {
    for (module, allowed) in MAY_USE {
        let known = |name: &str| MAY_USE.iter().any(|(module, _)| *module == name);
        assert!(allowed.iter().all(|name| known(name)), "the row of {module} names a module without a row");
    }
}

#[test]
fn the_ledger_of_the_rfc_names_what_exists_or_a_reason() {
    let parts = Row::read(include_str!("../../docs/rfc9568.md"));
    assert_eq!(parts.len(), 2, "one part for RFC 9568 and one for RFC 3768");
    let known = Known::read();
    assert_none(&parts.iter().flatten().flat_map(|row| row.errors(&known)).collect::<Vec<_>>());
    assert_none(&parts.iter().flat_map(|part| out_of_order(part)).collect::<Vec<_>>());
}
