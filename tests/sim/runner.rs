//! Plays the scenarios of a family, and tells the story of the first that fails: what is left of it when every trouble
//! that does not matter is gone.

use std::env;

use crate::fault::Trouble;
use crate::scenario::{Family, Scenario};
use crate::verdict::play;
use crate::world::{Outcome, Tables, World};

/// How many seeds of each family a plain `cargo test` plays.
const SEEDS: u64 = 2_500;
/// How many lines of a timeline are printed.
const LINES: usize = 120;

/// Plays every seed of a family.
///
/// `VIPD_SIM_SEED` plays one seed and prints its timeline; `VIPD_SIM_SEEDS` says how many, `VIPD_SIM_FIRST` from which on.
pub(crate) fn play_all(family: Family) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let tables = Tables::new();
    if let Some(seed) = number("VIPD_SIM_SEED") {
        let (outcome, timeline) = tell(&Scenario::new(family, seed), &tables);
        println!("{}\n{outcome:?}", timeline.join("\n"));
        assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
        return;
    }
    let first = number("VIPD_SIM_FIRST").unwrap_or(0);
    let count = number("VIPD_SIM_SEEDS").unwrap_or(SEEDS);
    let mut steps = 0;
    for seed in first..first + count {
        let scenario = Scenario::new(family, seed);
        let mut world = World::new(&scenario.setup, &scenario.troubles, scenario.random.clone(), &tables, false);
        if play(&scenario, &mut world).is_err() {
            fail(seed, &scenario, &tables);
        }
        steps += world.steps;
    }
    println!("{family:?}: {count} scenarios, {steps} steps");
}

/// Plays a scenario and returns its timeline.
fn tell(scenario: &Scenario, tables: &Tables) -> (Outcome, Vec<String>) {
    let mut world = World::new(&scenario.setup, &scenario.troubles, scenario.random.clone(), tables, true);
    let outcome = play(scenario, &mut world);
    (outcome, world.out.timeline.unwrap_or_default())
}

/// Leaves out troubles one by one while it still fails, and panics with what is left.
fn fail(seed: u64, scenario: &Scenario, tables: &Tables) -> ! {
    let mut shrunk = scenario.clone();
    let mut at = 0;
    while at < shrunk.troubles.len() && scenario.family == Family::Storm {
        let mut fewer = shrunk.clone();
        fewer.troubles.remove(at);
        if tell(&fewer, tables).0.is_err() {
            shrunk = fewer;
        } else {
            at += 1;
        }
    }
    let (outcome, timeline) = tell(&shrunk, tables);
    let broken = outcome.err().unwrap_or_default();
    let skipped = timeline.len().saturating_sub(LINES);
    let nodes: Vec<String> = shrunk.setup.nodes.iter().map(|node| format!("{node:?}")).collect();
    let troubles: Vec<String> = shrunk.troubles.iter().map(describe).collect();
    panic!(
        "seed {seed} of {family:?}: {broken}\n\nnodes:\n{}\ntroubles ({} of {}):\n{}\nthe last lines of its story:\n{}\n\n\
         replay: VIPD_SIM_SEED={seed} cargo test --test sim {} -- --nocapture\n",
        nodes.join("\n"),
        shrunk.troubles.len(),
        scenario.troubles.len(),
        troubles.join("\n"),
        timeline[skipped..].join("\n"),
        scenario.family.test(),
        family = scenario.family,
    )
}

fn describe(trouble: &Trouble) -> String {
    let ms = |nanos: u64| nanos as f64 / crate::clock::MS as f64;
    format!("{:>12.3} ms for {:.3} ms: {:?}", ms(trouble.at), ms(trouble.lasts), trouble.fault)
}
