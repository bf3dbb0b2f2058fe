use super::*;
use crate::net::boot_nanos;

const SILENCE: Duration = Duration::from_millis(300);

fn vouched_plan() -> Plan {
    Plan { silence: SILENCE, ..plan(&[("10.77.0.100", 24)]) }
}

/// Claims, with a node behind it that has just advertised.
fn claim(running: &Running) {
    running.handle.vouch(0, boot_nanos());
    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });
}

#[test]
fn rule_12_a_superseded_thread_claims_nothing() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    lab.overseen.superseded.store(true, Ordering::SeqCst);

    assert_eq!(running.claim(0, 1), Answer::ClaimFailed { router: 0, epoch: 1 });

    assert!(running.report().to_string().contains("the guardian has given up on this process"));
    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn rule_12_a_superseded_thread_renews_nothing_and_puts_nothing_back() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    running.claim(0, 1);
    lab.overseen.superseded.store(true, Ordering::SeqCst);

    lab.remove("10.77.0.100", 24);

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert_eq!(running.report().event, ReportEvent::Superseded);
    assert_eq!(lab.find("10.77.0.100"), None);
    let second = Lab::new();
    let running = second.start(&[plan(&[("10.77.0.100", 24)])]);
    running.claim(0, 1);
    second.overseen.superseded.store(true, Ordering::SeqCst);
    // With the next renewal, half a second after the claim.
    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
}

#[test]
fn rule_11_a_node_that_did_not_advertise_claims_nothing() {
    let mut lab = Lab::new();
    let running = lab.start(&[vouched_plan()]);

    assert_eq!(running.claim(0, 1), Answer::ClaimFailed { router: 0, epoch: 1 });

    assert!(matches!(running.report().event, ReportEvent::NotVouched(_)));
    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn rule_11_the_lease_of_a_node_that_does_not_advertise_ends() {
    let mut lab = Lab::new();
    let running = lab.start(&[Plan { lease: Some(Duration::from_secs(2)), ..vouched_plan() }]);
    claim(&running);
    let claimed = Instant::now();

    lab.eventually("the address is gone", |lab| lab.find("10.77.0.100").is_none());

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert!(claimed.elapsed() < Duration::from_millis(2500), "{:?}", claimed.elapsed());
}

#[test]
fn rule_11_an_address_that_vanishes_from_a_silent_node_is_not_put_back() {
    let mut lab = Lab::new();
    let running = lab.start(&[vouched_plan()]);
    claim(&running);
    let vouched = Instant::now();
    lab.eventually("another node may have taken over", |_| vouched.elapsed() > SILENCE);

    lab.remove("10.77.0.100", 24);

    assert_eq!(running.answer(), Answer::Lost { router: 0, epoch: 1 });
    assert!(matches!(running.report().event, ReportEvent::NotVouched(_)));
    assert_eq!(lab.find("10.77.0.100"), None);
}

#[test]
fn a_thread_promises_to_run_again_sooner_while_it_has_addresses_and_nothing_once_it_ends() {
    let mut lab = Lab::new();
    let promised = |lab: &Lab| lab.overseen.promised.load(Ordering::SeqCst);
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    lab.eventually("it sleeps", |lab| promised(lab) == 3750);

    running.claim(0, 1);

    lab.eventually("it holds an address", |lab| promised(lab) == 2250);
    running.stop();
    assert_eq!(promised(&lab), 0);
}
