//! `Router::handle`, with a list of actions that is used again.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vipd::election::{Action, Epoch, Event, Heard, Instant, Router, Settings, StateName};
use vrrp_packet::{Interval, Priority, Version};

use crate::allocator::allocations;

const ROUNDS: u64 = 1_000;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

fn started() -> (Router, Instant) {
    let settings = Settings {
        version: Version::V3,
        priority: Priority::DEFAULT,
        interval: Interval::from_centis(1).unwrap(),
        preempt: true,
        preempt_delay: Duration::ZERO,
        startup_delay: Duration::ZERO,
        fast_handover: true,
        probe: None,
        gate: None,
        source: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        drained: false,
    };
    let (mut router, now) = (Router::new(settings), Instant::from_nanos(1));
    router.handle(now, Event::Started, &mut Vec::new());
    (router, now)
}

#[test]
fn the_counter_counts() {
    let before = allocations();

    drop(Box::new(1));
    drop(Vec::<u8>::with_capacity(10));

    assert_eq!(allocations() - before, 2);
}

#[test]
fn a_backup_that_hears_its_active_router_does_not_allocate() {
    let (mut router, mut now) = started();
    let heard = Heard { source: PEER, priority: Priority::new(200), interval: Interval::from_centis(1).unwrap() };
    let mut actions = Vec::with_capacity(16);
    let before = allocations();

    for _ in 0..ROUNDS {
        now = now + Duration::from_millis(10);
        router.handle(now, Event::Advertisement(heard), &mut actions);
        assert_eq!(actions, []);
    }

    assert_eq!(allocations() - before, 0);
    assert_eq!(router.view().state, StateName::Backup);
}

#[test]
fn an_active_router_that_advertises_does_not_allocate() {
    let (mut router, _) = started();
    let mut actions = Vec::with_capacity(16);
    router.handle(router.next_deadline().unwrap(), Event::Timeout, &mut actions);
    router.handle(router.view().since, Event::AddressesClaimed { epoch: Epoch(1) }, &mut actions);
    let before = allocations();

    for _ in 0..ROUNDS {
        actions.clear();
        let now = router.next_deadline().unwrap();
        router.handle(now, Event::Timeout, &mut actions);
        router.handle(now, Event::Sent, &mut actions);
        assert_eq!(actions, [Action::SendAdvertisement { priority: Priority::DEFAULT }]);
    }

    assert_eq!(allocations() - before, 0);
    assert_eq!(router.view().state, StateName::Active);
}

#[test]
fn a_whole_change_of_roles_fits_the_list_of_actions() {
    let (mut router, _) = started();
    let better = Heard { source: PEER, priority: Priority::new(200), interval: Interval::from_centis(1).unwrap() };
    let mut actions = Vec::with_capacity(16);
    let before = allocations();

    let now = router.next_deadline().unwrap();
    router.handle(now, Event::Timeout, &mut actions);
    router.handle(now, Event::AddressesClaimed { epoch: Epoch(1) }, &mut actions);
    router.handle(now, Event::Advertisement(better), &mut actions);
    router.handle(now, Event::AddressesWithdrawn { epoch: Epoch(1) }, &mut actions);

    assert_eq!(allocations() - before, 0);
    assert_eq!(router.view().state, StateName::Backup);
}
