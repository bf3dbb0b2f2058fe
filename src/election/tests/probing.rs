//! Suspicion: a late Active Router's host is asked whether it lives.

use core::num::NonZeroU8;

use super::*;
use crate::election::Probe;

/// A Backup that asks after one missing advertisement, and that has just heard the Active Router.
fn suspicious(change: impl FnOnce(&mut Settings)) -> Bench {
    let mut bench = Bench::started(|settings| {
        settings.probe = Some(Probe { after: NonZeroU8::MIN });
        change(settings);
    });
    bench.sleep(ms(1)).hear(PEER, 200);
    bench
}

fn probe(silence: Instant) -> Action {
    Action::Probe { peer: PEER, silence }
}

#[test]
fn a_late_active_router_s_host_is_asked_once() {
    let mut bench = suspicious(|_| {});
    let silence = bench.now;
    assert_eq!(bench.wait(), INTERVAL + INTERVAL / 16);

    assert_eq!(bench.run_to_deadline(), [probe(silence)]);

    assert_eq!(bench.now + bench.wait(), silence + DOWN);
}

#[test]
fn each_silence_is_asked_about_anew() {
    let mut bench = suspicious(|_| {});
    bench.run_to_deadline();
    bench.sleep(ms(1)).hear(PEER, 200);
    let silence = bench.now;

    assert_eq!(bench.run_to_deadline(), [probe(silence)]);
}

#[test]
fn more_advertisements_may_be_missing_first() {
    let two = NonZeroU8::MIN.saturating_add(1);
    let bench = suspicious(|settings| settings.probe = Some(Probe { after: two }));

    assert_eq!(bench.wait(), INTERVAL * 2 + INTERVAL / 16);
}

#[test]
fn the_role_of_a_host_that_is_gone_is_taken_at_once_where_no_third_router_waits() {
    let mut bench = suspicious(|settings| settings.fast_handover = true);
    let silence = bench.now;
    bench.run_to_deadline();

    assert_eq!(bench.tell(Event::HostGone { silence }), [send(100), claim(1)]);

    assert_eq!(bench.last_cause(), Cause::HostGone { peer: PEER });
}

#[test]
fn the_role_of_a_host_that_is_gone_is_taken_after_skew_time_where_others_may_wait() {
    let mut bench = suspicious(|_| {});
    let silence = bench.now;
    bench.run_to_deadline();

    assert_eq!(bench.tell(Event::HostGone { silence }), []);

    assert_eq!(bench.wait(), SKEW);
    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
}

#[test]
fn a_host_that_was_heard_meanwhile_is_not_gone() {
    let mut bench = suspicious(|settings| settings.fast_handover = true);
    let silence = bench.now;
    bench.run_to_deadline();
    bench.sleep(ms(1)).hear(PEER, 200);

    assert_eq!(bench.tell(Event::HostGone { silence }), []);

    assert_eq!(bench.state(), StateName::Backup);
    assert_eq!(bench.wait(), INTERVAL + INTERVAL / 16);
}

#[test]
fn an_answer_that_nobody_asked_for_is_ignored() {
    let mut bench = suspicious(|settings| settings.fast_handover = true);
    let silence = bench.now;

    assert_eq!(bench.tell(Event::HostGone { silence }), []);

    assert_eq!(bench.state(), StateName::Backup);
}

#[test]
fn a_host_that_answers_is_left_to_active_down_timer() {
    let mut bench = suspicious(|_| {});
    let silence = bench.now;
    bench.run_to_deadline();

    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);

    assert_eq!((bench.now, bench.last_cause()), (silence + DOWN, Cause::ActiveDown));
}

#[test]
fn nobody_is_asked_by_default_nor_where_nobody_was_heard_nor_while_preempting() {
    let mut by_default = Bench::started(|_| {});
    by_default.hear(PEER, 200);
    let nobody_heard = Bench::started(|settings| settings.probe = Some(Probe { after: NonZeroU8::MIN }));
    let mut preempting = Bench::started(|settings| settings.probe = Some(Probe { after: NonZeroU8::MIN }));
    preempting.sleep(ms(1)).hear(PEER, 50);

    assert_eq!([by_default.wait(), nobody_heard.wait()], [DOWN, DOWN]);
    assert_eq!(preempting.wait(), DOWN - ms(1));
}

#[test]
fn a_node_that_was_away_asks_about_what_it_hears_next() {
    let mut bench = suspicious(|settings| settings.fast_handover = true);
    let silence = bench.now;
    bench.run_to_deadline();
    bench.tell(Event::Stalled { by: ms(50) });

    assert_eq!(bench.tell(Event::HostGone { silence }), []);

    assert_eq!(bench.state(), StateName::Backup);
}

#[test]
fn an_answer_that_comes_late_does_not_put_off_the_take_over() {
    let mut bench = suspicious(|_| {});
    let silence = bench.now;
    bench.run_to_deadline();
    bench.sleep(DOWN - INTERVAL - INTERVAL / 16 - ms(1));

    assert_eq!(bench.tell(Event::HostGone { silence }), []);

    assert_eq!(bench.wait(), ms(1));
}
