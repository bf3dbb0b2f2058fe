//! Deadlines, to the nanosecond.

use super::*;

#[test]
fn a_backup_waits_three_intervals_and_skew_time_from_its_start() {
    let bench = Bench::started(|_| {});

    assert_eq!(bench.wait(), Duration::from_nanos(36_093_750));
}

#[test]
fn skew_time_tells_priorities_apart_at_ten_milliseconds() {
    let high = Bench::started(|settings| settings.priority = Priority::new(200));
    let low = Bench::started(|settings| settings.priority = Priority::new(100));

    assert_eq!(low.wait() - high.wait(), Duration::from_nanos(3_906_250));
}

#[test]
fn a_backup_waits_from_when_it_last_heard_the_active_router() {
    let mut bench = Bench::started(|_| {});

    bench.sleep(ms(5)).hear(PEER, 200);

    bench.sleep(ms(7));
    assert_eq!(bench.wait(), DOWN - ms(7));
}

#[test]
fn version_3_follows_the_interval_that_it_hears() {
    let mut bench = Bench::started(|_| {});

    bench.hear_with(PEER, 200, Interval::from_centis(100).unwrap());

    assert_eq!(bench.wait(), Duration::from_nanos(3_609_375_000));
}

#[test]
fn version_2_skews_by_a_fraction_of_a_second_whatever_the_interval() {
    let bench = Bench::started(|settings| {
        settings.version = Version::V2;
        settings.interval = Interval::from_seconds(2).unwrap();
    });

    assert_eq!(bench.wait(), Duration::from_nanos(6_609_375_000));
}

#[test]
fn version_2_keeps_its_own_interval() {
    let mut bench = Bench::started(|settings| {
        settings.version = Version::V2;
        settings.interval = Interval::from_seconds(1).unwrap();
    });

    bench.hear_with(PEER, 200, Interval::from_seconds(5).unwrap());

    assert_eq!(bench.wait(), Duration::from_nanos(3_609_375_000));
}

#[test]
fn a_new_priority_moves_the_deadline_but_not_its_start() {
    let mut bench = Bench::started(|_| {});
    bench.hear(PEER, 200);

    bench.sleep(ms(20)).effective(200);

    assert_eq!(bench.wait(), Duration::from_nanos(32_187_500) - ms(20));
}

#[test]
fn a_flapping_check_does_not_put_off_the_take_over() {
    let mut bench = Bench::started(|_| {});
    let deadline = bench.now + DOWN;

    while bench.now + ms(3) < deadline {
        bench.sleep(ms(1)).effective(50);
        bench.sleep(ms(1)).fault(Fault::Check);
        bench.sleep(ms(1)).effective(100);
    }

    assert_eq!(bench.router.next_deadline(), Some(deadline));
    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
}

#[test]
fn a_timeout_before_the_deadline_does_nothing() {
    let mut bench = Bench::started(|_| {});

    let asked = bench.sleep(DOWN - NANOSECOND).timeout();

    assert_eq!(asked, []);
    assert_eq!(bench.wait(), NANOSECOND);
}

#[test]
fn nothing_is_taken_over_before_the_startup_delay_is_over() {
    let mut bench = Bench::started(|settings| {
        settings.startup_delay = ms(500);
        settings.fast_handover = true;
    });
    bench.sleep(ms(5)).hear(PEER, 200);

    assert_eq!(bench.hear(PEER, 0), []);

    // Skew_Time beyond it, as routers that start together would else all take over in the same moment.
    assert_eq!(bench.wait(), ms(495) + SKEW);
    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
}

#[test]
fn a_lower_priority_is_followed_until_the_startup_delay_is_over() {
    let mut bench = Bench::started(|settings| settings.startup_delay = ms(51));
    for _ in 0..5 {
        assert_eq!(bench.run(INTERVAL), []);
        bench.hear(PEER, 50);
    }

    assert_eq!(bench.run(DOWN - NANOSECOND), []);
    assert_eq!(bench.run(NANOSECOND), [send(100), claim(1)]);
}

#[test]
fn lateness_of_adver_timer_does_not_add_up() {
    let mut bench = Bench::active(|_| {});
    bench.run_to_deadline();

    bench.sleep(INTERVAL + ms(3));

    assert_eq!(bench.timeout(), [send(100)]);
    assert_eq!(bench.wait(), INTERVAL - ms(3));
}

#[test]
fn advertisements_that_were_missed_are_not_made_up_for() {
    let mut bench = Bench::active(|_| {});
    bench.run_to_deadline();

    bench.sleep(ms(25));

    assert_eq!(bench.timeout(), [send(100)]);
    assert_eq!(bench.wait(), INTERVAL);
}

#[test]
fn an_advertisement_that_is_a_whole_interval_late_is_not_followed_by_another_at_once() {
    let mut bench = Bench::active(|_| {});
    let late = bench.wait() + INTERVAL;

    assert_eq!(bench.sleep(late).timeout(), [send(100)]);

    assert_eq!(bench.wait(), INTERVAL);
}

#[test]
fn a_span_that_the_clock_cannot_hold_ends_with_the_clock() {
    let (start, end) = (Instant::from_nanos(7), Instant::from_nanos(u64::MAX));

    assert_eq!(start + Duration::MAX, end);
    assert_eq!(start - ms(1), Instant::ZERO);
    assert_eq!((end - Duration::from_nanos(3)).as_nanos(), u64::MAX - 3);
}
