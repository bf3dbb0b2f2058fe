use std::sync::{Arc, Barrier};

use super::*;

/// Starts an address thread that hangs once it has claimed, until the barrier is reached from outside.
pub(super) fn start_hanging(lab: &Lab, plans: &[Plan]) -> (Running, Arc<Barrier>) {
    let barrier = Arc::new(Barrier::new(2));
    let inside = Arc::clone(&barrier);
    let running = lab.start_with(plans, move |answer| {
        if matches!(answer, Answer::Claimed { .. }) {
            inside.wait();
        }
    });
    (running, barrier)
}

#[test]
fn a_lease_is_renewed_while_the_thread_lives() {
    let mut lab = Lab::new();
    let running =
        lab.start(&[Plan { lease: Some(Duration::from_secs(2)), ..plan(&[("10.77.0.100", 24), ("10.77.0.101", 24)]) }]);
    running.claim(0, 1);
    let begun = Instant::now();

    // Longer than the lease: at each look the addresses are there.
    while begun.elapsed() < Duration::from_secs(4) {
        assert!(lab.find("10.77.0.100").is_some() && lab.find("10.77.0.101").is_some());
    }

    assert_eq!(running.texts(), [] as [String; 0]);
}

#[test]
fn the_kernel_removes_the_addresses_of_a_thread_that_hangs() {
    let mut lab = Lab::new();
    let short = Plan { lease: Some(Duration::from_secs(2)), ..plan(&[("10.77.0.100", 24)]) };
    let short_v6 = Plan { lease: Some(Duration::from_secs(2)), ..plan(&[("fd00:77::100", 64)]) };
    let (running, barrier) = start_hanging(&lab, &[short]);
    running.claim(0, 1);
    let mut other = Lab::new();
    let (running_v6, barrier_v6) = start_hanging(&other, &[short_v6]);
    running_v6.claim(0, 1);

    lab.eventually("the kernel removes the IPv4 address", |lab| lab.find("10.77.0.100").is_none());
    other.eventually("the kernel removes the IPv6 address", |lab| lab.find("fd00:77::100").is_none());

    barrier.wait();
    barrier_v6.wait();
}

#[test]
fn rule_12_a_thread_that_was_away_gives_up_what_another_node_may_own() {
    let mut lab = Lab::new();
    let (running, barrier) =
        start_hanging(&lab, &[Plan { lease: Some(Duration::from_secs(2)), ..plan(&[("10.77.0.100", 24)]) }]);
    running.claim(0, 1);
    lab.eventually("the kernel removes the address", |lab| lab.find("10.77.0.100").is_none());

    barrier.wait();

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert!(running.report().to_string().starts_with("the lease was last renewed "));
    assert_eq!(lab.find("10.77.0.100"), None);
    assert_eq!(running.withdraw(0, 1), Answer::Withdrawn { router: 0, epoch: 1 });
}

#[test]
fn rule_12_an_address_that_is_still_there_is_not_renewed_in_the_last_half_second() {
    let mut lab = Lab::new();
    let (running, barrier) = start_hanging(&lab, &[plan(&[("10.77.0.100", 24)])]);
    running.claim(0, 1);
    let claimed = Instant::now();
    lab.eventually("half a second is left of 3", |_| claimed.elapsed() > Duration::from_millis(2510));
    assert!(lab.find("10.77.0.100").is_some());

    barrier.wait();

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn a_claim_that_lay_too_long_is_refused() {
    let mut lab = Lab::new();
    let (running, barrier) = start_hanging(&lab, &[plan(&[("10.77.0.100", 24)]), plan(&[("10.77.0.101", 24)])]);
    running.claim(0, 1);
    running.handle.order(Order::Claim { router: 1, epoch: 1 }).unwrap();
    let ordered = Instant::now();
    lab.eventually("the order is stale", |_| ordered.elapsed() > Duration::from_millis(1100));

    barrier.wait();

    assert_eq!(running.answer(), Answer::ClaimFailed { router: 1, epoch: 1 });
    assert!(running.report().to_string().contains("this node was not running"));
    assert_eq!(lab.find("10.77.0.101"), None);
}
