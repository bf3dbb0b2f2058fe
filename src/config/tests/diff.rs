//! The difference of two configurations.

use proptest::prelude::*;

use super::{PAIR, pair_where, pair_with, parse};
use crate::config::{Config, Difference, Effect, NodeChange, RouterChange};

fn config(text: &str) -> Config {
    parse(text).unwrap_or_else(|report| panic!("{text}\n{report}")).config
}

/// Returns what becomes of the sound router when it gets these lines.
fn with(lines: &str) -> RouterChange {
    Difference::between(&config(PAIR), &config(&pair_with(lines))).of("orders-db").clone()
}

fn effect(change: &RouterChange) -> Option<Effect> {
    match change {
        RouterChange::Changed { effect, settings: _ } => Some(*effect),
        RouterChange::Unchanged | RouterChange::Added(_) | RouterChange::Removed => None,
    }
}

#[test]
fn the_same_configuration_makes_no_difference() {
    assert!(Difference::between(&config(PAIR), &config(&format!("# a remark\n{PAIR}"))).is_empty());
}

#[test]
fn a_changed_setting_is_told_with_both_values() {
    let RouterChange::Changed { settings, .. } = with("priority: 150") else { panic!() };

    let told: Vec<String> = settings.iter().map(|(from, to)| format!("{} {from} -> {to}", to.key())).collect();
    assert_eq!(told, ["priority 100 -> 150"]);
}

#[test]
fn what_an_active_router_can_change_is_changed_in_place() {
    let lines = [
        "priority: 150",
        "advertisement_interval: 10ms",
        "preempt: false",
        "preempt_delay: 3s",
        "startup_delay: 3s",
        "peers: [10.77.0.2]",
        "routers: 2",
        "source: 10.77.0.1",
        "fast_handover: false",
        "checksum: rfc9568",
        "lease: 7s",
        "announce: { repeat: 1 }",
        "source_ok: true",
    ];
    for line in lines {
        assert_eq!(effect(&with(line)), Some(Effect::InPlace), "{line}");
    }
    let more = config(&pair_where("[10.77.0.100/24]", "[10.77.0.100/24, 10.77.0.101/24]"));
    assert_eq!(effect(Difference::between(&config(PAIR), &more).of("orders-db")), Some(Effect::InPlace));
}

#[test]
fn what_makes_it_another_router_starts_it_anew() {
    let texts = [
        pair_where("eth0", "eth1"),
        pair_where("vrid: 51", "vrid: 52"),
        pair_where("[10.77.0.100/24]", "['fe80::51/64']"),
        pair_with("version: 2"),
        pair_with("priority: 255"),
    ];
    for text in texts {
        assert_eq!(effect(Difference::between(&config(PAIR), &config(&text)).of("orders-db")), Some(Effect::Anew));
    }
}

#[test]
fn an_address_that_another_router_gives_up_starts_its_heir_anew() {
    let two = |first: &str, second: &str| {
        let entry = |name: &str, vrid: u8, addresses: &str| {
            format!("  - {{ name: {name}, interface: eth0, vrid: {vrid}, addresses: {addresses} }}\n")
        };
        config(&format!("virtual_routers:\n{}{}", entry("a", 1, first), entry("b", 2, second)))
    };
    let before = two("[10.0.0.1, 10.0.0.2]", "[10.0.0.3]");
    let after = two("[10.0.0.1]", "[10.0.0.3, 10.0.0.2]");

    let difference = Difference::between(&before, &after);

    assert_eq!(effect(difference.of("a")), Some(Effect::InPlace));
    assert_eq!(effect(difference.of("b")), Some(Effect::Anew));
}

#[test]
fn the_control_socket_and_the_scheduling_belong_to_the_whole_node() {
    let after = format!("control: {{ socket: /run/x.sock, group: dba }}\nrealtime: off\n{PAIR}");

    let difference = Difference::between(&config(PAIR), &config(&after));

    let keys: Vec<_> = difference.node.iter().map(NodeChange::key).collect();
    assert_eq!(keys, ["control.socket", "control.group", "realtime"]);
}

fn anything(text: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(text)
}

fn router(name: usize) -> impl Strategy<Value = String> {
    let addresses =
        [format!("[10.{name}.0.1]"), format!("[10.{name}.0.1/24, 10.{name}.0.2]"), format!("['fe80::{name}']")];
    let place = (prop::sample::select(addresses.to_vec()), anything(&["eth0", "eth1"]), anything(&["", ", peers: []"]));
    let timing = (
        anything(&["", ", advertisement_interval: 10ms", ", advertisement_interval: 2s"]),
        anything(&["", ", preempt: false", ", preempt_delay: 2s, startup_delay: 1s"]),
        anything(&["", ", lease: 5s", ", lease: off"]),
        anything(&["", ", announce: { repeat: 2, interval: 5ms }"]),
    );
    let rest = (
        anything(&["", ", priority: 7", ", priority: 254"]),
        anything(&["", ", routers: 2", ", fast_handover: false"]),
        anything(&["", ", checksum: rfc9568", ", checksum: pseudo-header"]),
        anything(&["", ", source_ok: true", ", hop_limit: 255"]),
    );
    (1_u8..=2, place, timing, rest).prop_map(move |(vrid, place, timing, rest)| {
        let (addresses, interface, peers) = place;
        let vrid = usize::from(vrid) + 2 * name;
        format!(
            "  - {{ name: r{name}, interface: {interface}, vrid: {vrid}, addresses: {addresses}{peers}{}{}{}{}{}{}{}{} }}\n",
            timing.0, timing.1, timing.2, timing.3, rest.0, rest.1, rest.2, rest.3
        )
    })
}

fn any_config() -> impl Strategy<Value = Config> {
    let routers = (router(1), router(2), router(3), router(4));
    let some = prop::sample::subsequence(vec![0_usize, 1, 2, 3], 1..=4).prop_shuffle();
    let node = anything(&["", "realtime: off\n", "control: { socket: /x, group: dba }\n"]);
    (routers, some, node).prop_map(|((a, b, c, d), some, node)| {
        let routers: String = some.into_iter().map(|index| [&a, &b, &c, &d][index].as_str()).collect();
        config(&format!("{node}virtual_routers:\n{routers}"))
    })
}

proptest! {
    #[test]
    fn the_difference_applied_to_the_old_configuration_is_the_new_one(old in any_config(), new in any_config()) {
        let difference = Difference::between(&old, &new);

        prop_assert_eq!(difference.apply(&old), new.clone());
        prop_assert_eq!(difference.is_empty(), old == new || same_but_for_order(&old, &new));
    }
}

/// The order of routers is how they are shown, nothing that a reload could do anything about.
fn same_but_for_order(old: &Config, new: &Config) -> bool {
    let sorted = |config: &Config| {
        let mut config = config.clone();
        config.virtual_routers.sort_by(|a, b| a.name.cmp(&b.name));
        config
    };
    sorted(old) == sorted(new)
}
