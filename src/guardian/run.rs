//! The guardian's loop: start, watch, clean up, start again.

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

use super::link::VARIABLE;
use super::{Applied, Backoff, Table};
use crate::net::{Child, FrameSocket, Signals, Timer, boot_nanos};

/// The agent's exit codes that another start would not change: done, bad usage, bad config, not permitted.
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
    /// How long it may take to leave before it is killed.
    pub patience: Duration,
    /// How long to wait before it is started again.
    pub backoff: Backoff,
}

impl Plan {
    /// Runs this same program with other arguments; half a minute to leave, and the default backoff.
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

/// Does for a dead agent what it can no longer do; routers are numbered by their places.
pub trait Cleanup {
    /// Takes over what the agent has applied since. Places that it does not name are as they were.
    ///
    /// # Errors
    /// Why it makes no sense; everything is as it was then.
    fn follow(&mut self, applied: &[u8]) -> io::Result<()>;

    /// Numbers the routers in the configuration's order again, as the next agent does.
    fn renumber(&mut self);

    /// Removes a router's addresses from this host. `Ok` means that they are confirmed gone.
    ///
    /// # Errors
    /// What kept them here. No Priority 0 is sent then, and the lease bounds the rest.
    fn withdraw(&mut self, router: usize) -> io::Result<()>;

    /// Sends Priority 0 for a router.
    ///
    /// # Errors
    /// Why it did not leave. The peers then wait for Active_Down_Interval.
    fn release(&mut self, router: usize) -> io::Result<()>;
}

/// Runs the agent until it is told to leave or cannot run at all, and returns the exit code for the whole.
///
/// Call it before any other thread is started: it blocks SIGTERM, SIGINT and SIGHUP, and forwards them to the agent.
///
/// # Errors
/// What the kernel says where not even the first agent could be started.
pub fn run(plan: &Plan, cleanup: &mut dyn Cleanup) -> io::Result<u8> {
    let guardian = Guardian::new(plan)?;
    let mut backoff = plan.backoff;
    let mut child = guardian.start()?;
    let mut known = guardian.applied.version();
    loop {
        let started = boot_nanos();
        let end = guardian.watch(&mut child)?;
        guardian.follow(&mut known, cleanup);
        clean_up(&guardian.table, cleanup);
        if let Some(code) = end.exit_code() {
            return Ok(code);
        }
        cleanup.renumber();
        let mut wait = backoff.after(Duration::from_nanos(boot_nanos().saturating_sub(started)));
        tracing::error!(status = %end.status, restart_in = ?wait, "the agent died");
        child = loop {
            if guardian.told_to_leave_within(wait)? {
                return Ok(0);
            }
            match guardian.start() {
                Ok(child) => break child,
                Err(error) => {
                    wait = backoff.after(Duration::ZERO);
                    tracing::error!(%error, restart_in = ?wait, "the agent cannot be started");
                }
            }
        };
    }
}

/// Says how an agent ended.
struct End {
    status: ExitStatus,
    told_to_leave: bool,
}

impl End {
    /// Returns the guardian's exit code, or `None` where the agent is to be started again.
    fn exit_code(&self) -> Option<u8> {
        let code = self.status.code().and_then(|code| u8::try_from(code).ok());
        // Told to leave before it could listen, it ends by the signal itself: that is what was asked for.
        let obeyed = matches!(self.status.signal(), Some(libc::SIGTERM | libc::SIGINT));
        match code {
            _ if self.told_to_leave && obeyed => Some(0),
            _ if self.told_to_leave => Some(code.unwrap_or(FAILED)),
            code => code.filter(|code| FINAL.contains(code)),
        }
    }
}

struct Guardian<'p> {
    plan: &'p Plan,
    table: Table,
    signals: Signals,
    timer: Timer,
    /// What the agent inherits.
    liveness: PipeReader,
    /// The agent announces through this. Were it the last to hold it, the kernel would close it before it tells that
    /// the agent is dead, and closing a packet socket takes some 10 ms.
    frames: FrameSocket,
    applied: Applied,
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
            liveness,
            frames: FrameSocket::open()?,
            applied,
            _alive: alive,
        })
    }

    fn start(&self) -> io::Result<Child> {
        let inherited = [self.table.as_fd(), self.liveness.as_fd(), self.frames.as_fd(), self.applied.as_fd()];
        let numbers = inherited.map(|descriptor| descriptor.as_raw_fd().to_string()).join(",");
        let mut command = Command::new(&self.plan.program);
        command.arg0("vipd").args(&self.plan.arguments).env(VARIABLE, numbers);
        // The terminal's Ctrl-C reaches a whole process group; the agent shall get it once, and from us.
        command.process_group(0);
        Child::spawn(&mut command, &inherited)
    }

    /// Learns what the agent has applied since the last look.
    fn follow(&self, known: &mut u64, cleanup: &mut dyn Cleanup) {
        if self.applied.version() == *known {
            return;
        }
        let Some((version, text)) = self.applied.read() else { return };
        *known = version;
        if let Err(error) = cleanup.follow(&text) {
            tracing::error!(%error, "what the agent has applied cannot be read: cleaning up by what was known before");
        }
    }

    /// Forwards signals until the agent ends, by force if it does not leave when told to.
    fn watch(&self, child: &mut Child) -> io::Result<End> {
        let mut told_to_leave = false;
        self.timer.arm(None)?;
        loop {
            let [ended, signalled, overdue] = wait_for([child.as_fd(), self.signals.as_fd(), self.timer.as_fd()])?;
            if ended {
                return Ok(End { status: child.wait()?, told_to_leave });
            }
            if signalled && let Some(signal) = self.signals.next()? {
                child.kill(signal)?;
                if signal != Signal::SIGHUP && !told_to_leave {
                    told_to_leave = true;
                    self.arm(self.plan.patience)?;
                }
            }
            if overdue {
                self.timer.drain();
                tracing::error!(patience = ?self.plan.patience, "the agent does not leave: killing it");
                child.kill(Signal::SIGKILL)?;
            }
        }
    }

    /// Waits, and tells whether a signal to leave has come meanwhile.
    fn told_to_leave_within(&self, wait: Duration) -> io::Result<bool> {
        self.arm(wait)?;
        loop {
            let [signalled, over] = wait_for([self.signals.as_fd(), self.timer.as_fd()])?;
            // A reload asks for nothing here: the next agent reads the configuration anyway.
            if signalled && self.signals.next()?.is_some_and(|signal| signal != Signal::SIGHUP) {
                return Ok(true);
            }
            if over {
                return Ok(false);
            }
        }
    }

    fn arm(&self, wait: Duration) -> io::Result<()> {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.timer.arm(Some(boot_nanos().saturating_add(wait)))
    }
}

/// Withdraws what the dead agent held, and only then gives up its roles (ownership rule 8).
fn clean_up(table: &Table, cleanup: &mut dyn Cleanup) {
    for router in (0..table.routers()).filter(|&router| table.claimed(router).is_some()) {
        match cleanup.withdraw(router) {
            Ok(()) => table.set_claimed(router, None),
            Err(error) => tracing::error!(router, %error, "the dead agent's addresses cannot be withdrawn"),
        }
    }
    for router in (0..table.routers()).filter(|&router| table.is_active(router)) {
        if table.claimed(router).is_none()
            && let Err(error) = cleanup.release(router)
        {
            tracing::error!(router, %error, "Priority 0 cannot be sent for the dead agent");
        }
        table.set_active(router, false);
    }
}

/// Waits until at least one file descriptor is readable, and tells which.
fn wait_for<const N: usize>(descriptors: [BorrowedFd<'_>; N]) -> io::Result<[bool; N]> {
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
