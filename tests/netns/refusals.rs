//! What the program refuses: bad configurations, missing privileges, nonsense on the control socket.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use caps::Capability;
use vipd::control::State;

use crate::lab::{Lab, Node, Router, changes};

#[test]
fn a_bad_configuration_ends_with_3_and_touches_no_interface() {
    let mut lab = Lab::new();
    let a = lab.node(1);
    let mut events = a.watch_addresses();
    let mut wire = lab.listen();
    a.write_config(&format!("virtual_routers: [{}]", Router::pair(200).with("prioritty", 3)));

    let output = a.output_without(&[]);

    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(r#"unknown key "prioritty", did you mean "priority"?"#), "{said}");
    assert_eq!(changes(&mut events), []);
    assert!(!wire.so_far().iter().any(|seen| seen.host == 1 && seen.is_advertisement_of(&a)));
    assert!(!a.socket().exists());
}

#[test]
fn a_control_socket_that_cannot_be_made_ends_the_run_at_once_and_is_named() {
    let mut lab = Lab::new();
    let a = lab.node(1);
    let file = a.folder().join("file");
    fs::write(&file, "precious").unwrap();

    for (socket, words) in [
        (file.clone(), "exists and is no socket"),
        (file.join("vipd.sock"), "cannot use the directory"),
        ("/proc/vipd/vipd.sock".into(), "/proc/vipd"),
    ] {
        let router = Router::pair(200);
        fs::write(a.config(), format!("control: {{ socket: {} }}\nvirtual_routers: [{router}]", socket.display()))
            .unwrap();

        let output = a.output_without(&[]);

        let said = String::from_utf8_lossy(&output.stderr);
        let expected = if socket.starts_with("/proc") { 1 } else { 3 };
        assert_eq!(output.status.code(), Some(expected), "{said}");
        assert!(said.contains(words) && said.contains("hint: "), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_missing_capability_ends_with_5_and_is_named() {
    let mut lab = Lab::new();
    let a = lab.node(1);
    let mut events = a.watch_addresses();
    a.write_config(&format!("virtual_routers: [{}]", Router::pair(200)));

    for (missing, name) in [(Capability::CAP_NET_RAW, "CAP_NET_RAW"), (Capability::CAP_NET_ADMIN, "CAP_NET_ADMIN")] {
        let output = a.output_without(&[missing]);

        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("the agent needs {name}, which")), "{said}");
    }
    assert_eq!(changes(&mut events), []);
    assert!(!a.socket().exists());
}

#[test]
fn without_realtime_and_locked_memory_the_agent_runs_and_says_so() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);

    a.write_config(&format!("virtual_routers: [{}]", Router::pair(200)));
    a.start_without(&[Capability::CAP_SYS_NICE, Capability::CAP_IPC_LOCK]);

    a.becomes(State::Active);
    a.logs("without CAP_SYS_NICE the agent runs");
    assert!(a.has("10.77.0.100"));
}

/// Says something on the control socket and returns all that is answered.
fn exchange(node: &Node, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(node.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A server that closes on nonsense may reset the connection.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let kind = "content-type: application/json\r\nconnection: close";
    format!("POST {path} HTTP/1.1\r\nhost: vipd\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

#[test]
fn nonsense_on_the_control_socket_is_refused_and_changes_nothing() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    let long = format!(r#"{{"router": "{}"}}"#, "x".repeat(10_000));
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: vipd\r\nconnection: close\r\n\r\n").into_bytes();

    let cases: [(Vec<u8>, &str, &str); 9] = [
        (get("/v1/nothing"), "404", "nothing at /v1/nothing"),
        (get("/v1/drain"), "405", "GET does nothing at /v1/drain"),
        (post("/v1/status", "{}"), "405", "POST does nothing at /v1/status"),
        (post("/v1/drain", r#"{"router": "dbb"}"#), "404", "did you mean"),
        (post("/v1/resume", r#"{"router": "other"}"#), "404", "this agent runs db"),
        (post("/v1/drain", "{"), "400", "send a JSON object"),
        (post("/v1/drain", r#"{"forced": true}"#), "422", "unknown field"),
        (post("/v1/drain", &long), "413", ""),
        (b"\x16\x03\x01\x02\x00 no http at all\r\n\r\n".to_vec(), "400", ""),
    ];
    for (request, status, words) in cases {
        let answer = exchange(&a, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains(words), "{answer}");
    }

    let router = a.router();
    assert_eq!((router.state, router.epoch), (State::Active, 1));
}

#[test]
fn clients_that_say_nothing_hold_nobody_up() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);

    let silent: Vec<UnixStream> = (0..100).map(|_| UnixStream::connect(a.socket()).unwrap()).collect();
    let mut half = UnixStream::connect(a.socket()).unwrap();
    half.write_all(b"POST /v1/drain HTTP/1.1\r\nhost: vipd\r\ncontent-le").unwrap();

    assert_eq!(a.router().state, State::Active);
    assert!(a.stop().success());
    assert!(!a.has("10.77.0.100"));
    drop((silent, half));
}

#[test]
fn two_thousand_connections_use_up_no_descriptors_and_status_still_answers() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    let descriptors = |a: &Node| fs::read_dir(format!("/proc/{}/fd", a.agent())).unwrap().count();
    let before = descriptors(&a);

    let mut first = UnixStream::connect(a.socket()).unwrap();
    let crowd: Vec<UnixStream> = (0..2000).filter_map(|_| UnixStream::connect(a.socket()).ok()).collect();

    assert!(crowd.len() > 500, "only {} could connect", crowd.len());
    assert_eq!(a.router().state, State::Active);
    assert!(descriptors(&a) < before + 64 + 16, "{} after {before}", descriptors(&a));
    let mut told = String::new();
    first.read_to_string(&mut told).unwrap();
    assert!(told.contains("the agent serves 64 connections at once"), "{told}");
    assert!(a.stop().success());
}

#[test]
fn an_unknown_router_is_named_by_the_command_line() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run(&[Router::pair(200)]);

    let output = a.vipd(&["drain", "orders"]);

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(r#"no virtual router "orders""#), "{output:?}");
}
