#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use core::time::Duration;
use std::time::Instant;

use super::*;

fn lab() -> (Namespace, Netlink) {
    let namespace = Namespace::new().unwrap_or_else(|error| panic!("{error}"));
    let netlink = Netlink::open_in(&namespace).unwrap();
    (namespace, netlink)
}

fn find(netlink: &mut Netlink, name: &str) -> Link {
    links(netlink).unwrap().into_iter().find(|link| link.name == name).unwrap()
}

fn wait_until_running(netlink: &mut Netlink, name: &str) {
    // The kernel works out the operational state behind the scenes, within a second.
    let deadline = Instant::now() + Duration::from_secs(5);
    while !find(netlink, name).running {
        assert!(Instant::now() < deadline, "{name} never ran");
    }
}

#[test]
fn a_veth_pair_spans_two_namespaces_and_runs_when_both_ends_are_up() {
    let (left, mut left_link) = lab();
    let (right, mut right_link) = lab();
    create_veth(&mut left_link, "eth0", &left, "eth1", &right).unwrap();
    let here = find(&mut left_link, "eth0");
    let there = find(&mut right_link, "eth1");
    assert!(here.mac.is_some() && !here.up);

    set_up(&mut left_link, here.index).unwrap();
    set_up(&mut right_link, there.index).unwrap();

    wait_until_running(&mut left_link, "eth0");
    wait_until_running(&mut right_link, "eth1");
}

#[test]
fn an_end_without_its_peer_never_runs_not_even_in_its_first_moment() {
    let (left, mut left_link) = lab();
    let (right, _right_link) = lab();
    for number in 0..10 {
        let name = format!("eth{number}");
        create_veth(&mut left_link, &name, &left, &name, &right).unwrap();
        let index = find(&mut left_link, &name).index;

        set_up(&mut left_link, index).unwrap();

        let link = find(&mut left_link, &name);
        assert!(!link.running, "{link:?}");
    }
}

#[test]
fn a_bridge_port_can_be_cut_while_its_link_stays_up() {
    let (switch, mut netlink) = lab();
    let (host, mut host_link) = lab();
    create_bridge(&mut netlink, "br0").unwrap();
    create_veth(&mut netlink, "port0", &switch, "eth0", &host).unwrap();
    let bridge = index_of(&mut netlink, "br0").unwrap().unwrap();
    let port = index_of(&mut netlink, "port0").unwrap().unwrap();
    let inner = index_of(&mut host_link, "eth0").unwrap().unwrap();
    set_master(&mut netlink, port, Some(bridge)).unwrap();
    set_up(&mut netlink, bridge).unwrap();
    set_up(&mut netlink, port).unwrap();
    set_up(&mut host_link, inner).unwrap();

    wait_until_running(&mut host_link, "eth0");
    wait_until_running(&mut netlink, "port0");

    set_port_state(&mut netlink, port, PortState::Disabled).unwrap();

    assert!(find(&mut host_link, "eth0").running);
    set_port_state(&mut netlink, port, PortState::Forwarding).unwrap();
}

#[test]
fn addresses_are_listed_with_their_link_and_can_be_removed() {
    let (namespace, mut netlink) = lab();
    create_veth(&mut netlink, "a", &namespace, "b", &namespace).unwrap();
    let index = index_of(&mut netlink, "a").unwrap().unwrap();
    set_mac(&mut netlink, index, [2, 0, 0, 0, 0, 1]).unwrap();
    set_up(&mut netlink, index).unwrap();
    add_address(&mut netlink, index, "10.0.0.1".parse().unwrap(), 24).unwrap();
    add_address(&mut netlink, index, "10.0.0.2".parse().unwrap(), 24).unwrap();
    add_address(&mut netlink, index, "fd00::1".parse().unwrap(), 64).unwrap();
    add_route(&mut netlink, "0.0.0.0".parse().unwrap(), 0, "10.0.0.254".parse().unwrap()).unwrap();

    let link = find(&mut netlink, "a");

    assert_eq!(link.mac, Some([2, 0, 0, 0, 0, 1]));
    let ours: Vec<_> = link.addresses.iter().filter(|address| address.scope == 0).collect();
    assert_eq!(ours.iter().map(|address| address.secondary).collect::<Vec<_>>(), [false, true, false]);
    assert!(ours.iter().all(|address| !address.tentative && address.valid_seconds.is_none()));
    remove_address(&mut netlink, index, "fd00::1".parse().unwrap(), 64).unwrap();
    assert!(remove_address(&mut netlink, index, "fd00::1".parse().unwrap(), 64).unwrap_err().is_not_found());
    delete(&mut netlink, index).unwrap();
    assert_eq!(index_of(&mut netlink, "b").unwrap(), None);
}

#[test]
fn a_neighbour_is_known_until_it_is_forgotten() {
    let (namespace, mut netlink) = lab();
    create_veth(&mut netlink, "a", &namespace, "b", &namespace).unwrap();
    let index = index_of(&mut netlink, "a").unwrap().unwrap();
    set_up(&mut netlink, index).unwrap();
    let (address, mac) = ("10.0.0.9".parse().unwrap(), [2, 0, 0, 0, 0, 9]);

    set_neighbour(&mut netlink, index, address, mac).unwrap();

    assert_eq!(neighbour(&mut netlink, index, address).unwrap(), Some(mac));
    assert_eq!(neighbour(&mut netlink, index + 1, address).unwrap(), None);
    remove_neighbour(&mut netlink, index, address).unwrap();
    assert_eq!(neighbour(&mut netlink, index, address).unwrap(), None);
}
