//! The subcommands that talk to an agent.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;

use vipd::control::{Problem, Reason, ReloadChange, Reloaded, RouterReload, SettingChange};
use vipd::election::{Drain, Peer, StateName};
use vipd::engine::Command;
use vrrp_packet::{Interval, Priority};

use crate::agent::Agent;
use crate::run::{said, vipd};

/// Runs a subcommand against an agent; what differs from run to run is taken out.
fn asked(agent: &Agent, arguments: &[&str]) -> String {
    let socket = agent.socket();
    let text = said(&[arguments, &["--control-socket", socket.to_str().unwrap()]].concat());
    let host = nix::unistd::gethostname().unwrap();
    text.replace(socket.to_str().unwrap(), "SOCKET")
        .replace(&format!(" on {},", host.to_string_lossy()), " on HOST,")
        .replace(&format!("process {}", std::process::id()), "process PID")
}

#[test]
fn without_an_agent_every_question_ends_with_4() {
    let socket = ["--control-socket", "/nonexistent/vipd.sock"];
    let tries = [["status"], ["drain"], ["resume"], ["reload"]];
    insta::assert_snapshot!(tries.map(|subcommand| said(&[&subcommand[..], &socket].concat())).join("\n"));
}

#[test]
fn a_named_configuration_that_is_not_there_is_no_reason_to_ask_another_agent() {
    insta::assert_snapshot!(said(&["drain", "--config", "/nonexistent/vipd.yaml"]));
}

#[test]
fn status_is_a_table() {
    insta::assert_snapshot!(asked(&Agent::start(), &["status"]));
}

#[test]
fn status_as_json_is_the_whole_document() {
    let agent = Agent::start();
    let output = vipd(&["status", "--json", "--control-socket"]).arg(agent.socket()).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["routers"][0]["state"], "active");
    assert_eq!(status["routers"][0]["in_state_ms"], 192_000);
}

#[test]
fn a_watcher_that_is_no_terminal_gets_one_document_a_line_and_may_leave() {
    let agent = Agent::start();
    let mut command = vipd(&["status", "--json", "--watch", "--control-socket"]);
    let mut child = command.arg(agent.socket()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();

    assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn drain_waits_until_a_peer_has_the_role() {
    let agent = Agent::start();
    let text = thread::scope(|scope| {
        let said = scope.spawn(|| asked(&agent, &["drain", "--wait"]));
        assert_eq!(agent.command(), Command::Drain { router: None, mode: Drain::Watched });
        agent.publish(|view| {
            (view.drained, view.draining, view.state) = (true, false, StateName::Aside);
            view.active = Some(Peer {
                source: [10, 77, 0, 2].into(),
                priority: Priority::new(100),
                interval: Interval::from_seconds(1).unwrap(),
                heard: view.since,
            });
        });
        said.join().unwrap()
    });
    insta::assert_snapshot!(text);
}

#[test]
fn drain_ends_with_1_where_the_role_comes_back() {
    let agent = Agent::start();
    let mut command = vipd(&["drain", "orders-db", "--wait", "--control-socket"]);
    let mut child = command.arg(agent.socket()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(agent.command(), Command::Drain { router: Some(0), mode: Drain::Watched });
    agent.publish(|view| (view.drained, view.draining, view.state) = (true, true, StateName::Aside));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "orders-db: gives the role away");

    agent.publish(|view| (view.drained, view.draining, view.state) = (false, false, StateName::Active));

    let back = "orders-db: no peer took the role and kept it: it is back on this node";
    assert_eq!(lines.next().unwrap().unwrap(), back);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: not drained: orders-db\nhint: "));
}

#[test]
fn an_unknown_router_is_named_with_the_known_ones() {
    insta::assert_snapshot!(asked(&Agent::start(), &["resume", "orders"]));
}

#[test]
fn resume_says_who_takes_part() {
    insta::assert_snapshot!(asked(&Agent::start(), &["resume"]));
}

fn setting(key: &str, from: &str, to: &str) -> SettingChange {
    SettingChange { key: key.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

/// Every kind of change.
fn changes(dry_run: bool) -> Result<Reloaded, Problem> {
    let router = |name: &str, change, settings| RouterReload { name: name.to_owned(), change, settings };
    let routers = vec![
        router("orders-db", ReloadChange::Unchanged, vec![]),
        router(
            "web",
            ReloadChange::InPlace,
            vec![setting("priority", "200", "150"), setting("preempt", "true", "false")],
        ),
        router("mail", ReloadChange::Anew, vec![setting("vrid", "52", "53")]),
        router("new", ReloadChange::Added, vec![]),
        router("old", ReloadChange::Removed, vec![]),
    ];
    Ok(Reloaded { applied: !dry_run, routers, warnings: "warning: something is doubtful\n".to_owned() })
}

#[test]
fn reload_tells_what_became_of_each_router() {
    let agent = Agent::with_reloads(changes);

    insta::assert_snapshot!(asked(&agent, &["reload"]));
}

#[test]
fn a_dry_run_says_that_nothing_is_applied() {
    let agent = Agent::with_reloads(changes);

    insta::assert_snapshot!(asked(&agent, &["reload", "--dry-run"]));
}

#[test]
fn a_refused_configuration_is_shown_with_its_errors_and_ends_with_3() {
    let agent = Agent::with_reloads(|_| {
        let problem =
            Problem::new(Reason::BadConfig, "vipd.yaml is refused", "the running configuration stays as it was");
        Err(Problem { report: Some("error: `vrid` is 512\n".to_owned()), ..problem })
    });

    insta::assert_snapshot!(asked(&agent, &["reload"]));
}

#[test]
fn a_user_who_may_not_change_anything_ends_with_5() {
    let agent = Agent::with_reloads(|_| Err(Problem::new(Reason::NotPermitted, "this user may only look", "ask root")));

    insta::assert_snapshot!(asked(&agent, &["reload"]));
}
