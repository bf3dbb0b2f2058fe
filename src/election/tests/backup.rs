//! Backup: whom it follows, whom it deposes, and when it takes over.

use super::*;

#[test]
fn the_first_advertisement_leaves_before_the_claim() {
    let mut bench = Bench::started(|_| {});

    let asked = bench.run_to_deadline();

    assert_eq!(asked, [send(100), claim(1)]);
    assert_eq!(bench.state(), StateName::Claiming);
    assert_eq!(bench.last_cause(), Cause::ActiveDown);
}

#[test]
fn an_equal_priority_is_followed_whatever_its_address() {
    let mut bench = Bench::started(|_| {});

    bench.sleep(ms(30)).hear(THIRD, 100);

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn a_lower_priority_is_preempted_when_active_down_timer_fires() {
    let mut bench = Bench::started(|_| {});

    bench.sleep(ms(30)).hear(PEER, 99);

    assert_eq!(bench.wait(), DOWN - ms(30));
    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
    assert_eq!(bench.last_cause(), Cause::Preempted { peer: PEER, priority: Priority::new(99) });
}

#[test]
fn a_lower_priority_is_followed_without_preempt_mode() {
    let mut bench = Bench::started(|settings| settings.preempt = false);

    bench.sleep(ms(30)).hear(PEER, 1);

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn priority_0_of_the_active_router_leaves_skew_time() {
    let mut bench = Bench::started(|_| {});
    bench.hear(PEER, 200);

    assert_eq!(bench.sleep(ms(4)).hear(PEER, 0), []);

    assert_eq!(bench.wait(), SKEW);
    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
    assert_eq!(bench.last_cause(), Cause::Released { by: PEER });
}

#[test]
fn priority_0_of_anybody_else_is_ignored() {
    for fast_handover in [false, true] {
        let mut bench = Bench::started(|settings| settings.fast_handover = fast_handover);
        bench.hear(PEER, 200);

        assert_eq!(bench.sleep(ms(4)).hear(THIRD, 0), []);

        assert_eq!(bench.wait(), DOWN - ms(4));
    }
}

#[test]
fn priority_0_is_ignored_where_nobody_was_heard() {
    let mut bench = Bench::started(|settings| settings.fast_handover = true);

    assert_eq!(bench.hear(PEER, 0), []);

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn a_role_that_is_handed_over_is_taken_in_the_same_step() {
    let mut bench = Bench::started(|settings| settings.fast_handover = true);
    bench.hear(PEER, 200);

    assert_eq!(bench.sleep(ms(4)).hear(PEER, 0), [send(100), claim(1)]);

    assert_eq!(bench.state(), StateName::Claiming);
}

#[test]
fn a_losing_rival_cannot_give_the_role_away() {
    for preempt in [false, true] {
        let mut bench = Bench::started(|settings| {
            settings.preempt = preempt;
            settings.fast_handover = true;
        });
        bench.hear(PEER, 200);
        bench.hear(THIRD, 90);

        assert_eq!(bench.hear(THIRD, 0), []);

        assert_eq!(bench.router.view().active.unwrap().source, PEER);
        assert_eq!(bench.hear(PEER, 0), [send(100), claim(1)]);
    }
}

#[test]
fn a_successor_is_recorded_once_the_active_router_was_silent_for_three_intervals() {
    let mut bench = Bench::started(|settings| settings.preempt = false);
    bench.hear(PEER, 200);
    bench.sleep(INTERVAL * 3 - NANOSECOND).hear(THIRD, 90);
    assert_eq!(bench.router.view().active.unwrap().source, PEER);

    bench.sleep(NANOSECOND).hear(THIRD, 90);

    assert_eq!(bench.router.view().active.unwrap().source, THIRD);
}

#[test]
fn preemption_bears_a_lower_priority_for_preempt_delay() {
    let mut bench = Bench::started(|settings| settings.preempt_delay = ms(50));
    for _ in 0..100 {
        bench.sleep(INTERVAL).hear(PEER, 200);
    }

    // The Active Router's priority sinks: it is borne from now on, not since this node became Backup.
    for _ in 0..5 {
        assert_eq!(bench.hear(PEER, 50), []);
        assert_eq!(bench.wait(), DOWN);
        assert_eq!(bench.run(INTERVAL), []);
    }
    bench.hear(PEER, 50);

    assert_eq!(bench.wait(), DOWN - INTERVAL);
}

#[test]
fn a_gated_node_that_is_not_ready_does_not_preempt() {
    let mut bench = Bench::started(|settings| settings.gate = Some(Gate { bound: ms(100) }));

    bench.sleep(ms(30)).hear(PEER, 50);
    assert_eq!(bench.wait(), DOWN);

    bench.tell(Event::Readiness(true));
    bench.sleep(ms(10)).hear(PEER, 50);
    assert_eq!(bench.wait(), DOWN - ms(10));
}

#[test]
fn a_node_whose_addresses_are_taken_does_not_preempt() {
    let mut bench = Bench::started(|_| {});
    bench.tell(Event::Readiness(false));

    bench.sleep(ms(30)).hear(PEER, 50);

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn a_node_that_ceases_to_be_ready_does_not_finish_its_preemption() {
    let mut bench = Bench::started(|settings| settings.gate = Some(Gate { bound: ms(100) }));
    bench.tell(Event::Readiness(true));
    bench.sleep(ms(30)).hear(PEER, 50);

    bench.sleep(ms(1)).tell(Event::Readiness(false));

    assert_eq!(bench.wait(), DOWN - ms(1));
}

#[test]
fn a_node_whose_priority_sinks_does_not_finish_its_preemption() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(ms(30)).hear(PEER, 90);

    bench.sleep(ms(1)).effective(80);

    let down = settings().interval.active_down_interval(Version::V3, Priority::new(80));
    assert_eq!(bench.wait(), down - ms(1));
}

#[test]
fn a_node_whose_priority_sinks_to_that_of_the_peer_does_not_finish_its_preemption() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(ms(30)).hear(PEER, 90);

    bench.sleep(ms(1)).effective(90);

    let down = settings().interval.active_down_interval(Version::V3, Priority::new(90));
    assert_eq!(bench.wait(), down - ms(1));
}

#[test]
fn a_node_whose_priority_stays_above_that_of_the_peer_finishes_its_preemption() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(ms(30)).hear(PEER, 90);

    bench.sleep(ms(1)).effective(100);

    assert_eq!(bench.wait(), DOWN - ms(31));
}

#[test]
fn a_timer_that_is_a_whole_interval_late_proves_only_that_this_node_was_away() {
    let mut bench = Bench::started(|_| {});
    bench.hear(PEER, 200);

    let asked = bench.sleep(DOWN + INTERVAL).timeout();

    assert_eq!(asked, []);
    assert_eq!(bench.last_cause(), Cause::Stalled { by: INTERVAL });
    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn a_timer_that_is_a_little_late_counts() {
    let mut bench = Bench::started(|_| {});

    let asked = bench.sleep(DOWN + INTERVAL - NANOSECOND).timeout();

    assert_eq!(asked, [send(100), claim(1)]);
}

#[test]
fn a_backup_that_was_away_listens_for_a_whole_active_down_interval() {
    let mut bench = Bench::started(|_| {});

    bench.sleep(ms(35)).tell(Event::Stalled { by: ms(30) });

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn shutdown_of_a_backup_is_silent() {
    let mut bench = Bench::started(|_| {});

    assert_eq!(bench.tell(Event::Shutdown), []);

    assert_eq!(bench.state(), StateName::Initialize);
    assert_eq!(bench.router.next_deadline(), None);
}

#[test]
fn a_router_that_is_not_preempted_after_all_is_followed_at_its_own_interval() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(ms(1)).hear_with(PEER, 50, Interval::from_centis(2).unwrap());

    bench.effective(40);

    // 3 x 20 ms, and 216/256 of 20 ms.
    assert_eq!(bench.wait(), Duration::from_nanos(76_875_000));
}
