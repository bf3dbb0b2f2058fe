//! The server and the client against each other, and the server against raw bytes; a small thread stands in for the
//! election.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::sync::oneshot;
use vrrp_packet::{Interval, Priority, Version, Vrid};

use crate::config::{
    Announce, Checksum, HopLimit, Lease, Realtime, Source, VirtualAddress, VirtualRouter as Configured,
};
use crate::control::{self, Client, ClientError, State};
use crate::election::{Effective, Peer, StateName};
use crate::engine::{self, Discard, Inbox, Snapshot};

use super::*;

const NOW: Instant = Instant::from_nanos(1_000_000_000_000);

fn router(name: &str, vrid: u8, priority: u8) -> Configured {
    let last = format!("10.77.0.{}", 100 + u16::from(vrid)).parse().unwrap();
    Configured {
        name: name.to_owned(),
        interface: "eth0".to_owned(),
        vrid: Vrid::new(vrid).unwrap(),
        priority: Priority::new(priority),
        addresses: vec![VirtualAddress {
            address: last,
            prefix: 24,
            dev: None,
            label: None,
            scope: Default::default(),
            advertised: true,
        }],
        advertisement_interval: Interval::from_seconds(1).unwrap(),
        version: Version::V3,
        preempt: true,
        preempt_delay: Duration::ZERO,
        startup_delay: Duration::ZERO,
        peers: vec![],
        routers: None,
        hop_limit: HopLimit::OnLink,
        password: None,
        authentication: None,
        source: Source::Auto,
        fast_handover: true,
        probe: None,
        checksum: Checksum::Auto,
        lease: Lease::Auto,
        announce: Announce::default(),
        source_ok: false,
    }
}

/// Runs a server on its own thread for as long as it lives.
struct Agent {
    _directory: TempDir,
    path: PathBuf,
    inbox: Inbox,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Agent {
    fn start(routers: Vec<Configured>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vipd.sock");
        let (handle, inbox) = engine::channel(routers.iter().map(|router| router.name.clone())).unwrap();
        let config = Config {
            control_socket: path.clone(),
            control_group: None,
            metrics_listen: None,
            realtime: Realtime::Off,
            virtual_routers: routers,
        };
        let (reloads, mut jobs) = mpsc::channel::<ReloadJob>(1);
        let context = Context::new(handle, Arc::new(config), || NOW, reloads);
        let socket = ControlSocket::bind(&path, None).unwrap();
        let (shutdown, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let ended = async { ended.await.unwrap_or(()) };
            // Refuses to apply, and finds nothing to do.
            let reloading = async move {
                while let Some(ReloadJob { dry_run, answer }) = jobs.recv().await {
                    let nothing = Reloaded { applied: false, routers: Vec::new(), warnings: String::new() };
                    let refusal = Problem::new(Reason::BadConfig, "bad", "write a better one");
                    let _ = answer.send(if dry_run { Ok(nothing) } else { Err(refusal) });
                }
            };
            runtime().block_on(async {
                tokio::spawn(reloading);
                serve(socket, context, ended).await.unwrap();
            });
        });
        Self { _directory: directory, path, inbox, shutdown: Some(shutdown), thread: Some(thread) }
    }

    fn client(&self) -> Client {
        Client::new(&self.path)
    }

    fn set_drained(&self, index: usize, drained: bool) {
        let mut snapshot = self.inbox.routers[index].snapshot();
        snapshot.view.drained = drained;
        publish(&self.inbox.routers[index], snapshot);
    }

    /// Sends a request as bytes; returns the status line and the body.
    fn raw(&self, head: &str, body: &str) -> (u16, Problem) {
        let mut stream = UnixStream::connect(&self.path).unwrap();
        let length = body.len();
        write!(stream, "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n")
            .unwrap();
        write!(stream, "content-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A reader that is just copying makes the election thread try again; so does this.
fn publish(published: &Published, snapshot: Snapshot) {
    while !published.publish(snapshot) {}
}

#[test]
fn status_counts_spans_back_from_now() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    let published = &agent.inbox.routers[0];
    let mut snapshot = published.snapshot();
    snapshot.view.state = StateName::Backup;
    snapshot.view.since = NOW - Duration::from_secs(192);
    snapshot.view.effective = Effective::Priority(Priority::new(70));
    snapshot.view.active = Some(Peer {
        source: "10.77.0.1".parse().unwrap(),
        priority: Priority::new(200),
        interval: Interval::from_seconds(1).unwrap(),
        heard: NOW - Duration::from_millis(400),
    });
    snapshot.view.deadline = Some(NOW + Duration::from_millis(3209));
    snapshot.link_up = true;
    publish(published, snapshot);
    published.counters.discard(Discard::Checksum);

    let status = runtime().block_on(agent.client().status()).unwrap();

    let router = &status.routers[0];
    assert_eq!((router.state, router.in_state_ms), (State::Backup, 192_000));
    assert_eq!((router.priority, router.effective_priority, router.fault), (100, Some(70), None));
    assert_eq!(router.active_router.as_ref().unwrap().heard_ms_ago, 400);
    assert_eq!(router.deadline_in_ms, Some(3209));
    assert_eq!(router.addresses, ["10.77.0.151/24"]);
    assert_eq!(router.traffic.discarded["checksum"], 1);
    assert_eq!(router.traffic.discarded.len(), Discard::ALL.len());
}

#[test]
fn the_document_keeps_its_names() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    let mut status = runtime().block_on(agent.client().status()).unwrap();
    status.agent.version = "1.2.3".to_owned();
    status.agent.pid = 42;
    status.agent.host = "db1".to_owned();

    insta::assert_snapshot!(serde_json::to_string_pretty(&status).unwrap());
}

#[test]
fn drain_names_the_router_and_returns_when_the_election_thread_has_answered() {
    let agent = Agent::start(vec![router("orders-db", 51, 100), router("reports", 52, 100)]);
    let client = agent.client();
    let asked = std::thread::spawn(move || {
        runtime().block_on(client.drain(&DrainRequest { router: Some("reports".to_owned()), force: true }))
    });
    let command = loop {
        match agent.inbox.commands.pop() {
            Some(command) => break command,
            None => std::thread::yield_now(),
        }
    };
    assert_eq!(command, Command::Drain { router: Some(1), mode: Drain::Forced });
    assert!(!asked.is_finished());

    agent.set_drained(1, true);

    assert_eq!(asked.join().unwrap().unwrap(), Changed { routers: vec!["reports".to_owned()] });
}

#[test]
fn a_drain_that_was_refused_before_anybody_looked_is_answered_too() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    let client = agent.client();
    let asked = std::thread::spawn(move || runtime().block_on(client.drain(&DrainRequest::default())));
    while agent.inbox.commands.pop().is_none() {
        std::thread::yield_now();
    }

    let mut snapshot = agent.inbox.routers[0].snapshot();
    snapshot.commands += 1;
    publish(&agent.inbox.routers[0], snapshot);

    assert_eq!(asked.join().unwrap().unwrap().routers, ["orders-db"]);
}

#[test]
fn draining_everything_leaves_out_the_address_owner() {
    let agent = Agent::start(vec![router("own", 51, 255), router("reports", 52, 100)]);
    agent.set_drained(1, true);

    let changed = runtime().block_on(agent.client().drain(&DrainRequest::default())).unwrap();

    assert_eq!(changed.routers, ["reports"]);
    assert_eq!(agent.inbox.commands.pop(), Some(Command::Drain { router: None, mode: Drain::Watched }));
}

#[test]
fn an_address_owner_is_not_drained() {
    let agent = Agent::start(vec![router("own", 51, 255)]);

    let (status, problem) = agent.raw("POST /v1/drain", r#"{"router":"own"}"#);

    assert_eq!(status, 409);
    assert!(problem.error.contains("own cannot be drained"), "{}", problem.error);
    assert!(agent.inbox.commands.is_empty());
}

#[test]
fn resume_reaches_the_election_thread() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);

    let changed = runtime().block_on(agent.client().resume(&ResumeRequest::default())).unwrap();

    assert_eq!(changed.routers, ["orders-db"]);
    assert_eq!(agent.inbox.commands.pop(), Some(Command::Resume { router: None }));
}

#[test]
fn an_unknown_router_is_answered_with_the_known_ones() {
    let agent = Agent::start(vec![router("orders-db", 51, 100), router("reports", 52, 100)]);

    let request = DrainRequest { router: Some("order-db".to_owned()), force: false };
    let error = runtime().block_on(agent.client().drain(&request)).unwrap_err();

    let ClientError::Refused(problem) = error else { panic!("{error}") };
    assert_eq!(problem.error, r#"no virtual router "order-db""#);
    assert_eq!(problem.help, r#"did you mean "orders-db"? this agent runs orders-db, reports"#);
}

#[test]
fn a_name_like_none_of_ours_gets_no_guess() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);

    let (status, problem) = agent.raw("POST /v1/resume", r#"{"router":"zzz"}"#);

    assert_eq!((status, problem.help.as_str()), (404, "this agent runs orders-db"));
}

#[test]
fn bad_requests_get_a_json_reason_and_reach_nobody() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    let long = format!(r#"{{"router":"{}"}}"#, "x".repeat(5000));
    for (head, body, expected) in [
        ("POST /v1/drain", "{", 400),
        ("POST /v1/drain", r#"{"router":7}"#, 422),
        ("POST /v1/drain", r#"{"routr":"orders-db"}"#, 422),
        ("POST /v1/drain", "[]", 422),
        ("POST /v1/resume", r#"["orders-db"]"#, 422),
        ("POST /v1/reload", "[true]", 422),
        ("POST /v1/drain", long.as_str(), 413),
        ("GET /v1/drain", "", 405),
        ("GET /v2/status", "", 404),
    ] {
        let (status, problem) = agent.raw(head, body);
        assert_eq!(status, expected, "{head} {body}: {}", problem.error);
        assert!(!problem.error.is_empty() && !problem.help.is_empty());
    }
    assert!(agent.inbox.commands.is_empty());
}

#[test]
fn a_full_queue_is_told() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    while agent.inbox.commands.push(Command::Resume { router: None }).is_ok() {}

    let (status, problem) = agent.raw("POST /v1/drain", "{}");

    assert_eq!((status, problem.error.as_str()), (503, "the election thread does not take commands"));
}

#[test]
fn the_socket_is_gone_after_shutdown_and_the_client_says_so() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    let client = agent.client();
    drop(agent);

    let error = runtime().block_on(client.status()).unwrap_err();

    assert!(matches!(error, ClientError::NoAgent(_)), "{error}");
}

#[test]
fn a_client_that_says_nothing_does_not_hold_up_the_end() {
    let agent = Agent::start(vec![router("orders-db", 51, 100)]);
    let mut mute = UnixStream::connect(&agent.path).unwrap();
    mute.write_all(b"GET /v1/sta").unwrap();
    runtime().block_on(agent.client().status()).unwrap();
    let path = agent.path.clone();

    drop(agent);

    assert!(!path.exists());
}

#[test]
fn an_agent_that_does_not_answer_is_silent_for_a_bounded_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vipd.sock");
    let _deaf = std::os::unix::net::UnixListener::bind(&path).unwrap();

    let client = control::Client::with_patience(&path, Duration::from_millis(20));
    let error = runtime().block_on(client.status()).unwrap_err();

    assert!(matches!(error, ClientError::Silent(..)), "{error}");
}

#[test]
fn a_reload_is_answered_by_whoever_applies_configurations() {
    let agent = Agent::start(vec![router("orders-db", 51, 200)]);
    let client = Client::new(&agent.path);

    let dry = runtime().block_on(client.reload(&ReloadRequest { dry_run: true })).unwrap();
    let refused = runtime().block_on(client.reload(&ReloadRequest { dry_run: false })).unwrap_err();

    assert!(!dry.applied && dry.routers.is_empty());
    let ClientError::Refused(problem) = refused else { panic!("{refused}") };
    assert_eq!((problem.reason, problem.error.as_str()), (Reason::BadConfig, "bad"));
}
