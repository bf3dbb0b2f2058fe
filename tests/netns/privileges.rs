//! What the processes may do, and who may tell them what to do.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vipd::control::State;
use vipd::net::privileges::{Capability, missing};

use crate::lab::{Lab, Node, Router, of_each_thread, wait_until};

/// A group that every Linux has, with its number.
const GROUP: (&str, u32) = ("daemon", 1);

fn mask(capabilities: &[Capability]) -> u64 {
    capabilities.iter().map(Capability::bitmask).sum()
}

/// Returns the capabilities that any thread of a process could use.
fn permitted(process: Pid) -> u64 {
    let masks = of_each_thread(process, "CapPrm");
    assert!(!masks.is_empty());
    masks.iter().fold(0, |all, mask| all | u64::from_str_radix(mask, 16).unwrap())
}

fn with_role(lab: &mut Lab) -> Node {
    let mut a = lab.node(1);
    a.open_folder();
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    a
}

#[test]
fn guardian_and_agent_keep_two_capabilities_and_can_get_no_more() {
    let mut lab = Lab::new();
    let a = with_role(&mut lab);
    let needed = mask(&[Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW]);
    // Where limits cannot be lifted, these stand for them: locked memory always, realtime for the next agent.
    let lifts = missing(&[Capability::CAP_SYS_RESOURCE]).is_empty();
    let memory = if lifts { 0 } else { mask(&[Capability::CAP_IPC_LOCK]) };
    let realtime = if lifts { 0 } else { mask(&[Capability::CAP_SYS_NICE]) };

    // A thread that has just begun may not have settled when the agent answers.
    wait_until("the agent has given up what it needed to begin", || permitted(a.agent()) == needed | memory);
    assert_eq!(permitted(a.guardian()), needed | memory | realtime);
    for process in [a.agent(), a.guardian()] {
        assert_eq!(BTreeSet::from_iter(of_each_thread(process, "NoNewPrivs")), BTreeSet::from(["1".to_owned()]));
        let bounding = of_each_thread(process, "CapBnd");
        let is_small = |it: &String| u64::from_str_radix(it, 16).unwrap() == needed | memory | realtime;
        assert!(bounding.iter().all(is_small), "{bounding:?}");
    }
    assert!(a.log().contains("the election thread runs with realtime priority 50"), "{}", a.log());
}

#[test]
fn without_the_optional_capabilities_two_are_all_that_there_is() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.configure(&[Router::pair(200)]);

    a.start_without(&[Capability::CAP_SYS_NICE, Capability::CAP_IPC_LOCK, Capability::CAP_SYS_RESOURCE]);

    a.becomes(State::Active);
    let needed = mask(&[Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW]);
    assert_eq!((permitted(a.guardian()), permitted(a.agent())), (needed, needed));
}

#[test]
fn an_agent_that_is_started_again_is_as_able_as_the_first() {
    let mut lab = Lab::new();
    let mut a = with_role(&mut lab);
    let agent = a.agent();

    kill(agent, Signal::SIGKILL).unwrap();

    wait_until("another agent answers", || {
        a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
    });
    a.becomes(State::Active);
    assert!(a.has("10.77.0.100"));
    assert_eq!(a.log().matches("the election thread runs with realtime priority 50").count(), 2, "{}", a.log());
}

#[test]
fn an_ordinary_user_with_ambient_capabilities_can_run_it() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run_as_user(&["net_admin", "net_raw", "sys_nice", "ipc_lock"]);
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    assert!(a.has("10.77.0.100"));
    assert!(a.log().contains("the election thread runs with realtime priority 50"), "{}", a.log());

    // Without the right to lift limits, what stands for them stays with the guardian, for the next agent.
    let needed = mask(&[Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW]);
    let memory = mask(&[Capability::CAP_IPC_LOCK]);
    wait_until("the agent has given up what it needed to begin", || permitted(a.agent()) & !memory == needed);
    assert_eq!(permitted(a.guardian()) & needed, needed);
    let agent = a.agent();
    kill(agent, Signal::SIGKILL).unwrap();
    wait_until("another agent answers", || {
        a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
    });
    a.becomes(State::Active);
    a.configure(&[Router::pair(150)]);
    assert_eq!(a.vipd(&["reload"]).status.code(), Some(0));
    assert!(a.stop().success());
    assert!(!a.has("10.77.0.100"));
}

#[test]
fn an_ordinary_user_with_the_two_capabilities_alone_can_run_it_with_a_warning() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.run_as_user(&["net_admin", "net_raw"]);

    a.run(&[Router::pair(200)]);

    a.becomes(State::Active);
    assert!(a.log().contains("without CAP_SYS_NICE the agent runs, but may be late"), "{}", a.log());
    assert!(a.stop().success());
}

#[test]
fn whoever_reaches_the_socket_may_look_but_only_its_group_may_change_something() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    a.open_folder();
    let (name, number) = GROUP;
    let socket = a.socket();
    let router = Router::pair(200);
    fs::write(
        a.config(),
        format!("control: {{ socket: {}, group: {name} }}\nvirtual_routers: [{router}]\n", socket.display()),
    )
    .unwrap();
    a.start_again();
    a.becomes(State::Active);
    let file = fs::metadata(&socket).unwrap();
    assert_eq!((file.mode() & 0o777, file.gid()), (0o660, number));
    // A stranger does not even get to the socket; a member of the group does, and may tell the agent what to do.
    assert_eq!(a.vipd_as_user(&[], &["status"]).status.code(), Some(5));
    assert_eq!(a.vipd_as_user(&[number], &["status"]).status.code(), Some(0));
    assert_eq!(a.vipd_as_user(&[number], &["reload", "--dry-run"]).status.code(), Some(0));

    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();

    assert_eq!(a.vipd_as_user(&[], &["status"]).status.code(), Some(0));
    for request in [&["drain"][..], &["resume"], &["reload"], &["reload", "--dry-run"]] {
        let output = a.vipd_as_user(&[], request);
        assert_eq!(output.status.code(), Some(5), "{request:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("this user may look at the agent, and change nothing"), "{said}");
    }
    assert_eq!(a.router().state, State::Active);
    assert_eq!(a.vipd_as_user(&[number], &["drain", "--force"]).status.code(), Some(0));
}

#[test]
fn a_group_that_the_host_does_not_know_is_a_bad_configuration() {
    let mut lab = Lab::new();
    let a = lab.node(1);
    let socket = a.socket();
    let router = Router::pair(200);
    let text =
        format!("control: {{ socket: {}, group: nobody-here }}\nvirtual_routers: [{router}]\n", socket.display());
    fs::write(a.config(), text).unwrap();

    let output = a.output_without(&[]);

    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("this host has no group nobody-here"), "{output:?}");
}

#[test]
fn files_of_the_agent_are_written_as_a_whole() {
    let mut lab = Lab::new();
    let mut a = with_role(&mut lab);
    assert_eq!(a.vipd(&["drain", "--force"]).status.code(), Some(0));
    wait_until("the drain is remembered", || a.folder().join("drained.json").exists());
    let inode = || fs::metadata(a.folder().join("drained.json")).unwrap().ino();
    let before = inode();

    assert_eq!(a.vipd(&["resume"]).status.code(), Some(0));

    // Another file in its place: who reads finds the old one or the new one.
    wait_until("the end of the drain is remembered", || inode() != before);
    a.becomes(State::Active);
    assert!(a.stop().success());
    let left: BTreeSet<String> =
        fs::read_dir(a.folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, BTreeSet::from(["drained.json", "log", "vipd", "vipd.yaml"].map(str::to_owned)));
}
