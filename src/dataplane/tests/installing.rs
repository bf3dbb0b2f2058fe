//! Routers that come, change and go while the thread runs.

use super::*;
use crate::net::netlink::{Groups, Monitor, MonitorEvent};

impl Lab {
    /// Hears of addresses that come and go from now on.
    fn monitor(&self) -> Monitor {
        self.host.enter(|| Monitor::open(Groups::ALL)).unwrap().unwrap()
    }
}

/// Tells whether the kernel has said since the last look that an address is gone.
fn gone(events: &mut Monitor, address: &str) -> bool {
    let mut gone = false;
    while let Some(event) = events.next_event().unwrap() {
        gone |= matches!(event, MonitorEvent::AddressGone(change) if change.address.address.to_string() == address);
    }
    gone
}

impl Running {
    fn install(&self, router: usize, plan: Plan) {
        self.handle.order(Order::Install { router, plan: Box::new(plan) }).unwrap();
    }

    /// Waits until the thread has taken in what was ordered: each plan is answered with its interface.
    fn installed(&self, router: usize) {
        loop {
            match self.answers.recv_timeout(PATIENCE).unwrap() {
                Answer::Interface { router: told, .. } if told == router => return,
                Answer::Interface { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Starts a thread that holds these addresses.
fn holding(lab: &Lab, addresses: &[(&str, u8)]) -> Running {
    let running = lab.start(&[plan(addresses)]);
    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });
    running
}

#[test]
fn an_address_comes_and_another_goes_while_the_rest_stays() {
    let mut lab = Lab::new();
    let running = holding(&lab, &[("10.77.0.100", 24), ("10.77.0.101", 24)]);
    let mut monitor = lab.monitor();

    running.install(0, plan(&[("10.77.0.100", 24), ("10.77.0.102", 24)]));

    running.installed(0);
    lab.eventually("the exchange", |lab| lab.find("10.77.0.102").is_some() && lab.find("10.77.0.101").is_none());
    assert!(lab.find("10.77.0.100").is_some());
    assert!(!gone(&mut monitor, "10.77.0.100"), "what stays went away for a moment");
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert!(lab.find("10.77.0.100").is_none() && lab.find("10.77.0.102").is_none());
    assert_eq!(running.texts(), Vec::<String>::new());
}

#[test]
fn ipv6_addresses_are_exchanged_too() {
    let mut lab = Lab::new();
    let running = holding(&lab, &[("fe80::51", 64), ("fd00:77::100", 64)]);

    running.install(0, plan(&[("fe80::51", 64), ("fd00:77::101", 64)]));

    lab.eventually("the exchange", |lab| lab.find("fd00:77::101").is_some() && lab.find("fd00:77::100").is_none());
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert!(lab.find("fe80::51").is_none() && lab.find("fd00:77::101").is_none());
}

#[test]
fn a_changed_lease_takes_effect_at_once_and_the_address_stays() {
    let mut lab = Lab::new();
    let running = holding(&lab, &[("10.77.0.100", 24)]);
    let mut monitor = lab.monitor();

    running.install(0, Plan { lease: Some(Duration::from_secs(30)), ..plan(&[("10.77.0.100", 24)]) });
    lab.eventually("the longer lease", |lab| {
        lab.find("10.77.0.100").unwrap().valid_seconds.is_some_and(|seconds| seconds > 3)
    });
    running.install(0, Plan { lease: None, ..plan(&[("10.77.0.100", 24)]) });

    lab.eventually("no lease", |lab| lab.find("10.77.0.100").unwrap().valid_seconds.is_none());
    lab.eventually("no stamp", |_| running.handle.renewed(0).is_none());
    assert!(!gone(&mut monitor, "10.77.0.100"));
}

#[test]
fn an_address_in_another_form_replaces_the_former() {
    let mut lab = Lab::new();
    let running = holding(&lab, &[("10.77.0.100", 24)]);
    let labelled = PlannedAddress { label: Some("eth0:db".to_owned()), ..planned("10.77.0.100", 24) };

    running.install(0, Plan { addresses: vec![labelled], ..plan(&[]) });
    running.installed(0);
    running.install(0, plan(&[("10.77.0.100", 32)]));

    lab.eventually("the other form", |lab| lab.find("10.77.0.100").is_some_and(|known| known.prefix == 32));
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
    assert!(lab.find("10.77.0.100").is_none());
}

#[test]
fn rule_15_an_address_that_somebody_else_has_ends_the_claim_and_stays_his() {
    let mut lab = Lab::new();
    let running = holding(&lab, &[("10.77.0.100", 24)]);
    lab.add("10.77.0.102", 24);

    running.install(0, plan(&[("10.77.0.100", 24), ("10.77.0.102", 24)]));

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert!(lab.find("10.77.0.100").is_none());
    assert!(lab.find("10.77.0.102").is_some());
    assert!(running.report().to_string().contains("10.77.0.102/24 on eth0 is there and was not configured by vipd"));
}

#[test]
fn a_router_that_is_not_here_only_learns_its_new_plan() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);

    running.install(0, plan(&[("10.77.0.102", 24)]));
    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });

    assert!(lab.find("10.77.0.102").is_some());
    assert!(lab.find("10.77.0.100").is_none());
}

#[test]
fn a_new_router_gets_a_place_and_its_place_is_free_when_nothing_of_it_is_left() {
    let mut lab = Lab::new();
    let running = holding(&lab, &[("10.77.0.100", 24)]);

    running.install(1, plan(&[("10.77.0.101", 24)]));
    running.installed(1);
    assert_eq!(running.claim(1, 7), Answer::Claimed { router: 1, epoch: 7 });
    running.handle.order(Order::Remove { router: 1 }).unwrap();
    assert_eq!(running.answer(), Answer::Removed { router: 1 });
    assert!(lab.find("10.77.0.101").is_none() && lab.find("10.77.0.100").is_some());

    // Another router there begins to count anew.
    running.install(1, plan(&[("10.77.0.103", 24)]));
    assert_eq!(running.claim(1, 1), Answer::Claimed { router: 1, epoch: 1 });
    assert!(lab.find("10.77.0.103").is_some());
}

#[test]
fn an_address_that_is_planned_no_more_is_the_hosts_own() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.interface(|state| state.source_v4.is_some());
    lab.remove("10.77.0.1", 24);
    running.interface(|state| state.source_v4.is_none());

    running.install(0, plan(&[("10.77.0.102", 24)]));
    running.interface(|state| state.source_v4.is_none());
    lab.add("10.77.0.100", 24);

    running.interface(|state| state.source_v4 == Some([10, 77, 0, 100].into()));
}
