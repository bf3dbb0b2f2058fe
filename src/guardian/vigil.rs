//! One agent's life under its guardian: watched from its start to its end, and given up on where it no longer runs.

use core::num::NonZeroU64;
use core::time::Duration;
use std::io::{self, PipeReader};
use std::os::fd::AsFd;

use nix::sys::signal::Signal;

use super::run::{Agent, End, Guardian, nanos, wait_for};
use super::{Cleanup, Promise, Table, Thread, Verdict, Watch, clean_up};
use crate::net::{Child, ThreadState, boot_nanos, find_thread, thread_state};

/// How often the addresses of an agent that was given up on, but does not die, are looked for: what its kernel calls had
/// begun may still put them back.
const SWEEP: u64 = 250_000_000;

/// How often a thread that is held up is looked at again.
const HELD_UP: u64 = 250_000_000;

/// Watches one agent.
pub(super) struct Vigil<'g, 'p> {
    guardian: &'g Guardian<'p>,
    child: Child,
    death: PipeReader,
    watch: Watch,
    /// When the promises, or the systemd watchdog, are next to be looked at.
    look_at: Option<u64>,
    told_to_leave: bool,
    /// When an agent that was told to leave must have left.
    leave_by: Option<u64>,
    /// Set once it was given up on.
    condemned: Option<Condemned>,
}

/// Describes what is left to do about an agent that was given up on and is not dead yet.
struct Condemned {
    /// Which routers' addresses it held.
    held: Vec<usize>,
    sweep_at: u64,
}

impl<'g, 'p> Vigil<'g, 'p> {
    pub(super) fn new(guardian: &'g Guardian<'p>, agent: Agent) -> Self {
        let Agent { child, death } = agent;
        let watch = Watch::default();
        Self { guardian, child, death, watch, look_at: None, told_to_leave: false, leave_by: None, condemned: None }
    }

    /// Watches and forwards signals until the agent is dead.
    pub(super) fn keep(mut self, cleanup: &mut dyn Cleanup) -> io::Result<End> {
        let guardian = self.guardian;
        loop {
            self.look(cleanup)?;
            let sweep_at = self.condemned.as_ref().map(|condemned| condemned.sweep_at);
            guardian.timer.arm([self.look_at, self.leave_by, sweep_at].into_iter().flatten().min())?;
            let sources = [
                self.death.as_fd(),
                guardian.signals.as_fd(),
                guardian.timer.as_fd(),
                guardian.wake.as_fd(),
                self.child.as_fd(),
            ];
            let [dead, signalled, _, _, ended] = wait_for(sources)?;
            guardian.timer.drain();
            guardian.wake.drain();
            if dead || ended {
                return self.end(cleanup);
            }
            if signalled && let Some(signal) = guardian.signals.next()? {
                self.forward(signal, cleanup.longest_leave())?;
            }
        }
    }

    fn forward(&mut self, signal: Signal, longest_leave: Duration) -> io::Result<()> {
        self.child.kill(signal)?;
        if signal != Signal::SIGHUP && !self.told_to_leave {
            self.told_to_leave = true;
            let patience = self.guardian.plan.patience.saturating_add(longest_leave);
            self.leave_by = Some(boot_nanos().saturating_add(nanos(patience)));
        }
        Ok(())
    }

    /// Does what is due.
    fn look(&mut self, cleanup: &mut dyn Cleanup) -> io::Result<()> {
        self.guardian.follow(cleanup);
        let now = boot_nanos();
        if let Some(condemned) = &mut self.condemned {
            if now >= condemned.sweep_at {
                condemned.sweep(now, cleanup);
            }
            return Ok(());
        }
        let promises = [Thread::Election, Thread::Address].map(|thread| self.allowed(thread, now));
        match self.watch.look(now, promises) {
            Verdict::Alive(next) => {
                // An agent that promises nothing is only starting or leaving, which must not last either.
                let fed = next.and_then(|_| Some(self.guardian.feeder.as_ref()?.feed(now)));
                self.look_at = [next, fed].into_iter().flatten().min();
            }
            Verdict::Stuck(thread) => {
                self.condemn(cleanup)?;
                tracing::error!(
                    "the agent's thread \"{}\" does not run: the agent was killed and cleaned up after",
                    thread.name()
                );
            }
        }
        if self.leave_by.is_some_and(|at| now >= at) && self.condemned.is_none() {
            self.condemn(cleanup)?;
            tracing::error!("the agent did not leave in time: it was killed");
        }
        Ok(())
    }

    /// Returns until when a thread may be away; `None`: it is not watched.
    fn allowed(&self, thread: Thread, now: u64) -> Option<u64> {
        let Promise { until, at_last } = self.guardian.table.promised(thread)?;
        let broken = now >= until;
        Some(if broken && self.is_held_up(thread) { at_last.min(now + HELD_UP) } else { until })
    }

    /// Tells whether a thread would run if it were let. A stopped, frozen or hanging one would not.
    ///
    /// The kernel's lock on addresses, where that is what the address thread waits for, would keep the guardian from
    /// withdrawing just the same; if it lasts, the election thread falls silent before the lease ends (ownership rule 13).
    fn is_held_up(&self, thread: Thread) -> bool {
        let process = self.child.id().cast_signed();
        let state = find_thread(process, thread.name()).and_then(|number| thread_state(process, number));
        match (state, thread) {
            (Ok(ThreadState::Runnable), _) | (Ok(ThreadState::InKernel), Thread::Address) => true,
            (Ok(ThreadState::InKernel), Thread::Election) | (Ok(ThreadState::Idle) | Err(_), _) => false,
        }
    }

    /// Gives up on the agent and cleans up after it, without waiting for its death: a frozen process dies when it thaws.
    ///
    /// The kill comes first. What lives of the agent would else advertise after our Priority 0.
    fn condemn(&mut self, cleanup: &mut dyn Cleanup) -> io::Result<()> {
        let table = &self.guardian.table;
        table.supersede();
        self.child.kill(Signal::SIGKILL)?;
        let held = (0..table.routers()).filter(|&router| table.claimed(router).is_some()).collect();
        clean_up(table, cleanup);
        (self.look_at, self.leave_by) = (None, None);
        self.condemned = Some(Condemned { held, sweep_at: boot_nanos().saturating_add(SWEEP) });
        Ok(())
    }

    /// Cleans up after the dead agent, and only then waits until the kernel has buried it.
    fn end(mut self, cleanup: &mut dyn Cleanup) -> io::Result<End> {
        if let Some(condemned) = self.condemned {
            condemned.recall(&self.guardian.table);
        }
        self.guardian.follow(cleanup);
        clean_up(&self.guardian.table, cleanup);
        Ok(End { status: self.child.wait()?, told_to_leave: self.told_to_leave })
    }
}

impl Condemned {
    fn sweep(&mut self, now: u64, cleanup: &mut dyn Cleanup) {
        for &router in &self.held {
            // A failure was reported when the agent was given up on; the lease bounds what stays.
            let _ = cleanup.withdraw(router);
        }
        self.sweep_at = now.saturating_add(SWEEP);
    }

    /// Makes sure that all is withdrawn once more, now that nothing can come back.
    fn recall(&self, table: &Table) {
        for &router in &self.held {
            table.set_claimed(router, Some(NonZeroU64::MIN));
        }
    }
}
