//! Gate, claim, and what happens when either fails (ownership rule 6).

use super::*;

const GATE: Option<Gate> = Some(Gate { bound: ms(100) });

#[test]
fn the_gate_is_passed_before_the_claim() {
    let mut bench = Bench::started(|settings| settings.gate = GATE);

    assert_eq!(bench.run_to_deadline(), [send(100), open_gate(1)]);
    assert_eq!(bench.tell(Event::GateOpened { epoch: Epoch(1) }), [claim(1)]);
    assert_eq!(bench.confirm_claim(), [Action::Announce]);

    assert_eq!(bench.state(), StateName::Active);
}

#[test]
fn a_node_speaks_while_its_gate_and_its_kernel_are_slow() {
    let mut bench = Bench::started(|settings| settings.gate = GATE);
    bench.run_to_deadline();

    assert_eq!(bench.run(INTERVAL * 2), [send(100), send(100)]);
    bench.tell(Event::GateOpened { epoch: Epoch(1) });
    assert_eq!(bench.run(INTERVAL * 2), [send(100), send(100)]);
}

#[test]
fn a_refused_gate_is_closed_before_priority_0() {
    let mut bench = Bench::started(|settings| settings.gate = GATE);
    bench.run_to_deadline();

    assert_eq!(bench.tell(Event::GateRefused { epoch: Epoch(1) }), [close_gate(1)]);
    assert_eq!(bench.run(INTERVAL), [send(100)]);
    assert_eq!(bench.confirm_closing(), [send(0)]);

    assert_eq!(bench.state(), StateName::Aside);
}

#[test]
fn a_refused_node_waits_for_its_backoff_and_for_readiness() {
    let refused = || {
        let mut bench = Bench::started(|settings| settings.gate = GATE);
        bench.run_to_deadline();
        bench.tell(Event::GateRefused { epoch: Epoch(1) });
        bench.confirm_closing();
        bench
    };

    let mut slow = refused();
    slow.run(ms(5_000));
    assert_eq!(slow.state(), StateName::Aside);
    slow.tell(Event::Readiness(true));
    assert_eq!(slow.state(), StateName::Backup);

    let mut quick = refused();
    quick.tell(Event::Readiness(true));
    assert_eq!(quick.run(ms(999)), []);
    assert_eq!(quick.state(), StateName::Aside);
    assert_eq!(quick.run(ms(1)), [send(100), open_gate(2)]);
}

#[test]
fn a_failed_claim_is_withdrawn_before_priority_0() {
    let mut bench = Bench::started(|_| {});
    bench.run_to_deadline();

    assert_eq!(bench.tell(Event::ClaimFailed { epoch: Epoch(1) }), [withdraw(1)]);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.state(), StateName::Aside);
    assert_eq!(bench.wait(), ms(1_000));
}

#[test]
fn after_a_failed_claim_a_node_waits_until_its_addresses_are_free() {
    let mut bench = Bench::started(|_| {});
    bench.run_to_deadline();
    bench.tell(Event::Readiness(false));
    bench.tell(Event::ClaimFailed { epoch: Epoch(1) });
    bench.confirm_withdrawal();

    bench.run(ms(5_000));
    assert_eq!(bench.state(), StateName::Aside);
    bench.tell(Event::Readiness(true));

    assert_eq!(bench.state(), StateName::Backup);
}

fn fail_once(bench: &mut Bench) -> Duration {
    while bench.state() != StateName::Claiming {
        bench.run_to_deadline();
    }
    bench.tell(Event::ClaimFailed { epoch: bench.epoch() });
    bench.confirm_withdrawal();
    bench.wait()
}

#[test]
fn the_wait_after_a_failure_doubles_up_to_64_seconds() {
    let mut bench = Bench::started(|_| {});

    let waits: Vec<_> = (0..9).map(|_| fail_once(&mut bench).as_secs()).collect();

    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
}

#[test]
fn lost_addresses_are_a_failure_too() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.tell(Event::AddressesLost { epoch: Epoch(1) }), [withdraw(1)]);
    assert_eq!(bench.run_to_deadline(), [send(100)]);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.wait(), ms(1_000));
}

#[test]
fn a_role_that_was_held_for_a_moment_does_not_end_the_row_of_failures() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::AddressesLost { epoch: Epoch(1) });
    bench.confirm_withdrawal();
    bench.run_to_deadline();
    bench.run_to_deadline();
    bench.confirm_claim();
    bench.run(INTERVAL * 5);

    bench.tell(Event::AddressesLost { epoch: Epoch(2) });
    bench.confirm_withdrawal();

    assert_eq!(bench.wait(), ms(2_000));
}

#[test]
fn a_role_that_was_held_for_longer_than_the_wait_ends_the_row_of_failures() {
    let mut bench = Bench::started(|_| {});
    fail_once(&mut bench);
    fail_once(&mut bench);
    while bench.state() != StateName::Claiming {
        bench.run_to_deadline();
    }
    bench.confirm_claim();

    bench.run(ms(2_010));

    assert_eq!(bench.router.view().failures, 0);
}

#[test]
fn answers_to_an_earlier_epoch_are_ignored() {
    let mut bench = Bench::started(|settings| settings.gate = GATE);
    bench.run_to_deadline();
    bench.tell(Event::GateRefused { epoch: Epoch(1) });
    bench.confirm_closing();
    bench.tell(Event::Readiness(true));
    while bench.state() != StateName::Opening {
        bench.run_to_deadline();
    }
    let old = Epoch(1);
    assert_eq!(bench.epoch(), Epoch(2));

    assert_eq!(bench.tell(Event::GateOpened { epoch: old }), []);
    assert_eq!(bench.tell(Event::GateRefused { epoch: old }), []);
    bench.tell(Event::GateOpened { epoch: Epoch(2) });
    assert_eq!(bench.tell(Event::AddressesClaimed { epoch: old }), []);
    assert_eq!(bench.tell(Event::ClaimFailed { epoch: old }), []);
    assert_eq!(bench.tell(Event::AddressesLost { epoch: old }), []);
    assert_eq!(bench.state(), StateName::Claiming);
    bench.tell(Event::Shutdown);
    assert_eq!(bench.tell(Event::AddressesWithdrawn { epoch: old }), []);
    bench.confirm_withdrawal();
    assert_eq!(bench.tell(Event::GateClosed { epoch: old }), []);
    assert_eq!(bench.state(), StateName::Releasing);
}

#[test]
fn a_claim_that_is_confirmed_after_the_role_was_lost_changes_nothing() {
    let mut bench = Bench::started(|_| {});
    bench.run_to_deadline();
    bench.hear(PEER, 200);

    assert_eq!(bench.confirm_claim(), []);

    assert_eq!(bench.state(), StateName::Releasing);
}
