//! The guardian's loop: start, watch, clean up, start again.

use core::cell::Cell;
use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::feeder::Feeder;
use super::link::VARIABLE;
use super::vigil::Vigil;
use super::{Applied, Backoff, Cleanup, Table, Thread};
use crate::net::{
    Child, FrameSocket, Signals, Timer, Wake, boot_nanos, go_first, go_realtime, lock_memory, to_be_closed_first,
};

/// The agent's exit codes that another start would never change: done, bad usage, bad config, not permitted.
const FINAL: [u8; 4] = [0, 2, 3, 5];
/// The guardian's own exit code where the agent did not leave in order.
const FAILED: u8 = 1;

/// Says what to run, and how patiently.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The agent's program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How many Virtual Routers it may run at once.
    pub routers: usize,
    /// What the first agent runs with, as [`Cleanup::follow`] understands it.
    pub applied: Vec<u8>,
    /// How long it may take to leave, beyond [`Cleanup::longest_leave`], before it is killed.
    pub patience: Duration,
    /// How long to wait before it is started again.
    pub backoff: Backoff,
}

impl Plan {
    /// Runs this same program with other arguments; half a minute to leave beyond what the configuration makes it take, and the default backoff.
    pub fn new(arguments: Vec<OsString>, routers: usize, applied: Vec<u8>) -> Self {
        Self {
            // Names the program that runs, even where its file has been replaced since.
            program: PathBuf::from("/proc/self/exe"),
            arguments,
            routers,
            applied,
            patience: Duration::from_secs(30),
            backoff: Backoff::default(),
        }
    }
}

/// Runs the agent until it is told to leave or cannot run at all, and returns the exit code for the whole: the agent's,
/// where it gave up before any was ready or with a code that another start would not change.
///
/// Call it before any other thread is started: it blocks SIGTERM, SIGINT and SIGHUP, and forwards them to the agent.
///
/// # Errors
/// What the kernel says where not even the first agent could be started.
pub fn run(plan: &Plan, cleanup: &mut dyn Cleanup) -> io::Result<u8> {
    let guardian = Guardian::new(plan)?;
    let mut backoff = plan.backoff;
    let mut agent = guardian.start()?;
    loop {
        let started = boot_nanos();
        let end = Vigil::new(&guardian, agent).keep(cleanup)?;
        if let Some(code) = end.exit_code(guardian.table.was_ready()) {
            return Ok(code);
        }
        cleanup.renumber();
        let mut wait = backoff.after(Duration::from_nanos(boot_nanos().saturating_sub(started)));
        tracing::error!(status = %end.status, restart_in = ?wait, "the agent died");
        agent = loop {
            if guardian.told_to_leave_within(wait)? {
                return Ok(0);
            }
            match guardian.start() {
                Ok(agent) => break agent,
                Err(error) => {
                    wait = backoff.after(Duration::ZERO);
                    tracing::error!(%error, restart_in = ?wait, "the agent cannot be started");
                }
            }
        };
    }
}

/// Lets the calling thread notice a stopped agent in time on a busy host: with SCHED_FIFO of a priority below that of the
/// agent's threads, where one is given, and with its pages in memory.
///
/// What is not permitted here is not permitted to the agent either, which says so.
pub fn keep_on_time(realtime: Option<u8>) {
    // An agent that is told to do without realtime is first among the others, and so is whoever watches over it.
    let realtime = realtime.map_or_else(go_first, go_realtime);
    if let Err(error) = realtime.and(lock_memory()) {
        tracing::debug!(%error, "the guardian may be late on a busy host");
    }
}

/// Says how an agent ended.
pub(super) struct End {
    pub(super) status: ExitStatus,
    pub(super) told_to_leave: bool,
}

impl End {
    /// Returns the guardian's exit code, or `None` where the agent is to be started again.
    ///
    /// An agent that gave up before any was ready has said what it lacks: whoever started the service decides whether to
    /// try again. One that was killed is always started again.
    fn exit_code(&self, was_ready: bool) -> Option<u8> {
        let code = self.status.code().and_then(|code| u8::try_from(code).ok());
        // Told to leave before it could listen, it ends by the signal itself: that is what was asked for.
        let obeyed = matches!(self.status.signal(), Some(libc::SIGTERM | libc::SIGINT));
        match code {
            _ if self.told_to_leave && obeyed => Some(0),
            _ if self.told_to_leave => Some(code.unwrap_or(FAILED)),
            code => code.filter(|code| FINAL.contains(code) || !was_ready),
        }
    }
}

/// Is a running agent.
pub(super) struct Agent {
    pub(super) child: Child,
    /// Ends when the last thread of the agent has: sooner than the kernel has cleaned up and tells that the process is dead.
    pub(super) death: PipeReader,
}

/// Holds what outlives each agent.
pub(super) struct Guardian<'p> {
    pub(super) plan: &'p Plan,
    pub(super) table: Table,
    pub(super) signals: Signals,
    pub(super) timer: Timer,
    /// Notified by the agent when it has promised something for sooner than before.
    pub(super) wake: Wake,
    pub(super) feeder: Option<Feeder>,
    /// What the agent inherits.
    liveness: PipeReader,
    /// The agent announces through this. Were it the last to hold it, the kernel would close it before it tells that
    /// the agent is dead, and closing a packet socket takes some 10 ms.
    frames: FrameSocket,
    applied: Applied,
    /// The version of it that the cleanup knows.
    followed: Cell<u64>,
    /// Never written to: the kernel closes it when the guardian dies, and the agent sees that.
    _alive: PipeWriter,
}

impl<'p> Guardian<'p> {
    fn new(plan: &'p Plan) -> io::Result<Self> {
        let (liveness, alive) = io::pipe()?;
        let applied = Applied::create()?;
        applied.write(&plan.applied).map_err(io::Error::other)?;
        Ok(Self {
            plan,
            table: Table::create(plan.routers)?,
            signals: Signals::collect(&[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP])?,
            timer: Timer::new()?,
            wake: Wake::new()?,
            feeder: Feeder::from_environment(),
            liveness,
            frames: FrameSocket::open()?,
            followed: Cell::new(applied.version()),
            applied,
            _alive: alive,
        })
    }

    fn start(&self) -> io::Result<Agent> {
        for thread in [Thread::Election, Thread::Address] {
            self.table.promise(thread, None);
        }
        let (death, alive) = io::pipe()?;
        let alive = to_be_closed_first(alive.as_fd())?;
        let (table, applied) = (self.table.as_fd(), self.applied.as_fd());
        let inherited = [table, self.liveness.as_fd(), self.frames.as_fd(), self.wake.as_fd(), alive.as_fd(), applied];
        let numbers = inherited.map(|descriptor| descriptor.as_raw_fd().to_string()).join(",");
        let mut command = Command::new(&self.plan.program);
        command.arg0("vipd").args(&self.plan.arguments);
        command.env(VARIABLE, format!("{numbers},{}", self.table.generation()));
        // The terminal's Ctrl-C reaches a whole process group; the agent shall get it once, and from us.
        command.process_group(0);
        Ok(Agent { child: Child::spawn(&mut command, &inherited)?, death })
    }

    /// Learns what the agent has applied since the last look.
    pub(super) fn follow(&self, cleanup: &mut dyn Cleanup) {
        if self.applied.version() == self.followed.get() {
            return;
        }
        let Some((version, text)) = self.applied.read() else { return };
        self.followed.set(version);
        if let Err(error) = cleanup.follow(&text) {
            tracing::error!(%error, "what the agent has applied cannot be read: cleaning up by what was known before");
        }
    }

    /// Waits, and tells whether a signal to leave has come meanwhile.
    fn told_to_leave_within(&self, wait: Duration) -> io::Result<bool> {
        let end = boot_nanos().saturating_add(nanos(wait));
        loop {
            let now = boot_nanos();
            if now >= end {
                return Ok(false);
            }
            // Without an agent all is as well as it can be: another start of the service would change nothing.
            let fed = self.feeder.as_ref().map_or(end, |feeder| feeder.feed(now));
            self.timer.arm(Some(end.min(fed)))?;
            let [signalled, _] = wait_for([self.signals.as_fd(), self.timer.as_fd()])?;
            self.timer.drain();
            // A reload asks for nothing here: the next agent reads the configuration anyway.
            if signalled && self.signals.next()?.is_some_and(|signal| signal != Signal::SIGHUP) {
                return Ok(true);
            }
        }
    }
}

/// Converts a span; what does not fit is longer than any wait.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits until at least one file descriptor is readable, and tells which.
pub(super) fn wait_for<const N: usize>(descriptors: [BorrowedFd<'_>; N]) -> io::Result<[bool; N]> {
    let mut descriptors = descriptors.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN));
    loop {
        match poll(&mut descriptors, PollTimeout::NONE) {
            Ok(_) => return Ok(descriptors.map(|descriptor| descriptor.any().unwrap_or(false))),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
