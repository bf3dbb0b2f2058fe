//! Ownership rule 9: a drained node watches that somebody takes the role and keeps it.

use super::*;

const GATE: Option<Gate> = Some(Gate { bound: ms(100) });

/// A router that has drained its role away and watches.
fn watching(change: impl FnOnce(&mut Settings)) -> Bench {
    let mut bench = Bench::active(change);
    bench.tell(Event::Drain(Drain::Watched));
    let asked = bench.confirm_withdrawal();
    if asked != [send(0)] {
        assert_eq!(bench.confirm_closing(), [send(0)]);
    }
    assert_eq!(bench.state(), StateName::Aside);
    bench
}

#[test]
fn a_drain_withdraws_and_says_priority_0() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.tell(Event::Drain(Drain::Watched)), [withdraw(1)]);
    assert!(bench.router.view().draining);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    let view = bench.router.view();
    assert!(view.draining && view.drained);
}

#[test]
fn a_drain_that_nobody_answers_is_taken_back() {
    let mut bench = watching(|_| {});

    assert_eq!(bench.run(DOWN + SKEW - NANOSECOND), []);
    assert_eq!(bench.run(NANOSECOND), [send(100), claim(2)]);

    assert!(bench.causes.contains(&Cause::DrainRefused));
    assert!(!bench.router.view().drained);
}

#[test]
fn a_taker_that_keeps_the_role_settles_the_drain() {
    let mut bench = watching(|settings| settings.gate = GATE);

    for _ in 0..15 {
        assert_eq!(bench.run(INTERVAL), []);
        bench.hear(PEER, 50);
    }

    assert_eq!(bench.last_cause(), Cause::DrainSettled);
    let view = bench.router.view();
    assert!(view.drained && !view.draining);
    assert_eq!(bench.run(ms(1_000)), []);
}

#[test]
fn the_watch_lasts_as_long_as_the_taker_s_gate_may_take() {
    let mut bench = watching(|settings| settings.gate = GATE);
    let until = bench.now + DOWN + SKEW + ms(100);

    while bench.now + INTERVAL < until {
        bench.run(INTERVAL);
        bench.hear(PEER, 50);
    }

    assert!(bench.router.view().draining);
    bench.run(until.since(bench.now));
    assert!(!bench.router.view().draining);
}

#[test]
fn a_role_that_the_taker_gives_up_is_taken_back_at_once() {
    let mut bench = watching(|_| {});
    bench.run(INTERVAL);
    bench.hear(PEER, 50);

    assert_eq!(bench.hear(PEER, 0), [send(100), claim(2)]);

    assert!(bench.causes.contains(&Cause::DrainRefused));
}

#[test]
fn a_taker_that_falls_silent_is_replaced() {
    let mut bench = watching(|settings| settings.gate = GATE);
    bench.run(INTERVAL);
    bench.hear(PEER, 50);

    assert_eq!(bench.run(DOWN), [send(100), open_gate(2)]);
}

#[test]
fn priority_0_of_another_than_the_taker_changes_nothing() {
    let mut bench = watching(|_| {});
    bench.run(INTERVAL);
    bench.hear(PEER, 50);

    assert_eq!(bench.hear(THIRD, 0), []);

    assert!(bench.router.view().draining);
}

#[test]
fn a_forced_drain_watches_nothing() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Drain(Drain::Forced));
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert!(!bench.router.view().draining);
    assert_eq!(bench.run(ms(5_000)), []);
}

#[test]
fn force_ends_a_watch_that_has_begun() {
    let mut aside = watching(|_| {});
    aside.tell(Event::Drain(Drain::Forced));
    assert_eq!(aside.run(ms(5_000)), []);

    let mut releasing = Bench::active(|_| {});
    releasing.tell(Event::Drain(Drain::Watched));
    releasing.tell(Event::Drain(Drain::Forced));
    releasing.confirm_withdrawal();
    assert_eq!(releasing.run(ms(5_000)), []);
}

#[test]
fn a_drain_while_releasing_for_a_fault_is_watched() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);
    bench.tell(Event::Drain(Drain::Watched));

    bench.confirm_withdrawal();

    assert!(bench.router.view().draining);
}

#[test]
fn a_drain_does_not_keep_a_shutdown_from_ending() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Shutdown);
    bench.tell(Event::Drain(Drain::Watched));

    bench.confirm_withdrawal();

    assert_eq!(bench.state(), StateName::Initialize);
}

#[test]
fn a_drained_backup_takes_nothing_over() {
    let mut bench = Bench::started(|_| {});

    assert_eq!(bench.tell(Event::Drain(Drain::Watched)), []);

    assert_eq!(bench.state(), StateName::Aside);
    assert_eq!(bench.run(ms(5_000)), []);
}

#[test]
fn a_node_that_starts_drained_takes_nothing_over_until_it_is_resumed() {
    let mut bench = Bench::started(|settings| settings.drained = true);
    assert_eq!(bench.run(ms(5_000)), []);

    bench.tell(Event::Resume);

    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
}

#[test]
fn a_node_that_is_resumed_while_it_watches_is_backup_and_leaves_others_their_turn() {
    let mut bench = watching(|_| {});

    bench.sleep(ms(1)).tell(Event::Resume);

    assert_eq!(bench.state(), StateName::Backup);
    assert_eq!(bench.wait(), DOWN + SKEW - ms(1));
}

#[test]
fn a_node_that_is_resumed_while_releasing_is_backup() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Drain(Drain::Watched));
    bench.tell(Event::Resume);

    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.state(), StateName::Backup);
}

#[test]
fn a_drain_that_a_better_router_ends_needs_no_watch() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Drain(Drain::Watched));
    bench.hear(PEER, 200);

    assert_eq!(bench.confirm_withdrawal(), []);

    let view = bench.router.view();
    assert!(view.drained && !view.draining);
}

#[test]
fn an_unconfirmed_withdrawal_is_watched_from_its_late_confirmation() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Drain(Drain::Watched));
    bench.run(ms(500));

    assert_eq!(bench.confirm_withdrawal(), []);

    assert!(bench.router.view().draining);
    assert_eq!(bench.wait(), DOWN + SKEW);
}

#[test]
fn a_priority_that_sinks_does_not_settle_a_drain_that_nobody_answered() {
    let mut bench = watching(|_| {});
    bench.effective(1);

    let asked = bench.run(ms(100));

    assert_eq!(asked[..2], [send(1), claim(2)]);
    assert!(!bench.causes.contains(&Cause::DrainSettled));
}

#[test]
fn a_watcher_that_was_away_listens_again_before_it_judges() {
    for stall in [Event::Timeout, Event::Stalled { by: ms(500) }] {
        let mut bench = watching(|_| {});

        assert_eq!(bench.sleep(ms(500)).tell(stall), []);

        assert!(bench.router.view().draining);
        assert_eq!(bench.wait(), DOWN);
    }
}

#[test]
fn a_watcher_that_was_away_gives_the_taker_its_whole_time_again() {
    let mut bench = watching(|settings| settings.gate = GATE);
    bench.sleep(ms(500)).tell(Event::Stalled { by: ms(500) });
    let until = bench.now + DOWN + ms(100);

    while bench.now + INTERVAL < until {
        bench.hear(PEER, 50);
        bench.run(INTERVAL);
    }

    assert!(bench.router.view().draining);
    bench.run(until.since(bench.now));
    assert!(!bench.router.view().draining);
}

#[test]
fn a_watcher_that_hears_nobody_for_want_of_a_link_does_not_judge() {
    let mut bench = watching(|_| {});
    bench.fault(Fault::Deaf);
    assert_eq!(bench.run(ms(500)), []);

    bench.effective(100);

    assert!(bench.router.view().draining);
    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn a_drain_and_a_resume_are_reported_in_every_state_so_that_a_restart_finds_them() {
    let mut deaf = Bench::started(|settings| settings.drained = true);
    deaf.fault(Fault::Deaf);
    deaf.tell(Event::Resume);
    assert_eq!((deaf.state(), deaf.last_cause()), (StateName::Aside, Cause::Resumed));

    let mut releasing = Bench::active(|_| {});
    releasing.fault(Fault::Check);
    releasing.tell(Event::Drain(Drain::Watched));
    assert_eq!((releasing.state(), releasing.last_cause()), (StateName::Releasing, Cause::Drained));
    releasing.tell(Event::Resume);
    assert_eq!((releasing.state(), releasing.last_cause()), (StateName::Releasing, Cause::Resumed));

    let mut unstarted = Bench::new(|_| {});
    unstarted.tell(Event::Drain(Drain::Watched));
    assert_eq!(unstarted.last_cause(), Cause::Drained);
}
