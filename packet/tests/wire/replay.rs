//! Sequences: order, the window, and the ways back after a clock was stepped (ownership rules 27 and 28).

use std::time::Duration;

use vrrp_packet::{AuthenticationError, Sequence, UnixTime};

use crate::support::{BY_ORDER, BY_TIME, NOW};

fn later(duration: Duration) -> UnixTime {
    UnixTime::new(NOW.since_epoch() + duration)
}

fn earlier(duration: Duration) -> UnixTime {
    UnixTime::new(NOW.since_epoch() - duration)
}

fn next(sequence: Sequence) -> Sequence {
    Sequence::from_bits(sequence.to_bits().wrapping_add(1))
}

#[test]
fn a_sequence_holds_seconds_fraction_and_counter() {
    let sequence = Sequence::at(UnixTime::new(Duration::new(0x1234_5678, 500_000_000)));

    assert_eq!(sequence.to_bits(), 0x1234_5678_8000_0000);
    assert_eq!(next(sequence).to_string(), "305419896.32768+1");
}

#[test]
fn order_survives_the_wrap_of_2106() {
    let last = Sequence::from_bits(u64::MAX);
    let first = Sequence::at(UnixTime::new(Duration::from_secs(1 << 32)));

    assert_eq!(first.to_bits(), 0);
    assert!(first.is_after(last));
    assert!(!last.is_after(first));
}

#[test]
fn a_sequence_is_not_after_itself() {
    assert!(!Sequence::at(NOW).is_after(Sequence::at(NOW)));
}

#[test]
fn the_offset_is_positive_where_the_sender_is_ahead() {
    assert_eq!(Sequence::at(later(Duration::from_millis(1500))).offset_nanos(NOW), 1_500_000_000);
    assert_eq!(Sequence::at(earlier(Duration::from_millis(1500))).offset_nanos(NOW), -1_500_000_000);
}

#[test]
fn the_window_is_open_to_both_sides_and_ends_where_it_says() {
    let edge = BY_TIME.window;
    let beyond = edge + Duration::from_millis(1);

    for inside in [later(edge), earlier(edge)] {
        assert_eq!(BY_TIME.check(None, Sequence::at(inside), NOW), Ok(()));
    }
    for outside in [later(beyond), earlier(beyond)] {
        let result = BY_TIME.check(None, Sequence::at(outside), NOW);

        assert!(matches!(result, Err(AuthenticationError::OutsideWindow { .. })), "{result:?}");
    }
}

#[test]
fn only_a_greater_sequence_than_the_mark_is_fresh() {
    let mark = Sequence::at(NOW);
    let smaller = Sequence::from_bits(mark.to_bits() - 1);
    for guard in [BY_TIME, BY_ORDER] {
        assert_eq!(guard.check(Some(mark), next(mark), NOW), Ok(()));
        assert_eq!(guard.check(Some(mark), mark, NOW), Err(AuthenticationError::Replayed));
        assert_eq!(guard.check(Some(mark), smaller, NOW), Err(AuthenticationError::Replayed));
    }
}

#[test]
fn rule_28_a_mark_outside_the_window_expires() {
    let mark_before_the_step = Sequence::at(later(Duration::from_secs(3600)));

    let result = BY_TIME.check(Some(mark_before_the_step), Sequence::at(NOW), NOW);

    assert_eq!(result, Ok(()));
}

#[test]
fn a_mark_ahead_of_us_but_inside_the_window_still_counts() {
    let mark = Sequence::at(later(Duration::from_secs(4)));

    assert_eq!(BY_TIME.check(Some(mark), Sequence::at(NOW), NOW), Err(AuthenticationError::Replayed));
}

#[test]
fn in_monotonic_mode_clocks_may_disagree_and_marks_do_not_expire() {
    let a_year = Duration::from_secs(365 * 86_400);
    let mark = Sequence::at(later(a_year));

    assert_eq!(BY_ORDER.check(None, mark, NOW), Ok(()));
    assert_eq!(BY_ORDER.check(Some(mark), Sequence::at(NOW), NOW), Err(AuthenticationError::Replayed));
}

#[test]
fn a_sender_follows_its_clock() {
    let last = Sequence::at(NOW);
    let now = later(Duration::from_millis(10));

    for guard in [BY_TIME, BY_ORDER] {
        assert_eq!(Sequence::next_to_send(NOW, None, guard), Sequence::at(NOW));
        assert_eq!(Sequence::next_to_send(now, Some(last), guard), Sequence::at(now));
    }
}

#[test]
fn a_sender_counts_on_where_its_clock_stands_still_or_falls_back_a_little() {
    let last = Sequence::at(NOW);
    for guard in [BY_TIME, BY_ORDER] {
        assert_eq!(Sequence::next_to_send(NOW, Some(last), guard), next(last));
        assert_eq!(Sequence::next_to_send(earlier(guard.window), Some(last), guard), next(last));
    }
}

#[test]
fn rule_28_a_sender_far_ahead_of_its_clock_restarts_from_it_in_time_mode_only() {
    let last = Sequence::at(later(Duration::from_secs(3600)));

    assert_eq!(Sequence::next_to_send(NOW, Some(last), BY_TIME), Sequence::at(NOW));
    assert_eq!(Sequence::next_to_send(NOW, Some(last), BY_ORDER), next(last));
}

#[test]
fn a_window_longer_than_time_itself_admits_everything() {
    // The second is 2^64 ns, of which 64 bits keep nothing.
    for window in [Duration::MAX, Duration::new(18_446_744_073, 709_551_616)] {
        let guard = vrrp_packet::ReplayGuard { window, ..BY_TIME };
        for bits in [0, 1 << 63, u64::MAX] {
            assert_eq!(guard.check(None, Sequence::from_bits(bits), NOW), Ok(()));
        }
    }
}
