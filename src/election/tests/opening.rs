//! The claim after a preemption: it waits until the router that had the addresses has let go.

use super::*;

/// A router with priority 100 that has just deposed its only peer.
fn preempting() -> Bench {
    let mut bench = Bench::started(|settings| settings.fast_handover = true);
    bench.sleep(ms(1)).hear(PEER, 50);
    assert_eq!(bench.run_to_deadline(), [send(100)]);
    assert_eq!(bench.state(), StateName::Opening);
    bench
}

/// An Active Router whose only peer deposes it.
fn deposed() -> Bench {
    let mut bench = Bench::active(|settings| settings.fast_handover = true);
    assert_eq!(bench.hear(PEER, 200), [withdraw(1)]);
    bench
}

#[test]
fn a_preemptor_claims_once_the_deposed_router_has_let_go() {
    let mut bench = preempting();

    assert_eq!(bench.sleep(ms(1) / 2).hear(PEER, 0), [claim(1)]);

    assert_eq!((bench.state(), bench.last_cause()), (StateName::Claiming, Cause::Released { by: PEER }));
    assert_eq!(bench.confirm_claim(), [Action::Announce]);
}

#[test]
fn a_node_that_was_away_and_comes_back_preempts_like_any_other() {
    let mut bench = Bench::active(|settings| settings.fast_handover = true);
    bench.sleep(3 * INTERVAL).timeout();
    bench.confirm_withdrawal();
    assert_eq!(bench.state(), StateName::Backup);
    bench.sleep(INTERVAL).hear(PEER, 50);

    assert_eq!(bench.run_to_deadline(), [send(100)]);

    let preempted = Cause::Preempted { peer: PEER, priority: Priority::new(50) };
    assert_eq!((bench.state(), bench.last_cause()), (StateName::Opening, preempted));
}

#[test]
fn a_deposed_router_that_says_nothing_is_not_waited_for_and_is_told_again() {
    let mut bench = preempting();
    assert_eq!(bench.wait(), ms(2));

    assert_eq!(bench.run_to_deadline(), [claim(1), send(100)]);

    assert_eq!((bench.state(), bench.last_cause()), (StateName::Claiming, Cause::NotReleased { peer: PEER }));
    assert_eq!(bench.wait(), INTERVAL);
}

#[test]
fn priority_0_of_a_third_router_does_not_open_the_way() {
    let mut bench = preempting();

    assert_eq!(bench.sleep(ms(1) / 2).hear(THIRD, 0), []);

    assert_eq!(bench.state(), StateName::Opening);
}

#[test]
fn a_deposed_router_that_advertises_on_is_not_waited_for_longer() {
    let mut bench = preempting();

    bench.sleep(ms(1)).hear(PEER, 50);

    assert_eq!(bench.wait(), ms(1));
}

#[test]
fn where_a_third_router_may_wait_the_claim_does_not() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(ms(1)).hear(PEER, 50);

    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
}

#[test]
fn a_role_that_nobody_has_is_claimed_at_once() {
    let mut bench = Bench::started(|settings| settings.fast_handover = true);

    assert_eq!(bench.run_to_deadline(), [send(100), claim(1)]);
}

#[test]
fn a_preemptor_that_is_drained_has_nothing_to_withdraw() {
    let mut bench = preempting();

    assert_eq!(bench.tell(Event::Drain(Drain::Forced)), [send(0)]);

    assert_eq!(bench.state(), StateName::Aside);
}

#[test]
fn a_preemptor_that_finds_a_better_router_has_nothing_to_withdraw() {
    let mut bench = preempting();

    assert_eq!(bench.hear(PEER, 200), [send(0)]);

    assert_eq!(bench.state(), StateName::Backup);
}

#[test]
fn a_deposed_router_says_priority_0_once_its_addresses_are_gone() {
    let mut bench = deposed();

    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!((bench.state(), bench.wait()), (StateName::Backup, DOWN));
}

#[test]
fn a_deposed_router_whose_gate_is_slow_says_priority_0_once_it_is_closed() {
    let mut bench = Bench::active(|settings| {
        settings.fast_handover = true;
        settings.gate = Some(Gate { bound: ms(50) });
    });
    bench.hear(PEER, 200);
    assert_eq!(bench.confirm_withdrawal(), [close_gate(1)]);

    assert_eq!(bench.confirm_closing(), [send(0)]);
}

#[test]
fn a_deposed_router_whose_withdrawal_is_not_confirmed_stays_silent() {
    let mut bench = deposed();
    assert_eq!(bench.run(DOWN * 2), []);

    assert_eq!(bench.confirm_withdrawal(), []);
}

#[test]
fn a_router_that_leaves_by_itself_tells_the_one_that_comes_before_it_is_gone() {
    let mut bench = Bench::active(|settings| settings.fast_handover = true);
    bench.fault(Fault::Check);

    bench.hear(PEER, 200);

    assert_eq!(bench.run(INTERVAL * 2), []);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);
}

#[test]
fn priority_0_of_a_router_that_was_active_too_makes_us_announce_again() {
    let mut bench = Bench::active(|settings| settings.fast_handover = true);
    bench.run(ms(1_001));

    assert_eq!(bench.hear(PEER, 0), [Action::Announce, send(100)]);
}
