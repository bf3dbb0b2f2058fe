use super::*;

#[test]
fn rule_15_what_an_earlier_run_recorded_is_removed_at_the_start_and_nothing_else() {
    let mut lab = Lab::new();
    let first = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    first.claim(0, 1);
    lab.add("10.77.0.101", 24);

    // The file is all that leads the second run to the address: it has another plan by now.
    let second = lab.start(&[plan(&[("10.77.0.101", 24)])]);
    second.interface(|state| state.index.is_some());

    assert!(lab.find("10.77.0.101").is_some());
    let told = second.texts();
    assert_eq!(told[0], "removed 10.77.0.100/24 on eth0, left behind by an earlier run");
    assert!(told[1].starts_with("this node cannot take 10.77.0.101/24 on eth0 over"), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn rule_15_a_recorded_address_that_somebody_else_has_configured_since_stays() {
    let mut lab = Lab::new();
    lab.add("10.77.0.100", 24);
    std::fs::write(lab.state_file(), "eth0 10.77.0.100/24\n").unwrap();

    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);

    assert!(matches!(running.claim(0, 1), Answer::ClaimFailed { .. }));
    assert!(lab.find("10.77.0.100").is_some_and(|known| known.valid_seconds.is_none()));
}

#[test]
fn rule_15_a_planned_address_with_our_mark_is_removed_at_the_start_and_another_is_not() {
    let mut lab = Lab::new();
    let first = lab.start(&[plan(&[("10.77.0.100", 24)]), plan(&[("10.77.0.101", 24)])]);
    first.claim(0, 1);
    first.claim(1, 1);
    std::fs::remove_file(lab.state_file()).unwrap();

    // The first run still renews: for the second one its addresses are what a crash leaves behind.
    let second = lab.start(&[plan(&[("10.77.0.100", 24)])]);
    second.interface(|state| state.index.is_some());

    // The first run puts it back, which the second one may tell of as well.
    assert_eq!(second.texts()[0], "removed 10.77.0.100/24 on eth0, left behind by an earlier run");
    assert!(lab.find("10.77.0.101").is_some());
}

#[test]
fn rule_15_claimed_addresses_are_recorded_and_withdrawn_ones_are_not() {
    let mut lab = Lab::new();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)]), plan(&[("192.168.7.7", 24)])]);

    running.claim(0, 1);
    running.claim(1, 1);
    let recorded = std::fs::read_to_string(lab.state_file()).unwrap();
    assert_eq!(recorded, "eth0 10.77.0.100/24\neth0 192.168.7.7/32\n");

    running.withdraw(0, 1);
    let file = lab.state_file();
    lab.eventually("the record follows", |_| {
        std::fs::read_to_string(&file).is_ok_and(|text| text == "eth0 192.168.7.7/32\n")
    });
}

#[test]
fn a_state_file_that_cannot_be_written_is_told_and_does_not_stop_a_claim() {
    let lab = Lab::new();
    std::fs::create_dir_all(lab.state_file().join("in the way")).unwrap();
    let running = lab.start(&[plan(&[("10.77.0.100", 24)])]);

    assert_eq!(running.claim(0, 1), Answer::Claimed { router: 0, epoch: 1 });

    assert!(running.texts().iter().any(|text| text.contains("cannot be written")));
}

#[test]
fn the_guardian_removes_what_a_hanging_thread_has_claimed_and_nothing_else() {
    let mut lab = Lab::new();
    let plans = [plan(&[("10.77.0.100", 24), ("192.168.7.7", 24), ("10.77.0.102", 24)])];
    let claiming = [plan(&[("10.77.0.100", 24), ("192.168.7.7", 24)])];
    let (running, barrier) = super::leases::start_hanging(&lab, &claiming);
    running.claim(0, 1);
    lab.add("10.77.0.102", 24);

    lab.host.enter(|| remove_all(&plans[0])).unwrap().unwrap();

    assert_eq!((lab.find("10.77.0.100"), lab.find("192.168.7.7")), (None, None));
    assert!(lab.find("10.77.0.102").is_some());
    barrier.wait();
}

#[test]
fn rule_16_the_guardian_leaves_an_owners_addresses_alone() {
    let mut lab = Lab::new();
    let owner = Plan { owner: true, ..plan(&[("10.77.0.1", 24)]) };

    lab.host.enter(|| remove_all(&owner)).unwrap().unwrap();

    assert!(lab.find("10.77.0.1").is_some());
    let state = lab.host.enter(|| survey([&owner].into_iter(), &owner)).unwrap().unwrap();
    assert_eq!((state.source_v4, state.up), (Some("10.77.0.1".parse().unwrap()), true));
}
