//! Faults, and what they make void.

use super::*;

#[test]
fn a_fault_takes_the_role_away_in_order() {
    let mut bench = Bench::active(|_| {});

    assert_eq!(bench.fault(Fault::Check), [withdraw(1)]);
    assert_eq!(bench.run(INTERVAL), [send(100)]);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);

    assert_eq!(bench.state(), StateName::Aside);
    assert_eq!(bench.run(ms(5_000)), []);
}

#[test]
fn a_backup_in_fault_takes_nothing_over() {
    let mut bench = Bench::started(|_| {});

    bench.fault(Fault::Check);

    assert_eq!(bench.run(ms(5_000)), []);
}

#[test]
fn a_node_whose_fault_clears_takes_a_role_that_nobody_has() {
    let mut bench = Bench::started(|_| {});
    bench.fault(Fault::Check);
    bench.run(ms(5_000));

    bench.effective(100);

    assert_eq!(bench.run(Duration::ZERO), [send(100), claim(1)]);
}

#[test]
fn a_node_that_was_deaf_listens_afresh() {
    for between in [None, Some(Fault::Check)] {
        let mut bench = Bench::started(|_| {});
        bench.hear(PEER, 200);
        bench.fault(Fault::Deaf);
        bench.sleep(ms(5_000));
        if let Some(fault) = between {
            bench.fault(fault);
        }

        bench.effective(100);

        assert_eq!(bench.wait(), DOWN);
    }
}

#[test]
fn a_node_that_was_deaf_while_releasing_listens_afresh() {
    let mut bench = Bench::active(|_| {});
    bench.hear(PEER, 200);
    bench.fault(Fault::Deaf);
    bench.sleep(ms(5_000)).effective(100);

    bench.confirm_withdrawal();

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn a_fault_that_comes_while_yielding_keeps_the_node_aside() {
    let mut bench = Bench::active(|_| {});
    bench.hear(PEER, 200);
    bench.fault(Fault::Check);

    bench.confirm_withdrawal();

    assert_eq!(bench.state(), StateName::Aside);
}

#[test]
fn a_fault_that_clears_does_not_cut_a_backoff_short() {
    let mut bench = Bench::active(|_| {});
    bench.tell(Event::AddressesLost { epoch: Epoch(1) });
    bench.confirm_withdrawal();
    bench.fault(Fault::Check);

    bench.sleep(ms(5)).effective(100);

    assert_eq!(bench.state(), StateName::Aside);
    assert_eq!(bench.wait(), ms(995));
}

#[test]
fn a_node_in_fault_follows_the_active_router() {
    let mut bench = Bench::started(|_| {});
    bench.fault(Fault::Check);
    bench.sleep(ms(500)).hear(PEER, 50);

    bench.sleep(ms(3)).effective(100);

    assert_eq!(bench.wait(), DOWN - ms(3));
}

#[test]
fn a_preemption_under_way_does_not_outlive_a_fault() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(INTERVAL * 2).hear(PEER, 50);
    bench.fault(Fault::Check);

    bench.effective(40);

    // 30 ms, and 216/256 of 10 ms, from when it was heard.
    assert_eq!(bench.wait(), Duration::from_nanos(38_437_500));
}
