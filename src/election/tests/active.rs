//! Active: how it defends the role, and to whom it yields.

use super::*;

#[test]
fn a_losing_advertisement_is_answered_and_adver_timer_stays() {
    let mut bench = Bench::active(|_| {});
    bench.run_to_deadline();

    assert_eq!(bench.sleep(ms(4)).hear(PEER, 50), [send(100)]);

    assert_eq!(bench.wait(), ms(6));
}

#[test]
fn an_equal_priority_with_a_smaller_address_loses() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.sleep(ms(4)).hear(THIRD, 100), [send(100)]);
}

#[test]
fn an_equal_priority_with_a_greater_address_wins() {
    // As text 10.0.0.10 comes before 10.0.0.9; as a number it does not.
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.hear(PEER, 100), [withdraw(1), send(100)]);

    assert_eq!(bench.state(), StateName::Releasing);
    assert_eq!(bench.last_cause(), Cause::HigherAddress { peer: PEER });
}

#[test]
fn the_address_that_breaks_a_tie_is_the_current_source() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Source(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 11))));

    assert_eq!(bench.sleep(ms(4)).hear(PEER, 100), [send(100)]);
}

#[test]
fn priority_0_is_answered_and_restarts_adver_timer() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.sleep(ms(4)).hear(PEER, 0), [send(100)]);

    assert_eq!(bench.wait(), INTERVAL);
}

#[test]
fn a_flood_of_losing_advertisements_is_answered_once_a_millisecond() {
    let mut bench = Bench::active(|_| {});

    let answers: usize = (0..40).map(|_| bench.sleep(Duration::from_micros(100)).hear(PEER, 50).len()).sum();

    assert_eq!(answers, 4);
}

#[test]
fn a_router_that_was_active_too_makes_us_announce_again() {
    let mut bench = Bench::active(|_| {});
    bench.run(ms(1_001));

    assert_eq!(bench.hear(PEER, 50), [Action::Announce, send(100)]);
}

#[test]
fn the_answer_to_our_own_advertisement_makes_us_announce_again_too() {
    let mut bench = Bench::active(|_| {});
    bench.run(ms(1_000));
    bench.run_to_deadline();

    assert_eq!(bench.sleep(Duration::from_micros(300)).hear(PEER, 50), [Action::Announce]);
}

#[test]
fn an_announcement_that_would_come_too_soon_follows_after_a_tenth_of_a_second() {
    let mut bench = Bench::active(|_| {});
    bench.run(ms(55));
    assert_eq!(bench.hear(PEER, 50), [send(100)]);
    let announcements = |asked: &[Action]| asked.iter().filter(|asked| **asked == Action::Announce).count();

    let (soon, later) = (bench.run(ms(65)), bench.run(ms(3_000)));

    assert_eq!((announcements(&soon), announcements(&later)), (1, 0));
}

#[test]
fn a_higher_priority_is_yielded_to_with_one_last_word() {
    let mut bench = Bench::active(|_| {});

    // The winner may have been Active all the while: it must hear of this router to announce again.
    assert_eq!(bench.hear(PEER, 101), [withdraw(1), send(100)]);
    assert_eq!(bench.run(ms(5)), []);
    assert_eq!(bench.confirm_withdrawal(), []);

    assert_eq!(bench.state(), StateName::Backup);
}

#[test]
fn who_yields_before_it_has_the_addresses_says_a_last_word_too() {
    let mut bench = Bench::started(|_| {});
    bench.run_to_deadline();
    assert_eq!(bench.state(), StateName::Claiming);

    // It may have deposed a router that had announced them, and that nobody hears any more.
    assert_eq!(bench.hear(PEER, 200), [withdraw(1), send(100)]);
}

#[test]
fn who_yields_follows_the_winner_from_when_it_was_heard() {
    let mut bench = Bench::active(|_| {});
    bench.hear_with(PEER, 200, Interval::from_centis(2).unwrap());

    bench.sleep(ms(5)).confirm_withdrawal();

    assert_eq!(bench.wait(), DOWN * 2 - ms(5));
}

#[test]
fn a_new_priority_is_advertised_at_once() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.sleep(ms(4)).effective(70), [send(70)]);

    assert_eq!(bench.wait(), INTERVAL);
    assert_eq!(bench.run_to_deadline(), [send(70)]);
}

#[test]
fn who_is_better_is_judged_by_the_priority_that_was_advertised() {
    let mut bench = Bench::active(|_| {});
    bench.effective(70);

    assert_eq!(bench.hear(PEER, 71), [withdraw(1), send(70)]);
}

#[test]
fn nothing_is_announced_before_the_addresses_are_here() {
    let mut bench = Bench::started(|_| {});
    bench.run_to_deadline();
    bench.run(ms(1_500));

    assert_eq!(bench.sleep(ms(2)).hear(PEER, 50), [send(100)]);
}
