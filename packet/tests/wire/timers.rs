//! Timer formulas against exact rational arithmetic, for every interval and priority.

use std::time::Duration;

use vrrp_packet::{Interval, Priority, Version};

/// Nanoseconds × 256, so that no formula has a fraction.
fn in_256ths(duration: Duration) -> u128 {
    duration.as_nanos() * 256
}

fn priorities() -> impl Iterator<Item = Priority> {
    (0..=255).map(Priority::new)
}

#[test]
fn version_3_timers_are_exact_to_the_nanosecond() {
    for interval in (1..=Interval::MAX_CENTIS).filter_map(Interval::from_centis) {
        let centis = u128::from(interval.centis());
        for priority in priorities() {
            let exact_skew = (256 - u128::from(priority.get())) * centis * 10_000_000;

            let skew = in_256ths(interval.skew_time(Version::V3, priority));
            let down = in_256ths(interval.active_down_interval(Version::V3, priority));

            assert!(exact_skew - skew < 256, "{interval} {priority}");
            assert_eq!(down - skew, 3 * 256 * centis * 10_000_000, "{interval} {priority}");
        }
    }
}

#[test]
fn version_2_skew_is_a_fraction_of_one_second() {
    for interval in (1..=255).filter_map(Interval::from_seconds) {
        for priority in priorities() {
            // 10⁹ is a multiple of 256: nothing is lost.
            let exact_skew = (256 - u128::from(priority.get())) * 1_000_000_000;

            let skew = in_256ths(interval.skew_time(Version::V2, priority));
            let down = in_256ths(interval.active_down_interval(Version::V2, priority));

            assert_eq!(skew, exact_skew, "{interval} {priority}");
            assert_eq!(down - skew, 3 * 256 * interval.duration().as_nanos(), "{interval} {priority}");
        }
    }
}

#[test]
fn a_higher_priority_always_waits_less() {
    for interval in [Interval::from_centis(1).unwrap(), Interval::from_centis(4095).unwrap()] {
        for (lower, higher) in priorities().zip(priorities().skip(1)) {
            let wait = |priority| interval.active_down_interval(Version::V3, priority);

            assert!(wait(higher) < wait(lower));
        }
    }
}

#[test]
fn at_10_ms_a_hundred_steps_of_priority_are_3_9_ms() {
    let interval = Interval::from_centis(1).unwrap();
    let skew = |priority| interval.skew_time(Version::V3, Priority::new(priority));

    assert_eq!(skew(100) - skew(200), Duration::from_nanos(3_906_250));
}

#[test]
fn intervals_know_what_each_version_can_carry() {
    assert_eq!(Interval::from_centis(0), None);
    assert_eq!(Interval::from_centis(4096), None);
    assert_eq!(Interval::from_seconds(0), None);
    assert_eq!(Interval::from_centis(200).unwrap().seconds(), Some(2));
    assert_eq!(Interval::from_centis(250).unwrap().seconds(), None);
    assert_eq!(Interval::from_seconds(255).unwrap().centis(), 25_500);
}
