//! One node of the pair: a real `vipd run` in its host, with a configuration, a socket and a log of its own.

use core::time::Duration;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::runtime::Runtime;

use super::DrillError;
use super::lab::Lab;
use super::plan::{ROUTER, Side};
use super::wall_clock::WallClock;
use crate::control::{Client, ClientError, DrainRequest, ResumeRequest, RouterStatus};

/// How many lines of a node's log an error quotes.
const QUOTED_LINES: usize = 5;
/// How long one question to the agent may take; it answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs one node. Dropped, it ends every process of it at once.
#[derive(Debug)]
pub(super) struct Node {
    side: Side,
    process: Child,
    client: Client,
    runtime: Runtime,
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    /// Where it does not live by the machine's.
    clock: Option<WallClock>,
}

impl Node {
    /// Starts `program run` inside the host, from a configuration written into `directory`, which must not exist; with a
    /// wall clock of its own, if wished.
    pub(super) fn start(
        lab: &Lab,
        side: Side,
        directory: &Path,
        program: &Path,
        own_clock: bool,
        configuration: impl FnOnce(&Path) -> String,
    ) -> Result<Self, DrillError> {
        let file = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| DrillError::File { doing, path, source }
        };
        fs::create_dir(directory).map_err(file("make", directory))?;
        let [config, socket, log] = ["vipd.yaml", "vipd.sock", "log"].map(|name| directory.join(name));
        fs::write(&config, configuration(&socket)).map_err(file("write", &config))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| DrillError::System { doing: "start a runtime", source })?;
        let clock = own_clock.then(|| WallClock::new(directory)).transpose()?;
        let process = launch(lab, side, program, &config, &log, clock.as_ref())?;
        let client = Client::with_patience(socket, PATIENCE);
        Ok(Self { side, process, client, runtime, program: program.to_owned(), config, log, clock })
    }

    /// Tells whether the process that was started last has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)))
    }

    /// Starts a node that has ended once more, with the same configuration.
    pub(super) fn start_again(&mut self, lab: &Lab) -> Result<(), DrillError> {
        self.process = launch(lab, self.side, &self.program, &self.config, &self.log, self.clock.as_ref())?;
        Ok(())
    }

    /// Asks the agent about its Virtual Router; `None` while it does not answer yet.
    ///
    /// # Errors
    /// [`DrillError::Ended`] where there is no agent any more.
    pub(super) fn status(&mut self) -> Result<Option<RouterStatus>, DrillError> {
        if let Some(status) = self.process.try_wait().ok().flatten() {
            return Err(self.ended(status));
        }
        match self.runtime.block_on(self.client.status()) {
            Ok(status) => Ok(status.routers.into_iter().find(|router| router.name == ROUTER)),
            Err(_) => Ok(None),
        }
    }

    /// Tells the agent to give the role away.
    pub(super) fn drain(&self) -> Result<(), DrillError> {
        let request = DrainRequest::default();
        self.runtime.block_on(self.client.drain(&request)).map(|_| ()).map_err(|error| self.refused("drain", error))
    }

    /// Tells the agent to take part again.
    pub(super) fn resume(&self) -> Result<(), DrillError> {
        let request = ResumeRequest::default();
        self.runtime.block_on(self.client.resume(&request)).map(|_| ()).map_err(|error| self.refused("resume", error))
    }

    /// Tells `vipd run` to end, as `systemctl stop` does.
    pub(super) fn terminate(&self) -> Result<(), DrillError> {
        self.signal(self.pid(), Signal::SIGTERM)
    }

    /// Returns the number of the agent.
    pub(super) fn agent(&self) -> Result<Pid, DrillError> {
        children(self.pid()).first().copied().ok_or(DrillError::NoAgent(self.side))
    }

    /// Sends a signal to the agent, but not to the guardian that watches over it.
    pub(super) fn signal_agent(&self, signal: Signal) -> Result<(), DrillError> {
        self.signal(self.agent()?, signal)
    }

    /// Sends a signal to the guardian alone.
    pub(super) fn signal_guardian(&self, signal: Signal) -> Result<(), DrillError> {
        self.signal(self.pid(), signal)
    }

    /// Kills every process of the node.
    pub(super) fn kill_all(&mut self) {
        let guardian = self.pid();
        // A process that has been waited for has no number any more, and its number may be somebody else's.
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // A guardian that stands still neither starts another agent nor waits for this one, so that the agent's number
        // stays its own.
        let _ = kill(guardian, Signal::SIGSTOP);
        for agent in children(guardian) {
            let _ = kill(agent, Signal::SIGKILL);
        }
        let _ = kill(guardian, Signal::SIGKILL);
        let _ = self.process.wait();
        if self.clock.is_some() {
            WallClock::forget(self.process.id());
        }
    }

    /// Steps its own wall clock to this many seconds ahead of the machine's.
    pub(super) fn step_clock(&self, ahead: i64) -> Result<(), DrillError> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.step_to(ahead))
    }

    /// Returns by how many milliseconds its agent sees the wall clock ahead of the clock that it signs with.
    pub(super) fn wall_clock_ahead(&mut self) -> Result<i64, DrillError> {
        let signing = self.status()?.and_then(|status| status.authentication);
        Ok(signing.map_or(0, |signing| signing.wall_clock_ahead_ms))
    }

    /// Makes sure that it believed whatever reached it.
    pub(super) fn has_discarded_nothing(&mut self) -> Result<(), DrillError> {
        let Some(status) = self.status()? else { return Err(self.late("answer", PATIENCE)) };
        let discarded = status.traffic.discarded;
        let reasons: Vec<String> = discarded
            .iter()
            .filter(|(_, times)| **times > 0)
            .map(|(reason, times)| format!("{reason} {times}"))
            .collect();
        match reasons.is_empty() {
            true => Ok(()),
            false => {
                Err(DrillError::Discarded { side: self.side, reasons: reasons.join(", "), log: self.last_words() })
            }
        }
    }

    /// Says that it did not come as far as it should.
    pub(super) fn late(&self, doing: &'static str, within: Duration) -> DrillError {
        DrillError::TooLate { side: self.side, doing, within, log: self.last_words() }
    }

    /// Returns how much memory the agent needs for itself, in KiB: pages that it shares count in part.
    pub(super) fn memory_kib(&self) -> Result<i64, DrillError> {
        let path = PathBuf::from(format!("/proc/{}/smaps_rollup", self.agent()?));
        let text = fs::read_to_string(&path);
        let text = text.map_err(|source| DrillError::File { doing: "read", path, source })?;
        let share = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        Ok(share.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0))
    }

    /// Returns what the node has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns the last lines of the node's log, for an error.
    pub(super) fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }

    fn pid(&self) -> Pid {
        // Linux process numbers stay below 2^22.
        Pid::from_raw(self.process.id().cast_signed())
    }

    fn signal(&self, process: Pid, signal: Signal) -> Result<(), DrillError> {
        kill(process, signal)
            .map_err(|errno| DrillError::System { doing: "send a signal to a node", source: errno.into() })
    }

    fn refused(&self, doing: &'static str, source: ClientError) -> DrillError {
        DrillError::Refused { doing, side: self.side, source, log: self.last_words() }
    }

    fn ended(&self, status: ExitStatus) -> DrillError {
        DrillError::Ended { side: self.side, status, log: self.last_words() }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill_all();
    }
}

fn launch(
    lab: &Lab,
    side: Side,
    program: &Path,
    config: &Path,
    log: &Path,
    clock: Option<&WallClock>,
) -> Result<Child, DrillError> {
    let output = File::options().create(true).append(true).open(log);
    let output = output.map_err(|source| DrillError::File { doing: "write", path: log.to_owned(), source })?;
    let mut command = Command::new(program);
    command.arg0("vipd").arg("--config").arg(config).arg("run").stdin(Stdio::null()).stdout(Stdio::null());
    // The terminal's Ctrl-C is for the drill alone, which then ends its nodes.
    command.stderr(output).process_group(0);
    command.envs(clock.into_iter().flat_map(WallClock::environment));
    let system = |source| DrillError::System { doing: "start `vipd run`", source };
    lab.host(side).namespace.spawn(command).map_err(system)
}

/// Lists the children of a process, those of all its threads.
fn children(parent: Pid) -> Vec<Pid> {
    let read = || -> io::Result<Vec<Pid>> {
        let mut children = Vec::new();
        for thread in fs::read_dir(format!("/proc/{parent}/task"))? {
            let list = fs::read_to_string(thread?.path().join("children"))?;
            children.extend(list.split_whitespace().filter_map(|number| number.parse().ok()).map(Pid::from_raw));
        }
        Ok(children)
    };
    // A process that is gone has none.
    read().unwrap_or_default()
}
