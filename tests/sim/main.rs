//! A seeded, deterministic simulator: the real election, the real guardian's judgement and the real arithmetic of leases in
//! a false world of two to five nodes. `docs/testing.md` says what it promises and how to replay a seed.

#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

mod addresses;
mod agent;
mod bounds;
mod clock;
mod fault;
mod guard;
mod invariants;
mod laws;
mod network;
mod node;
mod outside;
mod queue;
mod random;
mod runner;
mod scenario;
mod setup;
mod strikes;
mod verdict;
mod world;

use runner::play_all;
use scenario::Family;

impl Family {
    /// The test that plays it.
    pub(crate) fn test(self) -> &'static str {
        match self {
            Self::Quiet => "in_a_quiet_network_nothing_happens_but_advertisements",
            Self::OneFault => "with_one_fault_there_is_exactly_one_takeover",
            Self::Flapping => "rule_5_what_flaps_does_not_put_off_a_takeover",
            Self::Stranger => "rule_3_a_stranger_cannot_give_the_role_away",
            Self::Partition => "a_mended_network_has_one_owner_and_clients_know_it",
            Self::Abandoned => "rule_9_a_drained_role_that_nobody_takes_is_taken_back",
            Self::Failing => "rule_6_who_cannot_serve_does_not_depose_who_can",
            Self::Reload => "new_settings_do_not_move_the_role",
            Self::Storm => "whatever_happens_one_node_has_the_addresses_in_the_end",
        }
    }
}

#[test]
fn in_a_quiet_network_nothing_happens_but_advertisements() {
    play_all(Family::Quiet);
}

#[test]
fn with_one_fault_there_is_exactly_one_takeover() {
    play_all(Family::OneFault);
}

#[test]
fn rule_5_what_flaps_does_not_put_off_a_takeover() {
    play_all(Family::Flapping);
}

#[test]
fn rule_3_a_stranger_cannot_give_the_role_away() {
    play_all(Family::Stranger);
}

#[test]
fn a_mended_network_has_one_owner_and_clients_know_it() {
    play_all(Family::Partition);
}

#[test]
fn rule_9_a_drained_role_that_nobody_takes_is_taken_back() {
    play_all(Family::Abandoned);
}

#[test]
fn rule_6_who_cannot_serve_does_not_depose_who_can() {
    play_all(Family::Failing);
}

#[test]
fn new_settings_do_not_move_the_role() {
    play_all(Family::Reload);
}

#[test]
fn whatever_happens_one_node_has_the_addresses_in_the_end() {
    play_all(Family::Storm);
}
