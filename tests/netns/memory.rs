//! How much memory guardian and agent take.

use std::fs;

use nix::unistd::Pid;
use vipd::control::State;

use crate::lab::{Lab, Router};

/// What guardian and agent may take together for one virtual router: 10 MiB. Code that is not optimized is larger.
const LIMIT_KIB: u64 = if cfg!(debug_assertions) { 20 * 1024 } else { 10 * 1024 };

/// Returns a process's proportional set size in KiB.
fn pss(process: Pid) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
fn guardian_and_agent_take_no_more_memory_than_is_promised() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    // Pages that other processes use as well would count in part only.
    a.copy_binary();
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    a.wait_for("has been at work", |router| router.traffic.sent >= 20);

    let (guardian, agent) = (pss(a.guardian()), pss(a.agent()));

    println!("PSS: guardian {guardian} KiB, agent {agent} KiB, together {} KiB", guardian + agent);
    assert!(guardian + agent <= LIMIT_KIB, "guardian {guardian} KiB and agent {agent} KiB");
}
