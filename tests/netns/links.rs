//! Interfaces and source addresses that come and go.

use vipd::control::{Fault, State};

use crate::lab::{Lab, Node, Router};

fn is_deaf(node: &Node) {
    node.wait_for("is in fault", |router| router.state == State::Aside && router.fault == Some(Fault::Deaf));
}

#[test]
fn an_interface_that_appears_after_the_start_is_used() {
    let mut lab = Lab::new();
    let mut a = lab.unconnected(1);
    a.run(&[Router::pair(200)]);
    is_deaf(&a);
    assert_eq!(a.router().interface_index, None);
    a.logs("eth0 is not there; waiting for it");

    lab.connect(&mut a, "eth0");
    a.wait_for("sees it", |router| router.link_up);
    assert_eq!(a.router().fault, Some(Fault::Deaf));
    a.add_address("eth0", "10.77.0.1", 24);

    a.becomes(State::Active);
    assert!(a.has("10.77.0.100"));
}

#[test]
fn an_interface_that_is_made_anew_with_another_index_is_used_again() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(2);
    let former = a.index("eth0");

    a.delete_interface("eth0");

    is_deaf(&a);
    b.becomes(State::Active);
    lab.connect(&mut a, "eth0");
    a.add_address("eth0", "10.77.0.1", 24);
    a.becomes(State::Active);
    let index = a.index("eth0");
    assert_ne!(index, former);
    assert_eq!(a.find("10.77.0.100").unwrap().index, index);
    // It hears on the new one, too.
    b.becomes(State::Backup);
    assert!(a.stop().success());
    b.becomes(State::Active);
}

#[test]
fn without_a_source_address_the_role_is_given_up_until_there_is_one() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(2);

    a.remove_address("eth0", "10.77.0.1", 24);

    is_deaf(&a);
    assert!(!a.has("10.77.0.100"));
    b.becomes(State::Active);
    a.logs("eth0 has no address to advertise from");
    a.add_address("eth0", "10.77.0.3", 24);
    a.becomes(State::Active);
    assert!(a.has("10.77.0.100"));
    assert_eq!(b.after_hearing(3).active_router.unwrap().source, crate::lab::ip("10.77.0.3"));
}

#[test]
fn an_interface_that_is_switched_off_is_a_fault_until_it_is_on_again() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(2);

    a.set_up("eth0", false);

    is_deaf(&a);
    assert!(!a.has("10.77.0.100"));
    b.becomes(State::Active);
    a.set_up("eth0", true);
    a.becomes(State::Active);
    b.becomes(State::Backup);
    assert!(a.has("10.77.0.100") && !b.has("10.77.0.100"));
}

#[test]
fn a_lost_carrier_is_a_fault_until_it_returns() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    b.run(&[Router::pair(100)]);
    b.after_hearing(2);

    lab.set_carrier(&a, "eth0", false);

    is_deaf(&a);
    assert!(!a.has("10.77.0.100"));
    b.becomes(State::Active);
    lab.set_carrier(&a, "eth0", true);
    a.becomes(State::Active);
    b.becomes(State::Backup);
}

#[test]
fn an_ipv6_router_survives_a_lost_carrier_too() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::ipv6_pair(200)]);
    a.becomes(State::Active);

    lab.set_carrier(&a, "eth0", false);

    is_deaf(&a);
    assert!(!a.has("fd00:77::100"));
    lab.set_carrier(&a, "eth0", true);
    a.becomes(State::Active);
    assert!(a.has("fe80::51") && a.has("fd00:77::100"));
}
