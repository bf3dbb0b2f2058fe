use vrrp_packet::Family;

use crate::cli::paint;
use crate::control::{ActiveRouter, Agent, AntiReplay, Authentication, Mode, PeerClock, Traffic};

use super::*;

fn router(name: &str, state: State) -> RouterStatus {
    RouterStatus {
        name: name.to_owned(),
        interface: "eth0".to_owned(),
        interface_index: Some(2),
        link_up: true,
        vrid: 51,
        family: Family::Ipv4,
        version: 3,
        addresses: vec!["10.77.0.100/24".to_owned()],
        interval_ms: 1000,
        source: Some([10, 77, 0, 1].into()),
        state,
        in_state_ms: 192_000,
        priority: 200,
        effective_priority: Some(200),
        fault: None,
        drain: Drain::Off,
        active_router: None,
        failures: 0,
        epoch: 1,
        deadline_in_ms: Some(700),
        authentication: None,
        traffic: Traffic {
            sent: 192,
            send_failed: 0,
            received: 0,
            received_release: 0,
            conflicts: 0,
            probed: 0,
            became_active: 1,
            discarded: [("checksum".to_owned(), 0), ("hop_limit".to_owned(), 0)].into(),
        },
    }
}

fn rendered(routers: Vec<RouterStatus>) -> String {
    let agent = Agent { version: "1.2.3".to_owned(), pid: 42, host: "db1".to_owned(), uptime_ms: 193_000 };
    paint::finish(&render(&Status { agent, routers }), false)
}

fn peer() -> Option<ActiveRouter> {
    Some(ActiveRouter { source: [10, 77, 0, 2].into(), priority: 250, interval_ms: 1000, heard_ms_ago: 430 })
}

#[test]
fn a_healthy_pair_is_a_table_and_nothing_else() {
    let backup = RouterStatus { active_router: peer(), vrid: 52, ..router("reports", State::Backup) };
    insta::assert_snapshot!(rendered(vec![router("orders-db", State::Active), backup]));
}

#[test]
fn whatever_is_out_of_the_ordinary_is_said_in_words() {
    let gone = RouterStatus {
        fault: Some(Fault::Deaf),
        effective_priority: None,
        interface_index: None,
        link_up: false,
        source: None,
        ..router("gone", State::Aside)
    };
    let addresses = vec!["10.77.0.100/24".to_owned(), "10.77.0.101/24".to_owned()];
    let drained = RouterStatus { drain: Drain::Watching, addresses, ..router("reports", State::Aside) };
    let weak = RouterStatus { effective_priority: Some(170), active_router: peer(), ..router("weak", State::Backup) };
    let mut failing = RouterStatus { failures: 3, ..router("failing", State::Aside) };
    failing.traffic.discarded.insert("hop_limit".to_owned(), 7);
    failing.traffic.send_failed = 2;
    insta::assert_snapshot!(rendered(vec![gone, drained, weak, failing]));
}

#[test]
fn colours_do_not_move_the_columns() {
    let status = Status {
        agent: Agent { version: "1.2.3".to_owned(), pid: 42, host: "db1".to_owned(), uptime_ms: 0 },
        routers: vec![router("a", State::Active), router("b", State::Backup)],
    };
    let coloured = paint::finish(&render(&status), true);
    let lines: Vec<&str> = coloured.lines().collect();
    assert!(lines[1].contains("\x1b[32mACTIVE\x1b[0m"));
    let codes = "\x1b[32m\x1b[0m".len();
    assert_eq!(lines[1].find("3m12s").map(|at| at - codes), lines[2].find("3m12s"));
}

fn authentication() -> Authentication {
    Authentication {
        mode: Mode::Enforce,
        active_key: 2,
        keys: vec![1, 2],
        anti_replay: AntiReplay::Time,
        window_ms: 5_000,
        clock_synchronised: true,
        clock_confirmed: true,
        wall_clock_ahead_ms: 0,
        peers: vec![PeerClock { source: [10, 77, 0, 2].into(), ahead_ms: -12 }],
    }
}

#[test]
fn how_advertisements_are_signed_is_said_and_what_is_wrong_with_a_clock() {
    let signed = RouterStatus { authentication: Some(authentication()), ..router("signed", State::Active) };
    let peers = vec![
        PeerClock { source: [10, 77, 0, 2].into(), ahead_ms: 2_800 },
        PeerClock { source: [10, 77, 0, 3].into(), ahead_ms: 0 },
    ];
    let stepped = Authentication { peers, wall_clock_ahead_ms: -3_600_000, ..authentication() };
    let stepped = RouterStatus { authentication: Some(stepped), ..router("stepped", State::Active) };
    let on_the_way = Authentication { mode: Mode::Permissive, clock_synchronised: false, ..authentication() };
    let on_the_way = RouterStatus { authentication: Some(on_the_way), ..router("on-the-way", State::Backup) };
    let lost = Authentication { clock_synchronised: false, clock_confirmed: false, ..authentication() };
    let lost = Authentication { wall_clock_ahead_ms: -1_795_184_884_000, ..lost };
    let lost = RouterStatus { authentication: Some(lost), ..router("booted-in-1970", State::Backup) };
    let first = Authentication { mode: Mode::ReceiveOnly, anti_replay: AntiReplay::Monotonic, ..authentication() };
    let first = RouterStatus { authentication: Some(first), ..router("first", State::Backup) };
    insta::assert_snapshot!(rendered(vec![signed, stepped, on_the_way, lost, first]));
}
