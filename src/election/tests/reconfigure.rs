//! New settings for a router that runs.

use super::*;

const ALL_NEW: fn(&mut Settings) = |settings| {
    settings.preempt = false;
    settings.preempt_delay = ms(7);
    settings.startup_delay = ms(7);
    settings.fast_handover = true;
};

fn slow() -> Interval {
    Interval::from_seconds(1).unwrap()
}

fn fast() -> Interval {
    settings().interval
}

impl Bench {
    fn reconfigure(&mut self, change: impl FnOnce(&mut Settings)) -> Vec<Action> {
        let mut settings = settings();
        change(&mut settings);
        self.tell(Event::Settings(settings))
    }
}

#[test]
fn an_active_router_keeps_its_role_and_its_timer() {
    let mut bench = Bench::active(|_| {});
    bench.sleep(ms(4));
    let before = bench.router.view();

    assert_eq!(bench.reconfigure(ALL_NEW), []);

    assert_eq!(bench.router.view(), before);
}

#[test]
fn a_backup_keeps_its_wait() {
    let mut bench = Bench::started(|_| {});
    bench.hear(PEER, 200);
    bench.sleep(ms(4));
    let before = bench.router.view();

    bench.reconfigure(ALL_NEW);

    assert_eq!(bench.router.view(), before);
}

#[test]
fn what_decides_who_the_router_is_stays() {
    let mut bench = Bench::active(|_| {});

    bench.reconfigure(|settings| {
        settings.version = Version::V2;
        settings.source = THIRD;
        settings.drained = true;
        settings.gate = Some(Gate { bound: ms(1) });
    });

    let expected = settings();
    assert_eq!(bench.router.settings, expected);
    assert!(!bench.router.view().drained);
}

#[test]
fn a_shorter_interval_is_advertised_at_once_and_kept() {
    let mut bench = Bench::active(|settings| settings.interval = slow());
    bench.sleep(ms(900));

    assert_eq!(bench.reconfigure(|_| {}), [send(100)]);

    assert_eq!(bench.wait(), INTERVAL);
    assert_eq!(bench.state(), StateName::Active);
    assert_eq!(bench.run(INTERVAL), [send(100)]);
}

#[test]
fn a_longer_interval_is_advertised_at_once_so_that_nobody_misses_the_former() {
    let mut bench = Bench::active(|_| {});
    bench.sleep(ms(4));

    assert_eq!(bench.reconfigure(|settings| settings.interval = slow()), [send(100)]);

    assert_eq!(bench.wait(), slow().duration());
}

#[test]
fn rule_11_the_peers_count_by_the_former_interval_until_they_hear_the_new_one() {
    let mut bench = Bench::active(|_| {});
    bench.sends_fail = true;
    bench.reconfigure(|settings| settings.interval = slow());

    bench.sleep(ms(29));
    assert_eq!(bench.tell(Event::Readiness(false)), []);
    bench.sleep(ms(1));

    assert_eq!(bench.tell(Event::Readiness(false)), [withdraw(1)]);
}

#[test]
fn rule_11_a_shorter_interval_counts_from_now() {
    let mut bench = Bench::active(|settings| settings.interval = slow());
    bench.sleep(ms(900)).sends_fail = true;
    bench.reconfigure(|_| {});

    bench.sleep(ms(29));
    assert_eq!(bench.tell(Event::Readiness(false)), []);
    bench.sleep(ms(1));

    assert_eq!(bench.tell(Event::Readiness(false)), [withdraw(1)]);
}

#[test]
fn a_backup_that_follows_keeps_the_interval_that_it_was_told() {
    let mut bench = Bench::started(|_| {});
    bench.hear_with(PEER, 200, slow());

    bench.reconfigure(|settings| settings.interval = Interval::from_seconds(2).unwrap());

    assert_eq!(bench.router.view().active.unwrap().interval, slow());
    assert_eq!(bench.wait(), slow().active_down_interval(Version::V3, Priority::DEFAULT));
}

#[test]
fn a_backup_that_has_heard_nobody_waits_by_the_new_interval_from_when_it_began() {
    let mut bench = Bench::started(|_| {});
    bench.sleep(ms(4));

    bench.reconfigure(|settings| settings.interval = slow());

    let down = slow().active_down_interval(Version::V3, Priority::DEFAULT);
    assert_eq!(bench.wait(), down - ms(4));
}

#[test]
fn a_backup_with_a_much_shorter_interval_does_not_take_over_for_a_wait_that_it_never_kept() {
    let mut bench = Bench::started(|settings| settings.interval = slow());
    bench.sleep(ms(900));
    bench.reconfigure(|_| {});

    assert_eq!(bench.timeout(), []);

    assert_eq!(bench.state(), StateName::Backup);
    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn rule_5_a_preemption_under_way_ends_when_preempt_is_switched_off() {
    let mut bench = Bench::started(|_| {});
    bench.hear(PEER, 50);
    bench.sleep(ms(9));
    bench.hear(PEER, 50);
    assert_eq!(bench.wait(), DOWN - ms(9));

    bench.reconfigure(|settings| settings.preempt = false);

    assert_eq!(bench.wait(), DOWN);
}

#[test]
fn fast_handover_answers_the_next_priority_0() {
    let mut bench = Bench::started(|_| {});
    bench.hear(PEER, 200);

    bench.reconfigure(|settings| settings.fast_handover = true);

    assert_eq!(bench.hear(PEER, 0), [send(100), claim(1)]);
}

#[test]
fn a_releasing_router_goes_on_speaking_until_the_addresses_are_gone() {
    let mut bench = Bench::active(|settings| settings.interval = slow());
    bench.tell(Event::Shutdown);
    bench.sleep(ms(500));

    bench.reconfigure(|settings| settings.interval = fast());

    assert_eq!(bench.state(), StateName::Releasing);
    assert_eq!(bench.confirm_withdrawal(), [send(0)]);
}
