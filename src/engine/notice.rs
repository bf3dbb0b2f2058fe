//! What the election thread tells the rest of the program: a bounded ring that counts what it drops.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use vrrp_packet::{Interval, Priority};

use crate::election::{Instant, Transition};
use crate::net::Wake;

use super::counters::Discard;

/// How many notices wait at most; each transition is one, and a node makes a handful of them in a second.
const CAPACITY: usize = 4096;

/// Tells one thing that happened to one router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notice {
    /// The router's index.
    pub router: usize,
    /// What happened.
    pub news: News,
}

/// Says what happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// The election changed its state.
    Transition(Transition),
    /// The election wants to know whether the Active Router's host lives.
    Suspicion {
        /// The host's own address.
        peer: IpAddr,
        /// Comes back in [`Command::HostGone`](super::Command::HostGone).
        silence: Instant,
    },
    /// Packets are discarded; told once a minute for each reason.
    Discarded {
        /// Why.
        reason: Discard,
        /// Where the packet came from that made this notice.
        source: IpAddr,
    },
    /// A router of this VRID advertises another interval; told once a minute.
    IntervalDiffers {
        /// Who.
        source: IpAddr,
        /// What it advertises.
        theirs: Interval,
    },
    /// A router of this VRID advertises other addresses; told once a minute.
    AddressesDiffer {
        /// Who.
        source: IpAddr,
    },
    /// Another router claims to own the addresses as this node does (erratum 8298); told once a minute.
    SecondOwner {
        /// Who.
        source: IpAddr,
    },
    /// Another router advertises although this node has been Active for a while; told once a minute.
    Contended {
        /// Who.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
        /// Whether it is the better router, so that this node leaves the role to it.
        yields: bool,
    },
    /// An advertisement could not be sent; told once a minute.
    SendFailed {
        /// The priority that it carried.
        priority: Priority,
        /// The kernel's error number.
        errno: i32,
    },
    /// No socket could be opened on the interface; it is tried again.
    SocketFailed {
        /// The kernel's error number.
        errno: i32,
    },
    /// The interface appeared, vanished, changed its state, or got another address to advertise from.
    Interface {
        /// The interface's index, where it is there.
        index: Option<u32>,
        /// Whether it is up and running.
        up: bool,
        /// Where advertisements come from now.
        source: Option<IpAddr>,
    },
}

/// Names the kinds of news that are told once a minute only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limited {
    Discarded(Discard),
    IntervalDiffers,
    AddressesDiffer,
    SecondOwner,
    Contended,
    SendFailed,
    SocketFailed,
}

impl Limited {
    pub(super) const COUNT: usize = Discard::ALL.len() + 6;

    /// Returns the kind of news that is limited; `None`: it is always told.
    pub(super) const fn of(news: &News) -> Option<Self> {
        match news {
            News::Discarded { reason, source: _ } => Some(Self::Discarded(*reason)),
            News::IntervalDiffers { .. } => Some(Self::IntervalDiffers),
            News::AddressesDiffer { .. } => Some(Self::AddressesDiffer),
            News::SecondOwner { .. } => Some(Self::SecondOwner),
            News::Contended { .. } => Some(Self::Contended),
            News::SendFailed { .. } => Some(Self::SendFailed),
            News::SocketFailed { .. } => Some(Self::SocketFailed),
            News::Transition(_) | News::Suspicion { .. } | News::Interface { .. } => None,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Discarded(reason) => reason as usize,
            Self::IntervalDiffers => Discard::ALL.len(),
            Self::AddressesDiffer => Discard::ALL.len() + 1,
            Self::SecondOwner => Discard::ALL.len() + 2,
            Self::SendFailed => Discard::ALL.len() + 3,
            Self::SocketFailed => Discard::ALL.len() + 4,
            Self::Contended => Discard::ALL.len() + 5,
        }
    }
}

#[derive(Debug)]
struct Ring {
    queue: ArrayQueue<Notice>,
    dropped: AtomicU64,
    over: AtomicBool,
    wake: Wake,
}

/// Is the election thread's end of the ring.
#[derive(Debug)]
pub(super) struct Teller(Arc<Ring>);

/// Reads what the election thread tells. Poll it for reading; then take notices until there is none.
#[derive(Debug)]
pub struct Notices(Arc<Ring>);

pub(super) fn ring() -> io::Result<(Teller, Notices)> {
    let ring = Ring {
        queue: ArrayQueue::new(CAPACITY),
        dropped: AtomicU64::new(0),
        over: AtomicBool::new(false),
        wake: Wake::new()?,
    };
    let ring = Arc::new(ring);
    Ok((Teller(Arc::clone(&ring)), Notices(ring)))
}

impl Teller {
    pub(super) fn tell(&self, notice: Notice) {
        if self.0.queue.push(notice).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.0.wake.notify();
    }
}

impl Notices {
    /// Takes the oldest notice.
    pub fn next(&self) -> Option<Notice> {
        self.0.queue.pop()
    }

    /// Takes the wake-ups so far; call it before the notices are taken, or one is missed.
    pub fn acknowledge(&self) {
        self.0.wake.drain();
    }

    /// Returns how many notices were dropped because nobody took them.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Notices {
    /// Tells whether the election thread has ended: what waits now is all that will ever come.
    pub fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        // The teller lives and dies with its thread; the reader must look once more to see that this was the end.
        self.0.over.store(true, Ordering::Release);
        self.0.wake.notify();
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }
}
