//! A host: a network namespace, a folder, and the agent that runs there.

use core::time::Duration;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use caps::{CapSet, Capability};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use vipd::control::{Client, ClientError, RouterStatus, State, Status};
use vipd::net::link::{self, LinkAddress};
use vipd::net::netlink::{Groups, Monitor};
use vipd::net::{Namespace, Netlink, find_thread, hold_thread};

use super::{PATIENCE, Router, ip, wait_at_most, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_vipd");

/// A host; its processes end with it.
pub(crate) struct Node {
    host: u8,
    namespace: Namespace,
    netlink: Netlink,
    folder: TempDir,
    binary: PathBuf,
    /// What starts the agent, where it is not started as it is.
    pub(super) wrapper: Vec<String>,
    environment: Vec<(&'static str, String)>,
    guardian: Option<Child>,
    runtime: Runtime,
}

impl Node {
    pub(super) fn new(host: u8) -> Self {
        let namespace = Namespace::new().unwrap();
        Self {
            host,
            netlink: Netlink::open_in(&namespace).unwrap(),
            namespace,
            folder: TempDir::new().unwrap(),
            binary: BINARY.into(),
            wrapper: Vec::new(),
            environment: Vec::new(),
            guardian: None,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// Runs a program of its own from now on, so that no other process shares its pages.
    pub(crate) fn copy_binary(&mut self) {
        self.binary = self.folder.path().join("vipd");
        fs::copy(BINARY, &self.binary).unwrap();
    }

    pub(crate) fn host(&self) -> u8 {
        self.host
    }

    pub(crate) fn mac(&self) -> [u8; 6] {
        [2, 0, 0, 0, 0, self.host]
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    pub(crate) fn netlink(&mut self) -> &mut Netlink {
        &mut self.netlink
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn index(&mut self, interface: &str) -> u32 {
        link::index_of(&mut self.netlink, interface).unwrap().unwrap()
    }

    /// Configures an address as an administrator would.
    pub(crate) fn add_address(&mut self, interface: &str, address: &str, prefix: u8) {
        let index = self.index(interface);
        link::add_address(&mut self.netlink, index, ip(address), prefix).unwrap();
    }

    /// Removes an address as an administrator would.
    pub(crate) fn remove_address(&mut self, interface: &str, address: &str, prefix: u8) {
        let index = self.index(interface);
        link::remove_address(&mut self.netlink, index, ip(address), prefix).unwrap();
    }

    pub(crate) fn set_up(&mut self, interface: &str, up: bool) {
        let index = self.index(interface);
        if up { link::set_up(&mut self.netlink, index) } else { link::set_down(&mut self.netlink, index) }.unwrap();
    }

    pub(crate) fn delete_interface(&mut self, interface: &str) {
        let index = self.index(interface);
        link::delete(&mut self.netlink, index).unwrap();
    }

    pub(crate) fn addresses(&mut self) -> Vec<LinkAddress> {
        link::links(&mut self.netlink).unwrap().into_iter().flat_map(|link| link.addresses).collect()
    }

    pub(crate) fn find(&mut self, address: &str) -> Option<LinkAddress> {
        let wanted: IpAddr = ip(address);
        self.addresses().into_iter().find(|known| known.address == wanted)
    }

    /// Tells whether the kernel has an address.
    pub(crate) fn has(&mut self, address: &str) -> bool {
        self.find(address).is_some()
    }

    /// Hears of addresses that come and go from now on.
    pub(crate) fn watch_addresses(&self) -> Monitor {
        self.namespace.enter(|| Monitor::open(Groups::ALL)).unwrap().unwrap()
    }

    /// Writes the configuration, starts the agent, and returns when it answers.
    pub(crate) fn run(&mut self, routers: &[Router]) {
        self.spawn(routers);
        self.answers();
    }

    /// Writes the configuration and starts the agent.
    pub(crate) fn spawn(&mut self, routers: &[Router]) {
        self.configure(routers);
        self.start_again();
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, routers: &[Router]) {
        let routers: Vec<String> = routers.iter().map(|router| format!("  - {router}\n")).collect();
        self.write_config(&format!("virtual_routers:\n{}", routers.concat()));
    }

    /// Writes a configuration: the control socket of this node, then what is given.
    pub(crate) fn write_config(&self, rest: &str) {
        let text = format!("control: {{ socket: {} }}\n{rest}", self.socket().display());
        fs::write(self.config(), text).unwrap();
    }

    /// Starts the agent with the configuration that is there.
    pub(crate) fn start_again(&mut self) {
        self.start_without(&[]);
    }

    /// Starts the agent without capabilities, with the configuration that is there.
    pub(crate) fn start_without(&mut self, capabilities: &[Capability]) {
        assert!(self.guardian.is_none(), "node {} runs already", self.host);
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = self.run_command();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.guardian = Some(self.enter_without(capabilities, || command.spawn().unwrap()));
    }

    /// Runs the agent without capabilities and waits for its end.
    pub(crate) fn output_without(&self, capabilities: &[Capability]) -> Output {
        let mut command = self.run_command();
        self.enter_without(capabilities, || command.output().unwrap())
    }

    fn run_command(&self) -> Command {
        let words = self.wrapper.iter().map(OsString::from).chain([self.binary.clone().into_os_string()]);
        let words: Vec<OsString> = words.collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["run", "--config"]).arg(self.config());
        command.envs(self.environment.iter().cloned());
        command
    }

    /// Does something on a thread of this node that has given up capabilities for good, for its children too.
    fn enter_without<T: Send>(&self, capabilities: &[Capability], inside: impl FnOnce() -> T + Send) -> T {
        let restricted = || {
            for capability in capabilities {
                caps::drop(None, CapSet::Bounding, *capability).unwrap();
            }
            inside()
        };
        self.namespace.enter(restricted).unwrap()
    }

    /// Starts the agent with this in its environment from now on.
    pub(crate) fn set_environment(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    /// Gives the agent another wall clock from now on, as libfaketime writes it.
    pub(crate) fn live_in(&mut self, time: &str) {
        let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
        assert!(Path::new(&library).exists(), "this test needs Debian's package libfaketime");
        self.set_environment("LD_PRELOAD", &library);
        self.set_environment("FAKETIME", time);
        self.set_environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    /// Hides from the agent from now on that the kernel's clock is synchronised, which libfaketime does not.
    pub(crate) fn is_not_synchronised(&mut self) {
        let traced =
            ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "inject=adjtimex:retval=5"];
        self.wrapper = traced.map(str::to_owned).to_vec();
    }

    /// Waits until the agent answers on its control socket and every election has begun.
    pub(crate) fn answers(&self) {
        let begun = |status: Status| status.routers.iter().all(|router| router.state != State::Initialize);
        wait_until("the agent answers", || self.try_status().is_ok_and(begun));
    }

    /// Runs another subcommand on this node and waits for its end.
    pub(crate) fn vipd(&self, arguments: &[&str]) -> Output {
        self.vipd_in_background(arguments).wait_with_output().unwrap()
    }

    /// Starts another subcommand on this node.
    pub(crate) fn vipd_in_background(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--control-socket").arg(self.socket());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.namespace.spawn(command).unwrap()
    }

    pub(crate) fn try_status(&self) -> Result<Status, ClientError> {
        self.runtime.block_on(Client::new(self.socket()).status())
    }

    pub(crate) fn status(&self) -> Status {
        self.try_status().unwrap_or_else(|error| panic!("node {}: {error}", self.host))
    }

    /// Returns the status of the first router.
    pub(crate) fn router(&self) -> RouterStatus {
        self.status().routers.remove(0)
    }

    /// Returns how many packets the first router discarded for a reason.
    pub(crate) fn discarded(&self, reason: &str) -> u64 {
        self.router().traffic.discarded[reason]
    }

    /// Waits until the status of the first router is as wanted.
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&RouterStatus) -> bool) {
        // While an agent is being started again nobody answers.
        wait_until(&format!("node {}: {what}", self.host), || {
            self.try_status().is_ok_and(|status| wanted(&status.routers[0]))
        });
    }

    /// Waits until every router is in a state.
    pub(crate) fn becomes(&self, state: State) {
        self.becomes_within(PATIENCE, state);
    }

    /// Waits until every router is in a state, and fails when that takes longer than this.
    pub(crate) fn becomes_within(&self, limit: Duration, state: State) {
        wait_at_most(limit, &format!("node {} becomes {state}", self.host), || {
            self.try_status().is_ok_and(|status| status.routers.iter().all(|router| router.state == state))
        });
    }

    /// Waits until that many more advertisements were heard, and returns how the first router is then.
    pub(crate) fn after_hearing(&self, more: u64) -> RouterStatus {
        let before = self.router().traffic.received;
        self.wait_for("hears advertisements", |router| router.traffic.received >= before + more);
        self.router()
    }

    pub(crate) fn agent(&self) -> Pid {
        Pid::from_raw(self.status().agent.pid.cast_signed())
    }

    pub(crate) fn guardian(&self) -> Pid {
        Pid::from_raw(self.guardian.as_ref().unwrap().id().cast_signed())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.guardian(), signal).unwrap();
    }

    /// Waits until the process that was started has ended.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let mut guardian = self.guardian.take().unwrap();
        let mut status = None;
        wait_until(&format!("the agent of node {} ends", self.host), || {
            status = guardian.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Tells the agent to leave and waits until it has ended.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ends()
    }

    /// Kills guardian and agent so that neither can do anything about the end of the other.
    pub(crate) fn kill_all(&mut self) {
        let (guardian, agent) = (self.guardian(), self.agent());
        kill(guardian, Signal::SIGSTOP).unwrap();
        kill(agent, Signal::SIGKILL).unwrap();
        kill(guardian, Signal::SIGKILL).unwrap();
        self.ends();
        self.has_no_processes();
    }

    /// Stops guardian and agent, as a machine does that has no time for either, and returns the agent.
    pub(crate) fn stop_all(&self) -> Pid {
        let agent = self.agent();
        // The guardian first: it would do something about a stopped agent.
        for process in [self.guardian(), agent] {
            kill(process, Signal::SIGSTOP).unwrap();
        }
        agent
    }

    /// Makes one thread of the agent hang for good.
    pub(crate) fn wedge(&self, thread: &str) {
        hold_thread(find_thread(self.agent().as_raw(), thread).unwrap()).unwrap();
    }

    /// Waits until no process of this node is left.
    pub(crate) fn has_no_processes(&self) {
        wait_until("every process is gone", || self.processes().is_empty());
    }

    /// Waits until the log says something, and returns it.
    pub(crate) fn logs(&self, words: &str) {
        wait_until(&format!("node {} logs {words:?}", self.host), || self.log().contains(words));
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder().join("vipd.sock")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder().join("vipd.yaml")
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Finds the processes that name this node's folder in their arguments: they are ours and nobody else's.
    fn processes(&self) -> Vec<Pid> {
        let folder = self.folder().as_os_str().as_encoded_bytes();
        let ours = |process: &i32| {
            let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            arguments.windows(folder.len()).any(|window| window == folder)
        };
        let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter(ours).map(Pid::from_raw).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of node {}\n{}---", self.host, self.log());
        }
        // The guardian comes first in the list, as it is older; a new agent is found in the next round.
        while let processes @ [_, ..] = self.processes().as_slice() {
            for process in processes {
                let _ = kill(*process, Signal::SIGKILL);
            }
            if let Some(guardian) = &mut self.guardian {
                let _ = guardian.wait();
            }
        }
    }
}
