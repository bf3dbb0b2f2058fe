//! Ownership rule 11: who was away withdraws before it speaks.

use super::*;

fn wakers() -> Vec<Event> {
    let heard = Heard { source: PEER, priority: Priority::new(50), interval: settings().interval };
    vec![
        Event::Timeout,
        Event::Advertisement(heard),
        Event::Advertisement(Heard { priority: Priority::RELEASE, ..heard }),
        Event::EffectivePriority(Effective::Priority(Priority::new(70))),
        Event::EffectivePriority(Effective::Fault(Fault::Check)),
        Event::AddressesLost { epoch: Epoch(1) },
        Event::AddressesClaimed { epoch: Epoch(1) },
        Event::Sent,
        Event::Drain(Drain::Watched),
        Event::Shutdown,
        Event::Stalled { by: ms(30) },
    ]
}

#[test]
fn whatever_wakes_an_active_router_after_three_intervals_it_withdraws_and_is_silent() {
    for waker in wakers() {
        let mut bench = Bench::active(|_| {});
        bench.run_to_deadline();

        let asked = bench.sleep(INTERVAL * 3).tell(waker);

        assert_eq!(asked, [withdraw(1)], "{waker:?}");
        assert_eq!(bench.causes.iter().filter(|cause| matches!(cause, Cause::Stalled { .. })).count(), 1);
        assert_eq!(bench.run(ms(5)), [], "{waker:?}");
    }
}

#[test]
fn an_active_router_that_was_away_for_less_speaks() {
    let mut bench = Bench::active(|_| {});
    bench.run_to_deadline();

    let asked = bench.sleep(INTERVAL * 3 - NANOSECOND).timeout();

    assert_eq!(asked, [send(100)]);
}

#[test]
fn a_node_that_was_away_while_claiming_withdraws_too() {
    let mut bench = Bench::started(|_| {});
    bench.run_to_deadline();

    assert_eq!(bench.sleep(INTERVAL * 3).confirm_claim(), [withdraw(1)]);
}

#[test]
fn who_was_away_is_backup_again_once_the_addresses_are_gone() {
    let mut bench = Bench::active(|_| {});
    bench.sleep(ms(500)).timeout();

    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.state(), StateName::Backup);
    assert_eq!(bench.wait(), DOWN + SKEW);
}

#[test]
fn who_was_away_and_finds_a_successor_says_no_farewell() {
    let mut bench = Bench::active(|_| {});
    bench.sleep(ms(500)).timeout();

    bench.hear(PEER, 50);

    assert_eq!(bench.confirm_withdrawal(), []);
}

#[test]
fn sends_that_fail_are_not_sent() {
    let mut bench = Bench::active(|_| {});
    bench.run_to_deadline();
    bench.sends_fail = true;

    assert_eq!(bench.run(INTERVAL * 3 - NANOSECOND), [send(100), send(100)]);
    assert_eq!(bench.run(NANOSECOND), [withdraw(1)]);

    assert_eq!(bench.last_cause(), Cause::SendsFailed);
}

#[test]
fn who_cannot_send_backs_off() {
    let mut bench = Bench::active(|_| {});
    bench.sends_fail = true;
    bench.run(INTERVAL * 3);

    bench.confirm_withdrawal();

    assert_eq!(bench.state(), StateName::Aside);
    assert_eq!(bench.wait(), ms(1_000));
}

#[test]
fn a_node_that_was_away_on_its_way_out_does_not_speak_for_addresses_that_may_be_here() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Shutdown);

    let asked = bench.sleep(INTERVAL * 3).timeout();

    assert_eq!(asked, []);
    assert_eq!(bench.last_cause(), Cause::Stalled { by: INTERVAL * 3 });
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);
}

#[test]
fn a_node_that_was_away_while_it_yielded_listens_afresh() {
    let mut bench = Bench::active(|_| {});
    bench.hear(PEER, 200);
    bench.sleep(ms(500)).tell(Event::Stalled { by: ms(490) });

    bench.confirm_withdrawal();

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn an_address_thread_that_hung_takes_the_role_away() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.sleep(ms(5)).tell(Event::Stalled { by: ms(2_000) }), [withdraw(1)]);
}

#[test]
fn the_owner_has_nothing_to_withdraw() {
    let mut bench = Bench::started(|settings| settings.priority = Priority::OWNER);

    assert_eq!(bench.sleep(ms(500)).timeout(), [send(255)]);
    assert_eq!(bench.tell(Event::Stalled { by: ms(500) }), []);

    assert_eq!(bench.state(), StateName::Active);
}

#[test]
fn who_was_away_listens_by_the_interval_that_is_configured_now() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);
    bench.effective(100);
    bench.confirm_withdrawal();
    bench.tell(Event::Settings(Settings { interval: Interval::from_centis(2).unwrap(), ..settings() }));

    bench.sleep(ms(1)).tell(Event::Stalled { by: ms(60) });

    assert_eq!(bench.wait(), DOWN * 2);
}
