//! What a host can contradict, and how a configuration is told in words.

use std::net::IpAddr;

use super::super::{HostAddress, HostFacts, Interface, check_host, describe};
use super::*;

fn own(address: &str, prefix: u8) -> HostAddress {
    HostAddress { address: address.parse::<IpAddr>().unwrap(), prefix, claimed: false }
}

fn host(eth0: &[HostAddress]) -> HostFacts {
    let interface = |name: &str, index, addresses: &[HostAddress]| Interface {
        name: name.to_owned(),
        index,
        up: true,
        mtu: 1500,
        addresses: addresses.to_vec(),
    };
    let lo = interface("lo", 1, &[own("127.0.0.1", 8), own("::1", 128)]);
    let eth1 = interface("eth1", 4, &[own("192.0.2.1", 24)]);
    HostFacts { interfaces: vec![lo, interface("eth0", 3, eth0), eth1], clock_synchronised: true }
}

fn db1() -> HostFacts {
    host(&[own("10.77.0.1", 24), own("fe80::1:1", 64)])
}

/// Returns the messages about a text on a host, with `error` or `warning` in front.
fn said(text: &str, facts: &HostFacts) -> Vec<String> {
    let report = check_host(&parse(text).unwrap(), facts);
    report.diagnostics().iter().map(|found| format!("{:?}: {}", found.severity, found.message).to_lowercase()).collect()
}

#[test]
fn a_sound_pair_on_its_host_gives_no_cause_for_complaint() {
    assert!(said(&pair_with("peers: [10.77.0.2]\nsource: 10.77.0.1"), &db1()).is_empty());
}

#[test]
fn an_advertisement_that_its_interface_cannot_carry_whole_is_a_warning() {
    let text = |advertised: usize| {
        let address = |n: usize| match n {
            0 => "\"fe80::33/64\"".to_owned(),
            n if n < advertised => format!("\"fd00::{n:x}/64\""),
            n => format!("{{ address: \"fd00::{n:x}/64\", advertise: false }}"),
        };
        pair_where("10.77.0.100/24", &(0..120).map(address).collect::<Vec<_>>().join(", "))
    };
    let facts = host(&[own("fe80::1:1", 64), own("fd00::f001", 64)]);

    assert!(said(&text(90), &facts).is_empty());
    let warning = "warning: an advertisement of 91 addresses has 1504 bytes, but eth0 carries 1500";
    assert_eq!(said(&text(91), &facts), [warning]);
}

#[test]
fn what_is_not_advertised_is_told_and_a_long_list_is_cut() {
    let address = |n: u32| format!("{{ address: 10.77.1.{n}/24, advertise: false }}");
    let text = pair_where("/24]", &format!("/24, {}]", (1..=29).map(address).collect::<Vec<_>>().join(", ")));

    let told = describe(&parse(&text).unwrap().config, &db1());

    assert!(told.contains("; claims 10.77.0.100/24, 10.77.1.1/24 (not advertised), "), "{told}");
    assert!(told.contains("10.77.1.19/24 (not advertised), 10 more for 3 s leases"), "{told}");
}

#[test]
fn the_owner_must_have_its_addresses_on_the_router_s_interface() {
    let text = pair_with("priority: 255");
    let refusal = "error: priority 255 means that eth0 owns 10.77.0.100, but it does not";
    assert_eq!(said(&text, &db1()), [refusal]);
    assert!(said(&text, &host(&[own("10.77.0.100", 24)])).is_empty());
    let mut elsewhere = db1();
    elsewhere.interfaces[2].addresses.push(own("10.77.0.100", 24));
    assert_eq!(said(&text, &elsewhere), [refusal]);
}

#[test]
fn an_address_that_somebody_else_configured_is_a_warning_and_one_of_ours_is_not() {
    let mut facts = db1();
    facts.interfaces[1].addresses.push(own("10.77.0.100", 24));
    assert_eq!(said(PAIR, &facts), ["warning: eth0 already has 10.77.0.100: who configured it?"]);
    facts.interfaces[1].addresses[2].claimed = true;
    assert!(said(PAIR, &facts).is_empty());
}

#[test]
fn a_peer_that_is_this_host_is_an_error() {
    assert_eq!(said(&pair_with("peers: [10.77.0.1]"), &db1()), ["error: the peer 10.77.0.1 is this host"]);
    // Also where another interface has it.
    assert_eq!(said(&pair_with("peers: [192.0.2.1]"), &db1()), ["error: the peer 192.0.2.1 is this host"]);
}

#[test]
fn a_missing_interface_is_a_warning() {
    assert_eq!(said(&pair_where("eth0", "eth7"), &db1()), ["warning: this host has no interface eth7"]);
    let dev = pair_where("[10.77.0.100/24]", "[{ address: 10.77.0.100/24, dev: eth8 }]");
    assert_eq!(said(&dev, &db1()), ["warning: this host has no interface eth8"]);
}

#[test]
fn a_source_that_is_not_there_is_a_warning() {
    assert_eq!(said(&pair_with("source: 10.77.0.9"), &db1()), ["warning: eth0 has no address 10.77.0.9"]);
    let bare = said(PAIR, &host(&[own("fe80::1:1", 64)]));
    assert!(bare.contains(&"warning: eth0 has no ipv4 address of its own".to_owned()), "{bare:?}");
}

#[test]
fn an_address_outside_every_subnet_is_a_warning_that_says_what_happens() {
    let text = pair_where("10.77.0.100/24", "10.78.0.100/24");
    assert_eq!(said(&text, &db1()), ["warning: 10.78.0.100 is in no subnet of eth0"]);
    let report = check_host(&parse(&text).unwrap(), &db1());
    assert!(report.diagnostics()[0].help.as_deref().unwrap().contains("/32"));
    assert!(said(&pair_where("10.77.0.100/24", "10.77.0.100"), &db1()).is_empty());
    // 10.77.0.200 differs from 10.77.0.1 in the first bit after the prefix of 24 bits.
    assert!(said(&pair_where("10.77.0.100/24", "10.77.0.200"), &db1()).is_empty());
    let short = host(&[own("10.77.0.1", 25)]);
    assert_eq!(
        said(&pair_where("10.77.0.100/24", "10.77.0.200"), &short),
        ["warning: 10.77.0.200 is in no subnet of eth0"]
    );
    // What vipd put there is no subnet of the host.
    let mut facts = db1();
    facts.interfaces[1].addresses.push(HostAddress { claimed: true, ..own("10.78.0.100", 24) });
    assert_eq!(said(&pair_where("10.77.0.100/24", "10.78.0.101/24"), &facts).len(), 1);
}

#[test]
fn findings_about_the_host_point_into_the_file() {
    let text = pair_with("priority: 255\npeers: [10.77.0.1]");
    insta::assert_snapshot!(check_host(&parse(&text).unwrap(), &db1()));
}

#[test]
fn a_configuration_is_told_in_words() {
    let text = "
realtime: off
virtual_routers:
  - { name: orders-db, interface: eth0, vrid: 51, priority: 200, addresses: [10.77.0.100/24], routers: 2 }
  - { name: fast, interface: eth0, vrid: 52, addresses: [10.77.0.101/24], advertisement_interval: 10ms, preempt: false,
      peers: [10.77.0.2, 10.77.0.3], source: 10.77.0.1, lease: 5s }
  - { name: six, interface: eth0, vrid: 51, addresses: [\"fe80::33/64\"], preempt_delay: 1m30s, startup_delay: 5s, lease: off }
  - { name: own, interface: eth1, vrid: 1, addresses: [192.0.2.1/24], priority: 255, version: 2 }
  - { name: later, interface: eth9, vrid: 1, addresses: [{ address: 192.0.2.7/24, dev: eth1 }] }
";
    insta::assert_snapshot!(describe(&parse(text).unwrap().config, &db1()));
}

#[test]
fn the_automatic_lease_grows_so_that_renewals_stay_under_64_a_second() {
    let with = |count: u32| {
        let addresses: Vec<_> = (1..=count).map(|n| format!("10.9.0.{n}")).collect();
        parse(&pair_where("[10.77.0.100/24]", &format!("[{}]", addresses.join(",")))).unwrap().config.automatic_lease()
    };
    assert_eq!([with(1), with(64), with(65), with(128), with(250)], [3, 3, 4, 6, 12]);
    // A fixed lease is renewed too; one that is off is not.
    let beside = |lease: &str| {
        let addresses: Vec<_> = (1..=64).map(|n| format!("10.9.0.{n}")).collect();
        let second = format!(
            "  - {{ name: b, interface: eth0, vrid: 2, lease: {lease}, addresses: [{}] }}\n",
            addresses.join(",")
        );
        parse(&format!("{PAIR}{second}")).unwrap().config.automatic_lease()
    };
    assert_eq!([beside("9s"), beside("off")], [4, 3]);
}
