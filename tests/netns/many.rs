//! More than one router, interface or address on a node.

use std::collections::BTreeSet;

use vipd::control::State;

use crate::lab::{Lab, Node, Router, Sight, ip, wait_until};

/// Waits until a router of a node, by its place in the file, is in a state.
fn becomes(node: &Node, router: usize, state: State) {
    wait_until(&format!("router {router} of node {} becomes {state}", node.host()), || {
        node.status().routers[router].state == state
    });
}

#[test]
fn active_active_each_node_has_one_role_and_takes_both_when_alone() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let second =
        |priority| Router::pair(priority).with("name", "second").with("vrid", 52).with("addresses", "[10.77.0.101/24]");

    a.run(&[Router::pair(200), second(100)]);
    b.run(&[Router::pair(100), second(200)]);

    becomes(&a, 0, State::Active);
    becomes(&b, 1, State::Active);
    becomes(&a, 1, State::Backup);
    becomes(&b, 0, State::Backup);
    assert!(a.has("10.77.0.100") && b.has("10.77.0.101"));
    assert!(!b.has("10.77.0.100") && !a.has("10.77.0.101"));
    a.stop();
    b.becomes(State::Active);
    assert!(b.has("10.77.0.100") && b.has("10.77.0.101"));
}

#[test]
fn one_node_runs_fifty_routers_and_hands_all_of_them_over() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let routers = |priority| -> Vec<Router> {
        let one = |number: u8| {
            let router = Router::pair(priority).with("name", format_args!("r{number}")).with("vrid", number);
            router.with("addresses", format_args!("[10.77.1.{number}/24]"))
        };
        (1..=50).map(one).collect()
    };
    a.run(&routers(200));
    a.becomes(State::Active);
    b.run(&routers(100));
    b.becomes(State::Backup);
    wait_until("the second hears every router of the first", || {
        b.status().routers.iter().all(|router| router.active_router.is_some())
    });
    let claimed = |node: &mut Node| (1..=50).filter(|number| node.has(&format!("10.77.1.{number}"))).count();
    assert_eq!((claimed(&mut a), claimed(&mut b)), (50, 0));

    assert!(a.stop().success());

    b.becomes(State::Active);
    assert_eq!((claimed(&mut a), claimed(&mut b)), (0, 50));
}

#[test]
fn a_router_uses_its_own_interface_alone() {
    let (mut lab, mut other_lab) = (Lab::new(), Lab::new());
    let mut a = lab.node(1);
    other_lab.connect(&mut a, "eth1");
    a.add_address("eth1", "10.78.0.1", 24);
    let (mut wire, mut other_wire) = (lab.listen(), other_lab.listen());

    // The same VRID on both: it names another router on each interface.
    let second = Router::pair(200).with("name", "second").with("interface", "eth1");
    a.run(&[Router::pair(200), second.with("addresses", "[10.78.0.100/24]")]);

    a.becomes(State::Active);
    for (wire, address) in [(&mut wire, "10.77.0.100"), (&mut other_wire, "10.78.0.100")] {
        let passed = wire.until("an announcement", |seen| seen.is_announcement_of(&a));
        assert_eq!(passed.last().unwrap().what, Sight::Announcement(ip(address)));
        let first = |seen: &crate::lab::Seen| match seen.what {
            Sight::Advertisement { first, .. } => Some(first),
            Sight::Announcement(_) | Sight::Other => None,
        };
        let advertised: BTreeSet<_> = passed.iter().filter_map(first).collect();
        assert_eq!(advertised, BTreeSet::from([ip(address)]));
    }
    let (eth0, eth1) = (a.index("eth0"), a.index("eth1"));
    assert_eq!(a.find("10.77.0.100").unwrap().index, eth0);
    assert_eq!(a.find("10.78.0.100").unwrap().index, eth1);
}

#[test]
fn a_router_has_a_hundred_addresses_all_claimed_announced_and_handed_over() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    let names: Vec<String> = (1..=100).map(|number| format!("10.77.1.{number}")).collect();
    let router = |priority| Router::pair(priority).with("addresses", format_args!("[{}]", names.join(", ")));
    let claimed = |node: &mut Node| {
        let here: BTreeSet<_> = node.addresses().iter().map(|known| known.address).collect();
        names.iter().filter(|name| here.contains(&ip(name))).count()
    };
    let mut wire = lab.listen();

    a.run(&[router(200)]);
    let mut announced = BTreeSet::new();
    wire.until("a hundred announcements", |seen| {
        if let Sight::Announcement(address) = seen.what {
            announced.insert(address);
        }
        announced.len() == 100
    });
    b.run(&[router(100)]);
    b.after_hearing(3);
    assert_eq!((claimed(&mut a), claimed(&mut b)), (100, 0));

    assert!(a.stop().success());

    b.becomes(State::Active);
    assert_eq!((claimed(&mut a), claimed(&mut b)), (0, 100));
}
