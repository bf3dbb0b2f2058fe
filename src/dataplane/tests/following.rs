use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_route::RouteNetlinkMessage;

use super::*;
use crate::net::netlink::Batch;

/// More than the kernel keeps for a reader that does not read.
const NOTIFICATIONS: usize = 30_000;

#[test]
fn an_address_that_somebody_removes_comes_back_and_that_is_told() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24), ("fd00:77::100", 64)])]);
    running.claim(0, 1);

    lab.remove("10.77.0.100", 24);
    lab.eventually("the IPv4 address is back", |lab| lab.find("10.77.0.100").is_some());
    assert_eq!(running.report().to_string(), "somebody removed 10.77.0.100/24 on eth0; it is back");

    lab.remove("fd00:77::100", 64);
    lab.eventually("the IPv6 address is back", |lab| lab.find("fd00:77::100").is_some());
    assert_eq!(running.report().to_string(), "somebody removed fd00:77::100/64 on eth0; it is back");
}

#[test]
fn what_happened_in_a_flood_of_lost_notifications_is_found_out_afterwards() {
    let mut lab = Lab::new();
    let (release, held) = channel::<()>();
    // On a busy machine the flood may last for longer than an ordinary lease.
    let plan = Plan { lease: Some(PATIENCE), ..plan(&[("10.77.0.100", 24)]) };
    // A thread that does not read while the kernel has more to tell than its buffer holds.
    let running = lab.start_with(&[plan], move |answer| {
        if matches!(answer, Answer::Claimed { .. }) {
            let _ = held.recv_timeout(PATIENCE);
        }
    });
    running.claim(0, 1);

    for _ in 0..NOTIFICATIONS / 2 {
        lab.add("10.78.0.1", 24);
        lab.remove("10.78.0.1", 24);
    }
    lab.remove("10.77.0.100", 24);
    release.send(()).unwrap();

    assert_eq!(running.report().to_string(), "somebody removed 10.77.0.100/24 on eth0; it is back");
    assert!(lab.find("10.77.0.100").is_some());
}

#[test]
fn addresses_that_are_removed_again_and_again_are_given_up() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.claim(0, 1);

    for _ in 0..11 {
        lab.eventually("the address is there", |lab| lab.find("10.77.0.100").is_some());
        lab.remove("10.77.0.100", 24);
    }

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert_eq!(lab.find("10.77.0.100"), None);
    assert_eq!(running.texts().last().unwrap(), "claimed addresses are removed again and again; giving up");
}

#[test]
fn rule_17_a_claimed_address_follows_when_the_hosts_own_goes_and_comes() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.claim(0, 1);

    lab.remove("10.77.0.1", 24);
    lab.eventually("the address is alone", |lab| lab.find("10.77.0.100").is_some_and(|known| known.prefix == 32));
    lab.add("10.77.0.1", 24);
    lab.eventually("the address is secondary", |lab| {
        lab.find("10.77.0.100").is_some_and(|known| known.prefix == 24 && known.secondary)
    });

    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn an_interface_that_is_deleted_counts_as_withdrawn_and_a_new_one_is_used() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    let before = running.interface(|state| state.up);
    running.claim(0, 1);

    let eth0 = lab.eth0;
    link::delete(&mut lab.netlink, eth0).unwrap();
    let gone = running.interface(|state| state.index.is_none());
    assert!(!gone.up && gone.mac.is_none() && gone.source_v4.is_none());
    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert_eq!(running.claim(0, 2), Answer::ClaimFailed { router: 0, epoch: 2 });

    lab.plug();
    let after = running.interface(|state| state.up && state.source_v4.is_some());
    assert_ne!(after.index, before.index);
    assert_eq!(running.claim(0, 3), Answer::Claimed { router: 0, epoch: 3 });
    assert!(lab.find("10.77.0.100").is_some());
}

#[test]
fn an_interface_is_told_with_the_addresses_that_are_not_virtual() {
    let mut lab = Lab::new();
    let mut addresses = plan(&[("10.77.0.1", 24), ("fe80::1", 64)]);
    addresses.source = Some("10.77.0.3".parse().unwrap());
    let running = lab.start(&[addresses]);

    let first = running.interface(|state| state.index == Some(lab.eth0));
    assert_eq!((first.source_v4, first.configured_source), (None, None));
    lab.add("10.77.0.2", 24);
    lab.add("fe80::2", 64);
    lab.add("10.77.0.3", 24);

    let state = running.interface(|state| state.configured_source.is_some());
    assert_eq!(state.source_v4, Some("10.77.0.2".parse().unwrap()));
    assert_eq!(state.source(vrrp_packet::Family::Ipv4, None), Some("10.77.0.2".parse().unwrap()));
    assert_eq!(state.source(vrrp_packet::Family::Ipv4, "10.77.0.3".parse().ok()), Some("10.77.0.3".parse().unwrap()));
    assert!(state.mac.is_some());
}

#[test]
fn an_interface_without_a_carrier_is_told_to_be_down() {
    let lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.interface(|state| state.up);
    let mut far_link = Netlink::open_in(&lab.neighbour).unwrap();
    let far = link::index_of(&mut far_link, "far").unwrap().unwrap();

    link::set_down(&mut far_link, far).unwrap();
    running.interface(|state| !state.up);

    link::set_up(&mut far_link, far).unwrap();
    running.interface(|state| state.up);
}

#[test]
fn an_ipv6_address_returns_with_its_interface() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("fd00:77::100", 64)])]);
    running.claim(0, 1);
    let eth0 = lab.eth0;

    link::set_down(&mut lab.netlink, eth0).unwrap();
    running.interface(|state| !state.up);
    link::set_up(&mut lab.netlink, eth0).unwrap();

    lab.eventually("the address is back", |lab| lab.find("fd00:77::100").is_some());
}

#[test]
fn what_happens_while_notifications_are_dropped_is_found_out_afterwards() {
    let mut lab = Lab::new();
    let long = Plan { lease: None, ..plan(&[("10.77.0.100", 24)]) };
    let (running, barrier) = super::leases::start_hanging(&lab, &[long]);
    running.claim(0, 1);

    // Each pair is two notifications that nobody reads; all of them are more than the receive buffer holds.
    let mut flood = Batch::default();
    for _ in 0..64 {
        let message = || link::address_message(1, "10.99.0.1".parse().unwrap(), 32);
        flood.push(RouteNetlinkMessage::NewAddress(message()), NLM_F_CREATE);
        flood.push(RouteNetlinkMessage::DelAddress(message()), 0);
    }
    for _ in 0..400 {
        assert_eq!(lab.netlink.submit(&mut flood).unwrap(), []);
    }
    lab.remove("10.77.0.100", 24);
    lab.add("10.77.0.3", 24);
    barrier.wait();

    lab.eventually("the address is back", |lab| lab.find("10.77.0.100").is_some());
    assert_eq!(running.report().to_string(), "somebody removed 10.77.0.100/24 on eth0; it is back");
}
