//! How the rest of the program sees the election thread: static facts, snapshots, counters, and a bounded command queue.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crossbeam_queue::ArrayQueue;

use crate::election::{Drain, Effective, Epoch, Fault, Instant, StateName, View};
use crate::net::Wake;

use super::changing::Change;
use super::counters::Counters;
use super::signatures::Marks;

/// Asks the election thread for something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Take one router, or all, out.
    Drain {
        /// The router's index; `None`: all.
        router: Option<usize>,
        /// Watched or forced.
        mode: Drain,
    },
    /// Let one router, or all, take part again.
    Resume {
        /// The router's index; `None`: all.
        router: Option<usize>,
    },
    /// The host that [`News::Suspicion`](super::News::Suspicion) was about did not answer.
    HostGone {
        /// The router's index.
        router: usize,
        /// The silence that was asked about.
        silence: Instant,
    },
}

/// Copies what the election thread knows of one router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The election's part.
    pub view: View,
    /// The interface's index, where it is there.
    pub interface_index: Option<u32>,
    /// Whether the interface is up and running.
    pub link_up: bool,
    /// Where advertisements come from, where known.
    pub source: Option<IpAddr>,
    /// How many commands the router has carried out.
    pub commands: u64,
    /// What is known of signatures, where advertisements are signed or verified.
    pub signing: Option<Signing>,
    /// When this was taken.
    pub taken: Instant,
}

/// Copies what the election thread knows of signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signing {
    /// Who was heard, with which sequences and clocks.
    pub heard: Marks,
    /// The wall clock less the signing clock when they were last compared, in nanoseconds.
    pub clock_behind_wall: i64,
    /// Whether the wall clock was synchronised at that moment.
    pub clock_synchronised: bool,
    /// Whether a synchronised wall clock has ever confirmed the signing clock.
    pub clock_confirmed: bool,
}

/// Publishes one router to readers.
#[derive(Debug)]
pub struct Published {
    /// The router's name.
    pub name: String,
    /// What it counts.
    pub counters: Counters,
    place: usize,
    gone: AtomicBool,
    latest: Mutex<Snapshot>,
}

impl Published {
    /// Publishes a router of this name in this place, deaf and in Initialize until the engine says otherwise.
    pub fn new(place: usize, name: String) -> Self {
        // Until the engine has looked at the interface, nothing is known to be heard: a deaf router in Initialize.
        let view = View {
            state: StateName::Initialize,
            since: Instant::ZERO,
            epoch: Epoch::default(),
            effective: Effective::Fault(Fault::Deaf),
            active: None,
            drained: false,
            draining: false,
            failures: 0,
            deadline: None,
        };
        let latest = Snapshot {
            view,
            interface_index: None,
            link_up: false,
            source: None,
            commands: 0,
            signing: None,
            taken: Instant::ZERO,
        };
        let (counters, gone) = (Counters::default(), AtomicBool::new(false));
        Self { name, counters, place, gone, latest: Mutex::new(latest) }
    }

    /// Returns the router's place: its index wherever routers are numbered.
    pub const fn place(&self) -> usize {
        self.place
    }

    /// Tells whether nothing of the router is left, so that another one may have its place.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(super) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Replaces the snapshot that readers get, unless one is just copying it; tells whether it did.
    ///
    /// It never waits: the election thread must not depend on when a reader gets to run.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        match self.latest.try_lock() {
            Ok(mut latest) => {
                *latest = snapshot;
                true
            }
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Poisoned(poisoned)) => {
                // Readers and the writer only copy under this lock, so a poisoned one holds a whole snapshot.
                *poisoned.into_inner() = snapshot;
                true
            }
        }
    }

    /// Returns the latest snapshot.
    pub fn snapshot(&self) -> Snapshot {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that the command queue is full: the election thread is not running.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the election thread does not take commands")]
pub struct Busy;

/// Reaches the election thread; cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Held only to copy or to replace the list, never by the election thread.
    routers: Arc<Mutex<Arc<[Arc<Published>]>>>,
    commands: Arc<ArrayQueue<Command>>,
    changes: Arc<ArrayQueue<Vec<Change>>>,
    shutdown: Arc<AtomicBool>,
    wake: Arc<Wake>,
}

/// Is the election thread's end of a [`Handle`].
#[derive(Debug)]
pub struct Inbox {
    /// Where the first routers are published, each in its place.
    pub routers: Arc<[Arc<Published>]>,
    /// What others ask for, oldest first.
    pub commands: Arc<ArrayQueue<Command>>,
    /// Changes of the configuration, oldest first.
    pub changes: Arc<ArrayQueue<Vec<Change>>>,
    /// Whether every role is to be left in order, and the thread to end: no queue, since this must never find one full.
    pub shutdown: Arc<AtomicBool>,
    /// Is notified after each of these.
    pub wake: Arc<Wake>,
}

/// How many commands may wait; people type them, so more only pile up where nobody takes them.
const COMMANDS: usize = 16;
/// How many changes of the configuration may wait.
const CHANGES: usize = 4;

/// Makes both ends, with one router published for each name, deaf and in Initialize until the engine says otherwise.
///
/// # Errors
/// What the kernel says where it has no eventfd left.
pub fn channel(names: impl IntoIterator<Item = String>) -> io::Result<(Handle, Inbox)> {
    let published = |(place, name)| Arc::new(Published::new(place, name));
    let routers: Arc<[_]> = names.into_iter().enumerate().map(published).collect();
    let commands = Arc::new(ArrayQueue::new(COMMANDS));
    let wake = Arc::new(Wake::new()?);
    let changes = Arc::new(ArrayQueue::new(CHANGES));
    let shutdown = Arc::new(AtomicBool::new(false));
    let handle = Handle {
        routers: Arc::new(Mutex::new(Arc::clone(&routers))),
        commands: Arc::clone(&commands),
        changes: Arc::clone(&changes),
        shutdown: Arc::clone(&shutdown),
        wake: Arc::clone(&wake),
    };
    Ok((handle, Inbox { routers, commands, changes, shutdown, wake }))
}

impl Handle {
    /// Returns every router, in the configuration's order.
    pub fn routers(&self) -> Arc<[Arc<Published>]> {
        Arc::clone(&self.routers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the list of routers.
    pub fn set_routers(&self, routers: Arc<[Arc<Published>]>) {
        *self.routers.lock().unwrap_or_else(PoisonError::into_inner) = routers;
    }

    /// Queues changes of the configuration, which are carried out in their order and all in one turn.
    ///
    /// # Errors
    /// [`Busy`] where the queue is full.
    pub fn change(&self, changes: Vec<Change>) -> Result<(), Busy> {
        self.changes.push(changes).map_err(|_| Busy)?;
        self.wake.notify();
        Ok(())
    }

    /// Asks the election thread to leave every role in order and to end, however much waits in its queues.
    pub fn shut_down(&self) {
        self.shutdown.store(true, Ordering::Release);
        self.wake.notify();
    }

    /// Queues a command.
    ///
    /// # Errors
    /// [`Busy`] where the queue is full.
    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.commands.push(command).map_err(|_| Busy)?;
        self.wake.notify();
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn the_order_to_leave_arrives_however_many_commands_wait() {
        let (handle, inbox) = channel([]).unwrap();
        while handle.send(Command::Resume { router: None }).is_ok() {}
        while handle.change(Vec::new()).is_ok() {}
        inbox.wake.drain();

        handle.shut_down();

        assert!(inbox.shutdown.load(Ordering::Acquire));
        assert!(crate::net::testing::is_readable(&*inbox.wake));
    }
}
