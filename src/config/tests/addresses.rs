//! One test for each thing that must hold for addresses: virtual ones, peers, the source.

use super::super::model::Source;
use super::*;

#[test]
fn a_link_local_address_may_live_on_two_links_but_not_twice_on_one() {
    let v6 = |interface: &str, vrid| {
        format!(
            "virtual_routers:\n- {{ name: a, interface: eth0, vrid: 1, addresses: [\"fe80::1\"] }}\n- {{ name: b, interface: {interface}, vrid: {vrid}, addresses: [\"fe80::1\"] }}\n"
        )
    };
    parse(&v6("eth1", 1)).unwrap();
    assert!(error(&v6("eth0", 2)).ends_with("the address fe80::1 belongs to two virtual routers"));
}

#[test]
fn an_address_twice_in_one_router_is_refused() {
    let text = pair_where("[10.77.0.100/24]", "[10.77.0.100/24, 10.77.0.100/32]");
    assert_eq!(error(&text), "5:33 the address 10.77.0.100 is listed twice");
}

#[test]
fn an_empty_peer_list_means_multicast_only_where_it_is_written_out() {
    assert!(router("peers: []").peers.is_empty());
    assert_eq!(error(&pair_with("peers:")), "6:5 `peers` is empty");
    assert_eq!(error(&pair_with("peers: ~")), "6:12 `peers` is empty");
    assert_eq!(error(&pair_with("peers: [~]")), "6:13 an entry of `peers` is empty, but it must be text");
    assert_eq!(error(&pair_with("peers: [\"\"]")), "6:13 an entry of `peers` is \"\", but it must be text");
    assert_eq!(error(&pair_with("peers:\n  -")), "7:8 an entry of `peers` is empty, but it must be text");
    assert_eq!(error(&pair_with("peers: 10.77.0.2")), "6:12 `peers` is \"10.77.0.2\", but it must be a list");
}

#[test]
fn a_peer_is_the_address_of_another_host() {
    for (peers, message) in [
        ("[db2]", "an entry of `peers` is \"db2\", but it must be an IP address"),
        ("[10.77.0.2/24]", "`peers` takes addresses without a prefix length"),
        ("[224.0.0.18]", "224.0.0.18 cannot stand in `peers`: it is a multicast address"),
        ("[127.0.0.1]", "127.0.0.1 cannot stand in `peers`: it is a loopback address"),
        ("[\"fd00::2\"]", "the peer fd00::2 is not IPv4"),
        ("[10.77.0.100]", "the peer 10.77.0.100 is a virtual address"),
    ] {
        assert_eq!(error(&pair_with(&format!("peers: {peers}"))), format!("6:13 {message}"));
    }
    let twice = pair_with("peers: [10.77.0.2, 10.77.0.3, 10.77.0.2]");
    assert_eq!(error(&twice), "6:35 the peer 10.77.0.2 is listed twice");
    let own = pair_with("peers: [10.77.0.2]\nsource: 10.77.0.2");
    assert_eq!(error(&own), "6:13 the peer 10.77.0.2 is this router's own source");
}

/// Lists addresses, of which those from `advertised` on are not advertised.
fn many(count: u32, advertised: u32) -> String {
    let address = |n: u32| {
        let address = format!("10.9.{}.{}/16", n / 200, n % 200 + 1);
        if n < advertised { address } else { format!("{{ address: {address}, advertise: false }}") }
    };
    pair_where("[10.77.0.100/24]", &format!("[{}]", (0..count).map(address).collect::<Vec<_>>().join(", ")))
}

#[test]
fn at_most_255_addresses_are_advertised_and_any_number_moves_with_them() {
    let count = |text: &str| {
        let router = parse(text).unwrap().config.virtual_routers.remove(0);
        (router.addresses.len(), router.advertised().count())
    };
    assert_eq!(count(&many(255, 255)), (255, 255));
    assert_eq!(count(&many(1000, 255)), (1000, 255));
    let too_many = many(256, 256);
    assert_eq!(error(&too_many), "5:16 256 addresses are more than the 255 that an advertisement counts");
    let help = report(&too_many).diagnostics()[0].help.clone().unwrap();
    assert!(help.contains("`{ address: 10.9.1.56/16, advertise: false }`"), "{help}");
    assert_eq!(error(&pair_where("[10.77.0.100/24]", "[]")), "5:16 `addresses` is empty");
    assert_eq!(error(&many(2, 0)), "5:16 none of the addresses is advertised");
}

#[test]
fn the_first_ipv6_address_that_is_advertised_is_link_local() {
    let with = |first: &str| pair_where("10.77.0.100/24", &format!("{first}, \"fd00::100/64\""));
    let hidden = with("{ address: \"fe80::1/64\", advertise: false }");
    assert_eq!(error(&hidden), "5:62 the first address of an IPv6 virtual router must be link-local");
    parse(&with("{ address: \"fd00::99/64\", advertise: false }, \"fe80::1/64\"")).unwrap();
}

#[test]
fn an_address_that_no_host_can_serve_is_refused() {
    for (address, problem) in [
        ("0.0.0.0", "it is the unspecified address"),
        ("224.0.0.18/24", "it is a multicast address"),
        ("127.0.0.1/8", "it is a loopback address"),
        ("255.255.255.255", "it is the broadcast address"),
        ("10.77.0.255/24", "it is the broadcast address of its network"),
        ("10.77.0.0/24", "it is the address of the network itself"),
        ("\"::1\"", "it is a loopback address"),
        ("\"ff02::1\"", "it is a multicast address"),
        ("\"::ffff:10.0.0.1\"", "it is an IPv4 address in IPv6 clothes"),
    ] {
        let message = error(&pair_where("10.77.0.100/24", address));
        assert!(message.ends_with(problem), "{address}: {message}");
    }
    for address in ["10.77.0.0/31", "10.77.0.1/31", "10.77.0.0/32", "10.77.0.255/16"] {
        parse(&pair_where("10.77.0.100/24", address)).unwrap();
    }
}

#[test]
fn a_prefix_length_fits_the_family() {
    for prefix in ["33", "0", "-1", "x", "", "24/24"] {
        let message = error(&pair_where("/24", &format!("/{prefix}")));
        assert!(message.ends_with("the prefix length of 10.77.0.100 is not 1 to 32"), "{prefix}: {message}");
    }
    assert_eq!(parse(&pair_where("/24", "")).unwrap().config.virtual_routers[0].addresses[0].prefix, 32);
}

#[test]
fn the_first_ipv6_address_is_link_local() {
    let text = pair_where("10.77.0.100/24", "\"fd00::100/64\"");
    assert_eq!(error(&text), "5:17 the first address of an IPv6 virtual router must be link-local");
    assert!(report(&text).diagnostics()[0].help.as_deref().unwrap().contains("`fe80::33/64`"));
    let late = pair_where("10.77.0.100/24", "\"fd00::100/64\", \"fe80::1/64\"");
    assert_eq!(report(&late).diagnostics()[0].marks[1].label, "move this one to the front");
    parse(&pair_where("10.77.0.100/24", "\"fe80::1/64\", \"fd00::100/64\"")).unwrap();
}

#[test]
fn the_source_is_an_address_that_stays_on_this_host() {
    for (source, message) in [
        ("10.77.0.100", "the source 10.77.0.100 is a virtual address"),
        ("\"fd00::1\"", "the source fd00::1 is not IPv4"),
        ("0.0.0.0", "0.0.0.0 cannot stand in `source`: it is the unspecified address"),
        ("eth0", "`source` is \"eth0\", but it must be an IP address"),
    ] {
        assert_eq!(error(&pair_with(&format!("source: {source}"))), format!("6:13 {message}"));
    }
    assert_eq!(router("source: 10.77.0.1").source, Source::Address("10.77.0.1".parse().unwrap()));
    assert_eq!(router("source: auto").source, Source::Auto);
    let v6 = pair_where("10.77.0.100/24", "\"fe80::1/64\"") + "    source: \"fd00::2\"\n";
    assert_eq!(error(&v6), "6:13 IPv6 multicast advertisements come from a link-local address");
}

#[test]
fn an_ipv6_address_has_no_label() {
    let text = pair_where("10.77.0.100/24", "{ address: \"fe80::1\", label: x }");
    assert_eq!(error(&text), "5:46 an IPv6 address has no label");
}
