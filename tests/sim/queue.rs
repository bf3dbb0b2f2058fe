//! What is going to happen, in order.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use vipd::election::{Epoch, Heard};

/// Something that happens at its time, unless whom it concerns is gone by then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Item {
    /// The trouble of this number begins, or goes up and down.
    Begins {
        trouble: usize,
    },
    Flaps {
        trouble: usize,
        up: bool,
    },
    Ends {
        trouble: usize,
    },
    Delivery {
        to: usize,
        message: usize,
    },
    /// The kernel of a node has done what it was asked for.
    KernelDone {
        node: usize,
        life: u32,
        work: u32,
    },
    /// An answer of the address thread or the gate reaches the election thread.
    Answers {
        node: usize,
        life: u32,
        answer: Answer,
    },
    GateDone {
        node: usize,
        life: u32,
        ticket: u32,
        epoch: Epoch,
        opens: bool,
    },
    /// The questions to a silent host are over.
    Asked {
        node: usize,
        life: u32,
        host: usize,
        answered: bool,
        silence: u64,
    },
    /// The guardian learns that the agent is dead, or has had the time to clean up after it.
    AgentDied {
        node: usize,
        life: u32,
    },
    CleansUp {
        node: usize,
        life: u32,
    },
    StartsAgent {
        node: usize,
        life: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Answer {
    Claimed(Epoch),
    ClaimFailed(Epoch),
    Withdrawn(Epoch),
    Lost(Epoch),
    GateOpened(Epoch),
    GateRefused(Epoch),
    GateClosed(Epoch),
    Claimable,
    Started,
}

/// The queue; of two items at the same moment the older one comes first.
#[derive(Default, Debug)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<(u64, u64, Item)>>,
    numbered: u64,
    messages: Vec<Heard>,
}

impl Queue {
    pub(crate) fn push(&mut self, at: u64, item: Item) {
        self.numbered += 1;
        self.heap.push(Reverse((at, self.numbered, item)));
    }

    /// Keeps a message for as many deliveries as it gets.
    pub(crate) fn message(&mut self, heard: Heard) -> usize {
        self.messages.push(heard);
        self.messages.len() - 1
    }

    pub(crate) fn read(&self, message: usize) -> Heard {
        self.messages[message]
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, _, _))| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Item> {
        self.heap.pop().map(|Reverse((_, _, item))| item)
    }
}
