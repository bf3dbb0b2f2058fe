//! What the reader makes of text before any key has a meaning, and how a report looks.

use core::time::Duration;
use std::time::Instant;

use super::super::model::{Announce, Lease, Realtime, Source};
use super::super::{Config, LoadError};
use super::*;

const BROKEN: &str = "\
control: { socket: vipd.sock }
metrics: { listen: \"127.0.0.1:9650\" }
realtime: { priority: 100 }
virtual_router: []
virtual_routers:
  - name: orders-db
    interface: eth0
    vrid: 51
    prioritty: 200
    addresses: [10.77.0.100/24, 10.77.0.0/24, fd00::1/64]
    advertisement_interval: 1.5s
    preempt: yes
    peers:
    lease: 3
    track: [{ check: orders, on_failure: fault }]
  - name: orders-db
    interface: an-interface-too-long
    vrid: 0
    priority: 0
    addresses: [10.77.0.100/24]
    version: 2
    advertisement_interval: 1s500ms
    peers: [10.77.0.2, 10.77.0.2, ~, db2]
    password_file: missing.password
    checksum: pseudo_header
    vrid: 52
  - eth0
";

#[test]
fn every_error_of_a_file_is_reported_at_once() {
    let report = report(BROKEN);
    assert!(report.errors() >= 20, "{} errors", report.errors());
    insta::assert_snapshot!(report);
}

#[test]
fn colour_changes_nothing_but_escapes() {
    let report = report(BROKEN);
    let mut plain = String::new();
    let mut rest = report.render(true);
    while let Some((before, after)) = rest.clone().split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1.to_owned();
    }
    plain.push_str(&rest);
    assert_eq!(plain, report.render(false));
}

#[test]
fn absent_keys_have_the_documented_defaults() {
    let config = parse(PAIR).unwrap().config;
    assert_eq!(config.control_socket, Path::new("/run/vipd/vipd.sock"));
    assert_eq!(config.realtime, Realtime::Try);
    let router = &config.virtual_routers[0];
    assert_eq!(router.priority.get(), 100);
    assert_eq!(router.advertisement_interval.centis(), 100);
    assert_eq!(router.version.number(), 3);
    assert!(router.preempt && router.fast_handover && !router.source_ok);
    assert!(router.peers.is_empty() && router.routers.is_none());
    assert_eq!((router.source, router.lease, router.announce), (Source::Auto, Lease::Auto, Announce::default()));
}

#[test]
fn every_key_reaches_the_model() {
    let text = "
control: { socket: /tmp/v.sock, group: dba }
realtime: { priority: 60 }
virtual_routers:
  - name: a
    interface: eth0
    vrid: 7
    priority: 150
    addresses: [{ address: 10.0.0.9/24, dev: eth1, label: eth1:v, scope: link }, { address: 10.0.0.10/24, advertise: false }]
    advertisement_interval: 10ms
    version: 3
    preempt: true
    preempt_delay: 1m30s
    startup_delay: 2s
    peers: [10.0.0.2]
    routers: 2
    hop_limit: any
    source: 10.0.0.1
    fast_handover: false
    probe: { after: 2, count: 2, interval: 5ms }
    checksum: rfc9568
    lease: 4s
    connections: keep
    announce: { repeat: 3, interval: 1ms, delay: 2s, refresh: 3s }
    source_ok: true
notify: []
";
    let loaded = parse(text).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    insta::assert_debug_snapshot!(loaded.config);
}

#[test]
fn realtime_can_be_switched_off() {
    assert_eq!(parse(&format!("realtime: off\n{PAIR}")).unwrap().config.realtime, Realtime::Off);
}

#[test]
fn a_misspelt_key_is_answered_with_the_right_one() {
    assert_eq!(error(&pair_with("prioritty: 200")), "6:5 unknown key \"prioritty\", did you mean \"priority\"?");
    assert_eq!(error(&format!("relatime: off\n{PAIR}")), "1:1 unknown key \"relatime\", did you mean \"realtime\"?");
    assert_eq!(error(&pair_with("state: MASTER")), "6:5 unknown key \"state\" in a virtual router");
}

#[test]
fn a_repeated_key_names_both_places() {
    let text = pair_with("priority: 1\npriority: 2");
    assert_eq!(error(&text), "7:5 `priority` is given twice in a virtual router");
    let first = report(&text).diagnostics()[0].marks[1].span;
    assert_eq!(&text[first.start..first.start + 11], "priority: 1");
}

#[test]
fn keys_of_later_versions_are_refused_by_name() {
    for line in ["track: []", "database: mariadb", "group: orders", "connections: destroy"] {
        let key = line.split(':').next().unwrap();
        assert_eq!(error(&pair_with(line)), format!("6:5 `{key}` is not supported by this version"));
    }
    for line in ["checks: {}", "databases: {}", "metrics: { listen: \"[::1]:1\" }", "notify: [{ exec: [x] }]"] {
        let key = line.split(':').next().unwrap();
        assert_eq!(error(&format!("{PAIR}{line}\n")), format!("6:1 `{key}` is not supported by this version"));
    }
}

#[test]
fn positions_hold_after_wide_characters_and_carriage_returns() {
    let text = pair_with("# ☂ é 漢字\nprioritty: 200");
    assert_eq!(error(&text), "7:5 unknown key \"prioritty\", did you mean \"priority\"?");
    assert_eq!(error(&text.replace('\n', "\r\n")), "7:5 unknown key \"prioritty\", did you mean \"priority\"?");
    let report = Config::parse(&format!("\u{feff}{text}"), Path::new("vipd.yaml")).unwrap_err();
    assert_eq!(only_message(&report, &text), "7:5 unknown key \"prioritty\", did you mean \"priority\"?");
}

#[test]
fn aliases_work_and_errors_in_them_point_at_the_original() {
    let text = format!(
        "{}  - name: b\n    interface: eth1\n    vrid: 1\n    addresses: [10.77.1.1/24]\n    announce: *a\n",
        pair_with("announce: &a { repeat: 2, delay: 1s }")
    );
    assert_eq!(parse(&text).unwrap().config.virtual_routers[1].announce.repeat, 2);
    let broken = text.replace("delay: 1s", "delay: 1");
    assert!(report(&broken).diagnostics().iter().all(|d| broken[d.marks[0].span.start..].starts_with("1 }")));
}

#[test]
fn a_syntax_error_is_one_diagnostic_at_its_place() {
    let text = "virtual_routers:\n  - name: a\n   vrid: 1\n";
    assert!(error(text).starts_with("3:4 this is not valid YAML: "), "{}", error(text));
    let tab = "virtual_routers:\n\t- name: a\n";
    assert!(report(tab).diagnostics()[0].help.as_deref().unwrap().contains("spaces"));
    assert!(error("a: !tag 1\n").contains("YAML tag"), "{}", error("a: !tag 1\n"));
    assert!(error("a: 1\n---\nb: 2\n").contains("more than one document"));
}

#[test]
fn an_empty_file_says_what_is_missing() {
    for text in ["", "\n", "# nothing\n", "null\n"] {
        assert!(error(text).ends_with("the file is empty, not a mapping"), "{}", error(text));
    }
    assert_eq!(error("{}"), "1:1 the file has no `virtual_routers`");
    assert_eq!(error("virtual_routers: []\n"), "1:18 `virtual_routers` is empty");
}

#[test]
fn hostile_files_are_refused_quickly() {
    let bomb: String =
        (1..9).map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","))).collect();
    let quadratic = format!("a: &a [{}]\nb: [{}]\n", "1,".repeat(9_000), "*a,".repeat(9_000));
    let hostile = [
        format!("a0: &a0 x\n{bomb}"),
        quadratic,
        "[".repeat(1 << 20),
        "{a: ".repeat(1 << 17),
        "- ".repeat(1 << 19),
        "? ".repeat(1 << 19),
        (0..1400).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        "x".repeat((1 << 20) + 1),
        "a: &a [*a]\n".to_owned(),
        "*".repeat(1 << 20),
        "\"".repeat((1 << 20) - 1),
        "a,".repeat(1 << 19),
        "!".repeat(1 << 20),
        "k: v\n".repeat(1 << 17),
        (0..80_000).map(|n| format!("key{n}: 1\n")).collect(),
    ];
    for text in hostile {
        let begun = Instant::now();
        let report = report(&text);
        let shown: String = text.chars().take(20).collect();
        assert!(!report.render(false).is_empty());
        // Each takes a second or less, what grows without bound takes minutes; a busy machine lies in between.
        assert!(begun.elapsed() < Duration::from_secs(60), "{shown}.. took {:?}", begun.elapsed());
    }
}

#[test]
fn load_tells_a_missing_file_from_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vipd.yaml");
    assert!(matches!(Config::load(&path), Err(LoadError::Unreadable { .. })));
    std::fs::write(&path, b"a: \xff").unwrap();
    assert!(matches!(Config::load(&path), Err(LoadError::NotText { at: 3, .. })));
    std::fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    let error = Config::load(&path).unwrap_err().to_string();
    assert!(error.contains("larger than 1 MiB"), "{error}");
    std::fs::write(&path, PAIR).unwrap();
    assert_eq!(Config::load(&path).unwrap().config, parse(PAIR).unwrap().config);
}
