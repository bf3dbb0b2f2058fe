//! Ownership rule 8: the addresses leave, the gate closes, and only then Priority 0.

use super::*;

const GATE: Option<Gate> = Some(Gate { bound: ms(100) });

#[test]
fn shutdown_says_priority_0_after_the_addresses_are_gone() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.tell(Event::Shutdown), [withdraw(1)]);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.state(), StateName::Initialize);
}

#[test]
fn the_gate_closes_between_the_withdrawal_and_priority_0() {
    let mut bench = Bench::active(|settings| settings.gate = GATE);

    assert_eq!(bench.tell(Event::Shutdown), [withdraw(1)]);
    assert_eq!(bench.confirm_closing(), []);
    assert_eq!(bench.confirm_withdrawal(), [close_gate(1)]);
    assert_eq!(bench.confirm_withdrawal(), []);
    assert_eq!(bench.confirm_closing(), [send(0)]);

    assert_eq!(bench.state(), StateName::Initialize);
}

#[test]
fn a_router_advertises_until_its_withdrawal_is_confirmed() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Shutdown);

    assert_eq!(bench.run(INTERVAL * 3), [send(100), send(100), send(100)]);
}

#[test]
fn an_unconfirmed_withdrawal_ends_in_silence_after_active_down_interval() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::Shutdown);
    bench.run(DOWN - NANOSECOND);
    assert_ne!(bench.last_cause(), Cause::WithdrawalUnconfirmed);

    assert_eq!(bench.run(NANOSECOND), []);

    assert_eq!(bench.last_cause(), Cause::WithdrawalUnconfirmed);
    assert_eq!(bench.router.next_deadline(), None);
    assert_eq!(bench.state(), StateName::Releasing);
}

#[test]
fn a_withdrawal_that_is_confirmed_too_late_is_not_followed_by_priority_0() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);
    bench.effective(100);
    bench.run(DOWN * 3);

    assert_eq!(bench.confirm_withdrawal(), []);

    assert_eq!(bench.state(), StateName::Backup);
    assert_eq!(bench.wait(), DOWN + SKEW);
}

#[test]
fn a_slow_gate_is_waited_for_and_spoken_for() {
    let mut bench = Bench::active(|settings| settings.gate = GATE);
    bench.tell(Event::Shutdown);
    bench.confirm_withdrawal();

    let asked = bench.run(ms(99));

    assert_eq!(asked, [send(100); 9]);
    assert_eq!(bench.confirm_closing(), [send(0)]);
}

#[test]
fn a_gate_that_never_answers_ends_in_silence() {
    let mut bench = Bench::active(|settings| settings.gate = GATE);
    bench.tell(Event::Shutdown);
    bench.confirm_withdrawal();
    bench.run(ms(100));
    assert_eq!(bench.last_cause(), Cause::WithdrawalUnconfirmed);

    assert_eq!(bench.run(ms(500)), []);
    assert_eq!(bench.confirm_closing(), []);
}

#[test]
fn a_node_that_yields_reports_a_withdrawal_that_is_not_confirmed() {
    let mut bench = Bench::active(|_| {});
    bench.hear(PEER, 200);

    assert_eq!(bench.run(DOWN), []);

    assert_eq!(bench.last_cause(), Cause::WithdrawalUnconfirmed);
}

#[test]
fn shutdown_while_releasing_ends_the_agent_when_the_addresses_are_gone() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);

    assert_eq!(bench.tell(Event::Shutdown), []);
    assert_eq!(bench.state(), StateName::Releasing);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.state(), StateName::Initialize);
}

#[test]
fn shutdown_while_yielding_says_no_farewell_for_a_role_that_is_another_s() {
    let mut bench = Bench::active(|_| {});
    bench.hear(PEER, 200);
    bench.tell(Event::Shutdown);

    assert_eq!(bench.confirm_withdrawal(), []);

    assert_eq!(bench.state(), StateName::Initialize);
}

#[test]
fn the_farewell_of_another_does_not_silence_ours() {
    let mut gives_up = Bench::active(|_| {});
    gives_up.tell(Event::Shutdown);
    let mut yields = Bench::active(|settings| settings.fast_handover = true);
    yields.hear(PEER, 200);

    for mut bench in [gives_up, yields] {
        assert_eq!(bench.hear(THIRD, 0), []);

        assert_eq!(bench.confirm_withdrawal(), [send(0)]);
    }
}

#[test]
fn a_better_router_silences_a_release() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);

    bench.hear(PEER, 200);

    assert_eq!(bench.run(INTERVAL * 2), []);
    assert_eq!(bench.confirm_withdrawal(), []);
}

#[test]
fn a_worse_router_does_not_silence_a_release() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);

    bench.hear(PEER, 50);

    assert_eq!(bench.run(INTERVAL), [send(100)]);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);
}

#[test]
fn a_role_that_comes_back_while_the_addresses_leave_is_taken_once_they_are_gone() {
    let mut bench = Bench::active(|settings| settings.fast_handover = true);
    bench.hear(PEER, 200);
    bench.sleep(ms(2)).hear(PEER, 0);

    assert_eq!(bench.confirm_withdrawal(), []);

    assert_eq!(bench.run_to_deadline(), [send(100), claim(2)]);
    assert_eq!(bench.last_cause(), Cause::Released { by: PEER });
}

#[test]
fn others_get_their_turn_after_priority_0() {
    let mut bench = Bench::active(|_| {});
    bench.fault(Fault::Check);
    bench.confirm_withdrawal();

    bench.effective(100);

    assert_eq!(bench.state(), StateName::Backup);
    assert_eq!(bench.wait(), DOWN + SKEW);
}
