//! A model check: every world that two or three real routers can come into, with a bounded number of faults.
//!
//! The routers are [`vipd::election::Router`], the code that the agent runs. Around them is a small world: a LAN, address
//! threads, an operator, and faults. From each world the explorer takes every step that can come next, in every order:
//! advertisements that arrive or are lost, timers, the kernel's confirmations and refusals, processes that stop and go on
//! or die. It does so until no world is new, so within its bounds nothing is left out. The properties are in `audit`;
//! `docs/testing.md` names them, and what was broken to see them fail.
//!
//! **Time.** A world has no clock. Every moment in it is relative to now ([`Router::canonical`] makes those of a router so,
//! and forgets what can make no difference any more), so that a world that comes again is the same world, and the worlds are
//! finite. The Advertisement_Interval is one second, priorities are chosen so that Skew_Time is a multiple of the *tick*, a
//! quarter of it. Time passes to the next tick, or to a deadline before it, and only when nothing has to happen first. A
//! message arrives, and an order to the kernel is carried out, at any such moment within its bound, or in the same one.
//!
//! **For ever.** Faults are counted, so whatever goes on for ever goes on without another one. What goes on for ever are the
//! strongly connected components of the graph: in each of them, and so at the end of every way, the promises about the end
//! must hold. A fault that is never taken back (a cable that stays cut, a node that never thaws) is such an end, too.
//!
//! **What it does not cover.** Delays finer than a tick, but for their order. Messages of one path that overtake each
//! other, or come twice. Different intervals, version 2, gates, address owners, startup and preempt delays, reloads, sends
//! that fail. A process that stops between two statements rather than between two events: the engine reads its sockets
//! before it looks at its timers, and so does the model. Equal advertisements that wait in one socket count as one.
//! The simulator (`tests/sim`) takes random walks through much of that.
//!
//! `VIPD_MODEL_MORE=1` allows one fault more in each exploration: minutes and gigabytes, for `scripts/soak`.

#![expect(clippy::expect_used, reason = "a failed expectation is a failed test")]

mod audit;
mod components;
mod explorer;
mod node;
mod setup;
mod step;
mod world;

use core::time::Duration;

use explorer::explore;
use setup::{Kind, Setup};

use Kind::{Check, Crash, Cut, Drain, Freeze, Hang, Loss, Refusal, Removal, Suspend};

const TICK: Duration = Duration::from_millis(250);

/// Two routers whose Skew_Times are half a second apart, on a slow LAN, with a slow kernel.
const PAIR: Setup =
    Setup { priorities: &[192, 64], preempt: true, kinds: &[], faults: 2, tick: TICK, way: TICK, kernel: TICK };

/// Three routers, a tick apart, on a LAN that takes no time.
const TRIO: Setup = Setup { priorities: &[192, 128, 64], way: Duration::ZERO, ..PAIR };

/// Explores a setup and prints what there was.
fn check(setup: &Setup) {
    let more: u8 = std::env::var("VIPD_MODEL_MORE").ok().and_then(|more| more.parse().ok()).unwrap_or(0);
    let setup = Setup { faults: setup.faults + more, ..setup.clone() };
    match explore(&setup) {
        Ok(explored) => println!("{setup}: {explored}"),
        Err(counterexample) => panic!("{setup}: {counterexample}"),
    }
}

#[test]
fn two_routers_with_losses_and_cut_cables() {
    check(&Setup { kinds: &[Loss, Cut], faults: 4, ..PAIR });
}

#[test]
fn two_routers_with_losses_and_freezes() {
    check(&Setup { kinds: &[Loss, Freeze], ..PAIR });
}

#[test]
fn two_routers_that_do_not_preempt() {
    check(&Setup { kinds: &[Loss, Freeze], preempt: false, ..PAIR });
}

#[test]
fn two_routers_on_hosts_that_are_suspended() {
    check(&Setup { kinds: &[Suspend, Loss, Cut], faults: 1, preempt: false, ..PAIR });
}

#[test]
fn two_routers_with_kernels_that_refuse_and_hang_and_agents_that_die() {
    check(&Setup { kinds: &[Refusal, Removal, Hang, Crash], ..PAIR });
}

#[test]
fn two_routers_that_are_drained_or_fail_their_checks() {
    check(&Setup { kinds: &[Drain, Check, Hang], ..PAIR });
}

#[test]
fn a_drained_router_whose_peer_freezes() {
    check(&Setup { kinds: &[Drain, Freeze], preempt: false, ..PAIR });
}

#[test]
fn two_equal_routers() {
    check(&Setup { priorities: &[128, 128], kinds: &[Loss, Freeze, Cut, Crash], faults: 1, ..PAIR });
}

#[test]
fn three_routers_with_losses_and_a_freeze() {
    check(&Setup { kinds: &[Loss, Freeze], kernel: Duration::ZERO, ..TRIO });
}

#[test]
fn three_routers_with_losses_and_cut_cables() {
    check(&Setup { kinds: &[Loss, Cut], preempt: false, ..TRIO });
}

#[test]
fn three_routers_one_of_which_dies_behind_a_cut_cable() {
    check(&Setup { kinds: &[Cut, Crash], preempt: false, ..TRIO });
}

#[test]
fn three_routers_with_everything_that_goes_wrong_inside() {
    check(&Setup { kinds: &[Drain, Check, Hang, Refusal, Removal, Crash], faults: 1, ..TRIO });
}

#[test]
fn three_routers_on_a_slow_lan() {
    check(&Setup { kinds: &[Loss], faults: 1, way: TICK, ..TRIO });
}
