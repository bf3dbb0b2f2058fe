//! One test for each thing that must hold within a router and between routers.

use super::super::model::{HopLimit, Lease, Password, Probe};
use super::*;

/// A second router of the file, as sound as the first.
fn two(second: &str) -> String {
    format!("{PAIR}  - {{ {second} }}\n")
}

#[test]
fn two_routers_of_one_name_are_refused() {
    let text = two("name: orders-db, interface: eth1, vrid: 1, addresses: [10.0.0.1/24]");
    assert_eq!(error(&text), "6:13 two virtual routers are named `orders-db`");
}

#[test]
fn a_vrid_is_unique_for_interface_and_family() {
    let text = two("name: b, interface: eth0, vrid: 51, addresses: [10.77.0.101/24]");
    assert_eq!(error(&text), "6:39 VRID 51 is used twice for IPv4 on eth0");
    parse(&two("name: b, interface: eth1, vrid: 51, addresses: [10.77.0.101/24]")).unwrap();
    parse(&two("name: b, interface: eth0, vrid: 51, addresses: [\"fe80::33\"]")).unwrap();
}

#[test]
fn an_address_in_two_routers_names_the_other() {
    let text = two("name: b, interface: eth0, vrid: 52, addresses: [10.77.0.100]");
    assert_eq!(error(&text), "6:55 the address 10.77.0.100 belongs to two virtual routers");
    assert_eq!(report(&text).diagnostics()[0].marks[1].label, "orders-db has it");
}

#[test]
fn a_router_has_one_family() {
    let text = pair_where("[10.77.0.100/24]", "[10.77.0.100/24, \"fd00::1/64\"]");
    assert_eq!(error(&text), "5:33 a virtual router has addresses of one family only");
}

#[test]
fn a_version_2_interval_is_whole_seconds_and_the_nearest_is_suggested() {
    for (given, nearest) in [("1s500ms", "2s"), ("1s400ms", "1s"), ("10ms", "1s"), ("5m", "4m15s"), ("0s", "1s")] {
        let text = pair_with(&format!("version: 2\nadvertisement_interval: {given}"));
        assert!(error(&text).starts_with("7:29 version 2 cannot advertise every "), "{}", error(&text));
        let help = report(&text).diagnostics()[0].help.clone().unwrap();
        assert_eq!(help, format!("the nearest is `advertisement_interval: {nearest}`"));
    }
    assert_eq!(router("version: 2\nadvertisement_interval: 4m15s").advertisement_interval.seconds(), Some(255));
}

#[test]
fn a_version_3_interval_is_10ms_to_40950ms_in_steps_of_10ms() {
    for (given, nearest) in [("0s", "10ms"), ("5ms", "10ms"), ("1s4ms", "1s"), ("41s", "40s950ms"), ("24h", "40s950ms")]
    {
        let text = pair_with(&format!("advertisement_interval: {given}"));
        assert!(error(&text).starts_with("6:29 version 3 cannot advertise every "), "{}", error(&text));
        let help = report(&text).diagnostics()[0].help.clone().unwrap();
        assert_eq!(help, format!("the nearest is `advertisement_interval: {nearest}`"));
    }
    assert_eq!(router("advertisement_interval: 10ms").advertisement_interval.centis(), 1);
    assert_eq!(router("advertisement_interval: 40s950ms").advertisement_interval.centis(), 4095);
}

#[test]
fn version_2_carries_no_ipv6() {
    let text = pair_where("[10.77.0.100/24]", "[\"fe80::33/64\"]") + "    version: 2\n";
    assert_eq!(error(&text), "6:14 version 2 cannot carry IPv6 addresses");
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (line, place) in [
        ("priority: 0", "6:15 `priority` is 0"),
        ("priority: 256", "6:15 `priority` is 256"),
        ("priority: -1", "6:15 `priority` is -1"),
        ("priority: 99999999999999999999999", "6:15 `priority` is "),
        ("priority: \"100\"", "6:15 `priority` is \"100\""),
        ("priority: 1.5", "6:15 `priority` is 1.5"),
        ("version: 4", "6:14 `version` is 4"),
        ("routers: 0", "6:14 `routers` is 0"),
        ("announce: { repeat: 0 }", "6:25 `repeat` is 0"),
        ("hop_limit: 64", "6:16 `hop_limit` is 64"),
    ] {
        assert!(error(&pair_with(line)).starts_with(place), "{}", error(&pair_with(line)));
    }
    assert!(error(&pair_where("vrid: 51", "vrid: 0")).starts_with("4:11 `vrid` is 0"));
}

#[test]
fn any_hop_limit_needs_peers() {
    assert_eq!(error(&pair_with("hop_limit: any")), "6:16 `hop_limit: any` needs `peers`");
    assert_eq!(router("hop_limit: any\npeers: [10.9.0.2]").hop_limit, HopLimit::Any);
    assert_eq!(router("hop_limit: 255").hop_limit, HopLimit::OnLink);
}

#[test]
fn the_number_of_routers_agrees_with_the_peers() {
    let text = pair_with("routers: 2\npeers: [10.77.0.2, 10.77.0.3]");
    assert_eq!(error(&text), "6:14 `routers` is 2, but with `peers` there are 3");
    assert!(!router("routers: 3\npeers: [10.77.0.2, 10.77.0.3]").has_one_peer());
}

#[test]
fn a_password_comes_from_a_file_of_1_to_8_bytes_and_belongs_to_version_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let load = |text: &str| Config::parse(text, &folder.path().join("vipd.yaml"));
    let text = pair_with("version: 2\npassword_file: secret");
    let refusal = || only_message(&load(&text).unwrap_err(), &text);
    let name = path.display().to_string();

    assert_eq!(refusal(), format!("7:20 cannot read {name}: No such file or directory (os error 2)"));
    for (content, problem) in [("", "is empty"), ("\n", "is empty"), ("123456789", "holds more than 8 bytes")] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(refusal(), format!("7:20 {name} {problem}"));
    }
    for content in ["12345678", "12345678\n"] {
        std::fs::write(&path, content).unwrap();
        let router = load(&text).unwrap().config.virtual_routers.remove(0);
        assert_eq!(router.password, Some(Password(*b"12345678")));
    }
    std::fs::write(&path, "ab\n").unwrap();
    assert_eq!(load(&text).unwrap().config.virtual_routers[0].password, Some(Password(*b"ab\0\0\0\0\0\0")));

    let version_3 = pair_with("password_file: secret");
    assert_eq!(only_message(&load(&version_3).unwrap_err(), &version_3), "6:20 only version 2 has a password");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(refusal(), format!("7:20 {name} is not a regular file"));
}

#[test]
fn a_password_stays_out_of_reports() {
    let password = Password(*b"s3cret\0\0");
    assert_eq!(format!("{password:?}"), "Password(..)");
}

#[test]
fn fast_handover_without_certainty_is_a_warning_only_where_it_was_asked_for() {
    let message = "`fast_handover` has no effect: a third router may be waiting";
    assert_eq!(warning(&pair_with("fast_handover: true")), format!("6:20 {message}"));
    assert_eq!(warning(&pair_with("fast_handover: true\npeers: [10.0.0.1, 10.0.0.2]")), format!("6:20 {message}"));
    for quiet in
        ["", "fast_handover: false", "fast_handover: true\nrouters: 2", "fast_handover: true\npeers: [10.0.0.1]"]
    {
        assert!(parse(&pair_with(quiet)).unwrap().warnings.is_empty(), "{quiet}");
    }
}

#[test]
fn a_probe_that_answers_after_active_down_interval_is_a_warning() {
    let message = "`probe` has no effect: Active_Down_Interval is over before its answer";
    assert_eq!(warning(&pair_with("probe: {}\nadvertisement_interval: 10ms")), format!("6:12 {message}"));
    assert_eq!(warning(&pair_with("probe: { after: 2, count: 100 }")), format!("6:12 {message}"));
    for quiet in [
        "probe: {}",
        "probe: { after: 2, interval: 100ms }",
        "probe: { count: 2, interval: 5ms }\nadvertisement_interval: 20ms",
    ] {
        assert!(parse(&pair_with(quiet)).unwrap().warnings.is_empty(), "{quiet}");
    }
}

#[test]
fn a_probe_has_limits_and_defaults() {
    let probe = |text: &str| parse(&pair_with(text)).unwrap().config.virtual_routers[0].probe;
    assert_eq!(probe(""), None);
    assert_eq!(probe("probe: {}"), Some(Probe::default()));
    for bad in
        ["probe: { after: 0 }", "probe: { after: 3 }", "probe: { count: 0 }", "probe: { interval: 0ms }", "probe: yes"]
    {
        assert!(parse(&pair_with(bad)).is_err(), "{bad}");
    }
}

#[test]
fn the_address_owner_has_no_lease() {
    for lease in ["auto", "3s"] {
        let text = pair_with(&format!("priority: 255\nlease: {lease}"));
        assert_eq!(error(&text), "7:12 addresses of the address owner are never leased");
    }
    assert_eq!(router("priority: 255").lease, Lease::Off);
    assert_eq!(router("priority: 255\nlease: off").lease, Lease::Off);
    let warned = pair_with("priority: 255\npreempt: false");
    assert_eq!(warning(&warned), "7:14 `preempt: false` has no effect on the address owner");
}

#[test]
fn a_lease_is_whole_seconds_of_at_least_two() {
    for lease in ["1s", "0s", "2s500ms", "10ms"] {
        let text = pair_with(&format!("lease: {lease}"));
        assert_eq!(error(&text), format!("6:12 `lease` is \"{lease}\", but it must be whole seconds, at least 2s"));
    }
    assert_eq!(router("lease: 2s").lease, Lease::Seconds(2));
    assert_eq!(router("lease: 1m").lease, Lease::Seconds(60));
    assert_eq!(router("lease: off").lease, Lease::Off);
    assert!(error(&pair_with("lease: 3")).starts_with("6:12 `lease` is 3"));
    assert!(error(&pair_with("lease: false")).starts_with("6:12 `lease` is false"));
}

#[test]
fn a_preempt_delay_without_preemption_is_a_warning() {
    let text = pair_with("preempt_delay: 5s\npreempt: false");
    assert_eq!(warning(&text), "6:20 `preempt_delay` has no effect");
    assert!(parse(&pair_with("preempt_delay: 5s")).unwrap().warnings.is_empty());
}

#[test]
fn a_checksum_form_where_there_is_only_one_is_a_warning() {
    assert_eq!(warning(&pair_with("checksum: rfc9568\nversion: 2")), "6:15 `checksum` has no effect");
}

#[test]
fn an_interface_name_is_one_that_the_kernel_can_have() {
    for name in ["\"\"", "sixteen-letters-", "eth/0", "eth 0", ".."] {
        let message = error(&pair_where("eth0", name));
        assert!(message.starts_with("3:16 `interface` is "), "{name}: {message}");
    }
    parse(&pair_where("eth0", "fifteen-letters")).unwrap();
    assert_eq!(error(&pair_where("eth0", "10")), "3:16 `interface` is 10, but it must be text");
}

#[test]
fn a_name_fits_into_a_url_and_a_log_line() {
    for name in ["\"a b\"", "a/b", "-a", "é", "\"\""] {
        let message = error(&pair_where("orders-db", name));
        assert!(message.starts_with("2:11 `name` is "), "{name}: {message}");
    }
}

#[test]
fn what_a_router_cannot_do_without_is_asked_for() {
    let report = report("virtual_routers:\n  - priority: 1\n");
    let messages: Vec<_> = report.diagnostics().iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "a virtual router has no `name`",
            "a virtual router has no `interface`",
            "a virtual router has no `vrid`",
            "a virtual router has no `addresses`",
        ]
    );
    assert!(report.diagnostics().iter().all(|diagnostic| diagnostic.marks[0].span.start == 21));
}

#[test]
fn the_control_socket_is_an_absolute_path_that_the_kernel_can_bind() {
    for path in ["vipd.sock", "/run/", &format!("/{}", "x".repeat(99))] {
        let message = error(&format!("control: {{ socket: {path} }}\n{PAIR}"));
        assert!(message.starts_with("1:20 `socket` is "), "{message}");
    }
}
