//! How the rest of the program sees the election thread: static facts, snapshots, counters, and a bounded command queue.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_queue::ArrayQueue;

use crate::election::{Drain, Instant, View};
use crate::net::Wake;

use super::counters::Counters;

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
    /// Leave every role in order, then end the thread.
    Shutdown,
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
    /// When this was taken.
    pub taken: Instant,
}

/// Publishes one router to readers.
#[derive(Debug)]
pub struct Published {
    /// The router's name.
    pub name: String,
    /// What it counts.
    pub counters: Counters,
    pub(super) latest: Mutex<Snapshot>,
}

impl Published {
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
    pub(super) routers: Arc<[Arc<Published>]>,
    pub(super) commands: Arc<ArrayQueue<Command>>,
    pub(super) wake: Arc<Wake>,
}

impl Handle {
    /// Returns every router, in the configuration's order.
    pub fn routers(&self) -> &[Arc<Published>] {
        &self.routers
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
