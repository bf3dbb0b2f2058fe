use std::io::Read;

use caps::CapSet;
use socket2::{Domain, Protocol, Socket, Type};

use super::*;

#[test]
fn an_address_is_claimed_with_a_lease_and_our_mark_and_withdrawn_again() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);

    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });
    let claimed = lab.find("10.77.0.100").unwrap();
    assert!(claimed.valid_seconds.is_some_and(|seconds| seconds <= 3));
    assert_eq!(claimed.protocol, 112);
    assert!(running.handle.renewed(0).is_some());

    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert_eq!(lab.find("10.77.0.100"), None);
    assert_eq!(running.handle.renewed(0), None);
}

#[test]
fn without_a_lease_the_address_stays_for_ever() {
    let mut lab = Lab::new();
    let running = lab.start(&[Plan { lease: None, ..plan(&[("10.77.0.100", 24)]) }]);

    running.claim(0, 1);

    assert_eq!(lab.find("10.77.0.100").unwrap().valid_seconds, None);
}

#[test]
fn rule_15_an_address_that_somebody_else_configured_is_named_and_left_alone() {
    let mut lab = Lab::new();
    lab.add("10.77.0.100", 24);
    let running = lab.start(&[plan(&[("10.77.0.99", 24), ("10.77.0.100", 24)])]);

    assert_eq!(running.claim(0, 1), Answer::ClaimFailed { router: 0, epoch: 1 });
    let early = running.report().to_string();
    assert!(early.starts_with("this node cannot take 10.77.0.100/24 on eth0 over"), "{early}");
    let report = running.report();
    assert_eq!(report.router, Some(0));
    assert!(
        report.to_string().starts_with("cannot add 10.77.0.100/24 on eth0: 10.77.0.100/24 on eth0 is there"),
        "{report}"
    );
    assert_eq!(lab.find("10.77.0.99"), None);

    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert!(lab.find("10.77.0.100").is_some());
}

#[test]
fn rule_15_the_same_address_elsewhere_or_with_another_prefix_length_is_refused_too() {
    let mut lab = Lab::new();
    link::add_address(&mut lab.netlink, 1, "10.77.0.100".parse().unwrap(), 32).unwrap();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);

    assert_eq!(running.claim(0, 1), Answer::ClaimFailed { router: 0, epoch: 1 });
    assert!(running.report().to_string().contains("10.77.0.100/32 on lo is there"));
}

#[test]
fn what_a_failed_claim_added_is_removed_and_the_kernels_reason_is_told() {
    let mut lab = Lab::new();
    let mut bad = planned("10.77.0.101", 24);
    bad.label = Some("a-label-that-is-too-long-for-the-kernel".to_owned());
    let mut plan = plan(&[("10.77.0.100", 24)]);
    plan.addresses.push(bad);
    let running = lab.start(&[plan]);

    assert_eq!(running.claim(0, 1), Answer::ClaimFailed { router: 0, epoch: 1 });

    assert_eq!(lab.find("10.77.0.100"), None);
    assert!(running.report().to_string().starts_with("cannot add 10.77.0.101/24 on eth0: "));
}

#[test]
fn rule_17_an_ipv4_address_is_secondary_or_alone_in_its_subnet() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24), ("192.168.7.7", 24), ("10.77.0.101", 16)])]);

    running.claim(0, 1);

    let beside = lab.find("10.77.0.100").unwrap();
    assert_eq!((beside.prefix, beside.secondary), (24, true));
    assert_eq!(lab.find("192.168.7.7").unwrap().prefix, 32);
    assert_eq!(lab.find("10.77.0.101").unwrap().prefix, 32);
}

#[test]
fn rule_17_two_virtual_addresses_do_not_make_each_other_secondary() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("192.168.7.7", 24), ("192.168.7.8", 24)])]);

    running.claim(0, 1);

    assert_eq!(lab.find("192.168.7.7").unwrap().prefix, 32);
    assert_eq!(lab.find("192.168.7.8").unwrap().prefix, 32);
}

#[test]
fn rule_17_an_ipv6_address_is_usable_at_once_but_never_a_source() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("fe80::100", 64), ("fd00:77::100", 64)])]);

    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });

    for address in ["fe80::100", "fd00:77::100"] {
        let claimed = lab.find(address).unwrap();
        assert!(claimed.deprecated && !claimed.tentative, "{claimed:?}");
        assert!(claimed.valid_seconds.is_some());
    }
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert_eq!(lab.find("fd00:77::100"), None);
}

#[test]
fn with_source_ok_addresses_are_as_configured() {
    let mut lab = Lab::new();
    let addresses = plan(&[("192.168.7.7", 24), ("fd00:77::100", 64)]);
    let running = lab.start(&[Plan { source_ok: true, ..addresses }]);

    running.claim(0, 1);

    assert_eq!(lab.find("192.168.7.7").unwrap().prefix, 24);
    assert!(!lab.find("fd00:77::100").unwrap().deprecated);
}

#[test]
fn rule_16_an_owners_addresses_are_looked_for_and_never_touched() {
    let mut lab = Lab::new();
    let owner = |address| Plan { owner: true, lease: None, ..plan(&[(address, 24)]) };
    let running = lab.start(&[owner("10.77.0.1"), owner("10.77.0.2")]);
    let state = running.interface(|state| state.index.is_some());
    assert_eq!(state.source_v4, Some("10.77.0.1".parse().unwrap()));

    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });
    assert_eq!(running.claim(1, 1), Answer::ClaimFailed { router: 1, epoch: 1 });
    assert!(running.report().to_string().starts_with("priority 255 needs 10.77.0.2/24 on eth0"));
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });

    assert_eq!(lab.find("10.77.0.1").unwrap().valid_seconds, None);
}

#[test]
fn an_address_can_live_on_another_interface() {
    let mut lab = Lab::new();
    let mut plan = plan(&[("10.77.0.100", 32)]);
    plan.addresses[0].dev = Some("lo".to_owned());
    let running = lab.start(&[plan]);

    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });

    assert_eq!(lab.find("10.77.0.100").unwrap().index, 1);
}

#[test]
fn a_claim_withdrawn_in_the_same_moment_leaves_nothing() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    for epoch in 1..100 {
        running.handle.order(Order::Claim { router: 0, epoch }).unwrap();
        running.handle.order(Order::Withdraw { router: 0, epoch }).unwrap();
        while running.answer() != (Answer::Withdrawn { router: 0, epoch }) {}
    }

    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn a_withdrawal_that_the_kernel_refuses_is_told_once_and_tried_until_it_is_confirmed() {
    let mut lab = Lab::new();
    let lose_the_privilege = |answer| {
        if matches!(answer, Answer::Claimed { .. }) {
            caps::drop(None, CapSet::Effective, Capability::CAP_NET_ADMIN).unwrap();
        }
        if matches!(answer, Answer::ClaimFailed { .. }) {
            caps::raise(None, CapSet::Effective, Capability::CAP_NET_ADMIN).unwrap();
        }
    };
    let running = lab.start_with(&[plan(&[("10.77.0.100", 24)])], lose_the_privilege);
    running.claim(0, 1);

    running.handle.order(Order::Withdraw { router: 0, epoch: 1 }).unwrap();
    let report = running.report().to_string();
    assert!(report.starts_with("addresses could not be removed yet: 10.77.0.100/24 on eth0: "), "{report}");
    assert!(lab.find("10.77.0.100").is_some());

    // Refused as well while the withdrawal is unconfirmed; the answer gives the privilege back.
    assert_eq!(running.claim(0, 2), Answer::ClaimFailed { router: 0, epoch: 2 });
    assert_eq!(running.answer(), Answer::Withdrawn { router: 0, epoch: 1 });
    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn claimed_addresses_are_announced_and_others_are_not() {
    const ARP: i32 = 0x0806;
    let lab = Lab::new();
    let protocol = Protocol::from(i32::from((ARP as u16).to_be()));
    let mut ear = lab.neighbour.enter(|| Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap()).unwrap();
    ear.set_read_timeout(Some(PATIENCE)).unwrap();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)]), plan(&[("10.77.0.101", 24)])]);
    running.claim(0, 1);

    running.handle.order(Order::Announce { router: 1 }).unwrap();
    running.handle.order(Order::Announce { router: 0 }).unwrap();

    for _round in 0..2 {
        let mut frame = [0; 128];
        let length = ear.read(&mut frame).unwrap();
        let bytes = &frame[..length];
        assert_eq!(bytes[..6], [0xff; 6]);
        assert_eq!(bytes[28..32], [10, 77, 0, 100]);
    }
}

#[test]
fn ending_the_thread_removes_what_is_claimed() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.claim(0, 1);

    running.stop();

    assert_eq!(lab.find("10.77.0.100"), None);
    assert!(!lab.state_file().exists());
}

#[test]
fn an_address_that_somebody_else_has_is_told_before_anybody_claims_it() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.interface(|state| state.claimable);

    lab.add("10.77.0.100", 24);
    running.interface(|state| !state.claimable);
    lab.remove("10.77.0.100", 24);

    running.interface(|state| state.claimable);
    let told = "this node cannot take 10.77.0.100/24 on eth0 over: 10.77.0.100/24 on eth0 is there and was not configured by \
                vipd; remove it or take it out of `addresses`";
    assert_eq!(running.texts(), [told]);
}
