//! Who becomes Active, and when.

use core::time::Duration;
use std::time::Instant;

use vipd::control::State;

use crate::lab::{Frames, Lab, Router, Seen, Sight, changes, ip, wait_until};

#[test]
fn the_higher_priority_becomes_active_and_has_the_address() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));

    a.run(&[Router::pair(200)]);
    b.run(&[Router::pair(100)]);

    a.becomes(State::Active);
    b.wait_for("follows the other", |router| {
        router.active_router.as_ref().is_some_and(|active| active.priority == 200)
    });
    assert_eq!(b.after_hearing(10).state, State::Backup);
    assert!(a.has("10.77.0.100"));
    assert!(!b.has("10.77.0.100"));
}

#[test]
fn the_active_router_advertises_before_it_announces_the_address() {
    let mut lab = Lab::new();
    let mut wire = lab.listen();
    let mut a = lab.node(1);

    a.run(&[Router::pair(200)]);

    let before = wire.until("an announcement", |seen| seen.is_announcement_of(&a));
    assert_eq!(before.last().unwrap().what, Sight::Announcement(ip("10.77.0.100")));
    assert!(before.iter().any(|seen| seen.is_advertisement_of(&a)), "{before:?}");
}

#[test]
fn silence_of_the_active_router_ends_in_a_take_over() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(3);
    let mut wire = lab.listen();
    wire.wait_for("the one that will fall silent", |seen| seen.is_advertisement_of(&a));

    let before = wire.wait_for("its last one", |seen| seen.is_advertisement_of(&a)).at;
    lab.set_cut(&a, "eth0", true);

    let taken = wire.wait_for("the one that takes over", |seen| seen.is_advertisement_of(&b)).at;
    // Active_Down_Interval at 100 ms and priority 100: 360.9 ms.
    assert!(taken - before >= Duration::from_micros(360_900), "{:?}", taken - before);
    b.becomes(State::Active);
    assert!(b.has("10.77.0.100"));
}

#[test]
fn with_preempt_the_higher_priority_takes_the_role_back() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    b.run(&[Router::pair(100)]);
    b.becomes(State::Active);

    a.run(&[Router::pair(200)]);

    a.becomes(State::Active);
    b.becomes(State::Backup);
    assert!(a.has("10.77.0.100"));
    assert!(!b.has("10.77.0.100"));
}

#[test]
fn without_preempt_the_higher_priority_leaves_the_role_where_it_is() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    b.run(&[Router::pair(100).with("preempt", false)]);
    b.becomes(State::Active);
    let mut wire = lab.listen();

    a.run(&[Router::pair(200).with("preempt", false)]);

    assert_eq!(a.after_hearing(10).state, State::Backup);
    assert_eq!(b.router().state, State::Active);
    assert!(!wire.so_far().iter().any(|seen| seen.is_advertisement_of(&a)));
}

#[test]
fn preemption_waits_for_its_delay() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    b.run(&[Router::pair(100)]);
    b.becomes(State::Active);
    let mut wire = lab.listen();

    a.run(&[Router::pair(200).with("preempt_delay", "1500ms")]);

    // It hears one in each 100 ms, so the first of them begins the delay.
    a.wait_for("hears the other", |router| router.traffic.received >= 1);
    let passed = wire.until("the one that preempts", |seen| seen.is_advertisement_of(&a));
    let others = passed.iter().filter(|seen| seen.is_advertisement_of(&b)).count();
    assert!(others >= 15, "it bore only {others} advertisements of a lower priority");
    a.becomes(State::Active);
}

#[test]
fn nothing_is_taken_over_before_the_startup_delay_is_over() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    let mut wire = lab.listen();

    let begun = Instant::now();
    a.run(&[Router::pair(200).with("startup_delay", "1500ms")]);

    let backup = a.router();
    assert_eq!(backup.state, State::Backup);
    assert!(backup.deadline_in_ms.is_some_and(|wait| wait > 500), "{backup:?}");
    wire.wait_for("the first advertisement", |seen| seen.is_advertisement_of(&a));
    assert!(begun.elapsed() >= Duration::from_millis(1_500), "{:?}", begun.elapsed());
}

#[test]
fn of_equal_priorities_the_greater_source_address_wins() {
    let mut lab = Lab::new();
    let (mut low, mut high) = (lab.node(1), lab.node(2));
    // Kept apart at first, so that both are Active when they hear each other.
    lab.set_cut(&low, "eth0", true);
    low.run(&[Router::pair(150)]);
    high.run(&[Router::pair(150)]);
    low.becomes(State::Active);
    high.becomes(State::Active);

    lab.set_cut(&low, "eth0", false);

    low.becomes(State::Backup);
    assert!(!low.has("10.77.0.100"));
    assert_eq!(low.after_hearing(5).active_router.unwrap().source, ip("10.77.0.2"));
    assert_eq!(high.router().state, State::Active);
    assert!(high.has("10.77.0.100"));
}

#[test]
fn a_second_active_router_is_answered_at_once_and_the_address_announced_again() {
    let mut lab = Lab::new();
    let (mut a, mut rival) = (lab.node(1), lab.node(9));
    // An interval in which nothing is sent of its own accord while the test looks.
    let slow = Router::pair(255).with("advertisement_interval", "40s");
    a.add_address("eth0", "10.77.0.100", 24);
    a.run(&[slow.with("announce", "{ repeat: 1, delay: 0s, refresh: 0s }")]);
    a.becomes(State::Active);
    wait_until("the last announcement is a second old", || a.router().in_state_ms > 1_000);
    let mut wire = lab.listen();
    let frames = Frames::from(&mut rival);

    frames.send(&frames.advertisement(100));

    let (mut answered, mut announced) = (false, false);
    let passed = wire.until("answer and announcement", |seen| {
        answered |= seen.is_advertisement_of(&a);
        announced |= seen.is_announcement_of(&a);
        answered && announced
    });
    let first = passed.iter().find(|seen| seen.what != Sight::Other).unwrap();
    assert!(first.is_advertisement_of(&rival), "{passed:?}");
    assert_eq!(a.router().state, State::Active);
}

#[test]
fn the_owner_is_active_at_once_and_keeps_its_own_address_to_the_end() {
    let mut lab = Lab::new();
    let (mut owner, mut backup) = (lab.node(1), lab.node(2));
    owner.add_address("eth0", "10.77.0.100", 24);
    backup.run(&[Router::pair(100)]);
    backup.becomes(State::Active);
    let (mut events, mut wire) = (owner.watch_addresses(), lab.listen());

    // An interval that would make any other router wait for half a minute.
    owner.run(&[Router::pair(255).with("advertisement_interval", "10s")]);

    owner.becomes(State::Active);
    wire.wait_for("its announcement", |seen| seen.is_announcement_of(&owner));
    backup.becomes(State::Backup);
    assert!(!backup.has("10.77.0.100"));
    assert_eq!(owner.find("10.77.0.100").unwrap().valid_seconds, None);
    assert_eq!(owner.vipd(&["drain"]).status.code(), Some(1));
    assert_eq!(owner.router().state, State::Active);
    assert!(owner.stop().success());
    assert!(owner.has("10.77.0.100"));
    assert_eq!(changes(&mut events), [], "somebody touched the owner's address");
}

#[test]
fn of_three_nodes_one_is_active_and_a_leaver_is_followed_by_the_next_after_skew_time() {
    let mut lab = Lab::new();
    let mut nodes = [lab.node(1), lab.node(2), lab.node(3)];
    for (node, priority) in nodes.iter_mut().zip([200, 150, 100]) {
        node.run(&[Router::pair(priority).without("routers")]);
    }
    let [a, b, c] = &mut nodes;
    a.becomes(State::Active);
    for other in [&*b, &*c] {
        other.wait_for("follows the first", |router| {
            router.active_router.as_ref().is_some_and(|active| active.priority == 200)
        });
    }
    let mut wire = lab.listen();

    a.stop();

    let farewell = wire.wait_for("Priority 0", |seen| seen.is_farewell_of(a));
    let next = wire.wait_for("the next one", |seen| !seen.is_farewell_of(a) && is_advertisement(seen));
    assert_eq!(next.host, b.host());
    // Skew_Time at 100 ms and priority 150: 41.4 ms. A pair would not wait at all.
    assert!(next.at - farewell.at >= Duration::from_micros(41_400), "{:?}", next.at - farewell.at);
    b.becomes(State::Active);
    assert_eq!(c.after_hearing(5).state, State::Backup);
    assert_eq!(c.router().traffic.became_active, 0);
}

fn is_advertisement(seen: &Seen) -> bool {
    matches!(seen.what, Sight::Advertisement { .. })
}
