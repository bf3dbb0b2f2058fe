//! Ownership rule 16: the owner's addresses are its host's own.

use super::*;

fn owner(settings: &mut Settings) {
    settings.priority = Priority::OWNER;
}

#[test]
fn the_owner_is_active_at_once_and_claims_nothing() {
    let mut bench = Bench::new(|settings| {
        owner(settings);
        settings.startup_delay = ms(500);
        settings.gate = Some(Gate { bound: ms(100) });
    });

    assert_eq!(bench.tell(Event::Started), [send(255), Action::Announce]);

    assert_eq!(bench.state(), StateName::Active);
    assert_eq!(bench.last_cause(), Cause::Owner);
}

#[test]
fn the_owner_leaves_with_priority_0_and_keeps_its_addresses() {
    let mut bench = Bench::started(owner);

    assert_eq!(bench.tell(Event::Shutdown), [send(0)]);

    assert_eq!(bench.state(), StateName::Initialize);
}

#[test]
fn the_owner_cannot_be_drained() {
    let mut bench = Bench::started(|settings| {
        owner(settings);
        settings.drained = true;
    });

    for mode in [Drain::Watched, Drain::Forced] {
        assert_eq!(bench.tell(Event::Drain(mode)), []);
        assert_eq!(bench.state(), StateName::Active);
        assert!(!bench.router.view().drained);
    }
}

#[test]
fn two_owners_are_told_apart_by_address_and_neither_withdraws() {
    let mut bench = Bench::started(owner);

    assert_eq!(bench.sleep(ms(2)).hear(THIRD, 255), [send(255)]);
    assert_eq!(bench.hear(PEER, 255), []);

    assert_eq!(bench.state(), StateName::Backup);
}

#[test]
fn the_owner_preempts_without_preempt_mode() {
    let mut bench = Bench::started(|settings| {
        owner(settings);
        settings.preempt = false;
    });
    bench.hear(PEER, 255);
    assert_eq!(bench.state(), StateName::Backup);
    let wait = bench.wait();

    bench.sleep(ms(5)).hear(THIRD, 254);

    assert_eq!(bench.wait(), wait - ms(5));
}

#[test]
fn an_owner_that_preempts_its_only_peer_waits_for_nothing() {
    let mut bench = Bench::started(|settings| {
        owner(settings);
        settings.fast_handover = true;
    });
    bench.hear(PEER, 255);
    bench.sleep(ms(5)).hear(PEER, 254);

    assert_eq!(bench.run_to_deadline(), [send(255), Action::Announce]);

    assert_eq!(bench.wait(), INTERVAL);
}

#[test]
fn the_owner_answers_for_its_addresses_as_soon_as_it_is_heard_again() {
    let mut bench = Bench::started(owner);
    assert_eq!(bench.fault(Fault::Deaf), [send(0)]);
    assert_eq!(bench.run(ms(500)), []);

    assert_eq!(bench.effective(255), [send(255), Action::Announce]);
}
