//! What can happen next.

use core::fmt;

use vipd::election::Event;
use vrrp_packet::Priority;

use crate::world::{Message, Ways};

/// One step of the world. Each takes no time, but for [`Step::Wait`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Deliver(Message),
    Lose(Message),
    /// A node that was frozen reads what its socket has kept.
    Read {
        node: usize,
        from: usize,
        priority: Priority,
    },
    Timeout {
        node: usize,
    },
    /// The address thread's answer reaches the election thread.
    Answer {
        node: usize,
    },
    /// The kernel does what the address thread asks for.
    Carry {
        node: usize,
    },
    Refuse {
        node: usize,
    },
    Hang {
        node: usize,
    },
    /// Somebody removes the addresses.
    Remove {
        node: usize,
    },
    /// The lease of a frozen node's addresses ends.
    Lapse {
        node: usize,
    },
    Freeze {
        node: usize,
        deaf: bool,
    },
    Thaw {
        node: usize,
    },
    Bury {
        node: usize,
    },
    Crash {
        node: usize,
    },
    Restart {
        node: usize,
    },
    Cut {
        node: usize,
        ways: Ways,
    },
    Mend,
    /// The operator or a check says something; a fault where it takes a node out.
    Tell {
        node: usize,
        event: Event,
    },
    Wait,
}

impl Step {
    /// Tells whether the step is one of those that are counted.
    pub(crate) fn is_fault(self) -> bool {
        match self {
            Self::Lose(_)
            | Self::Refuse { .. }
            | Self::Hang { .. }
            | Self::Remove { .. }
            | Self::Freeze { .. }
            | Self::Crash { .. }
            | Self::Cut { .. }
            | Self::Tell { event: crate::world::DRAIN | crate::world::FAULT, .. } => true,
            Self::Deliver(_)
            | Self::Read { .. }
            | Self::Timeout { .. }
            | Self::Answer { .. }
            | Self::Carry { .. }
            | Self::Lapse { .. }
            | Self::Thaw { .. }
            | Self::Bury { .. }
            | Self::Restart { .. }
            | Self::Mend
            | Self::Tell { .. }
            | Self::Wait => false,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver(Message { from, to, priority, .. }) => write!(f, "node {to} hears {priority} of node {from}"),
            Self::Lose(Message { from, to, priority, .. }) => {
                write!(f, "LOST on its way from {from} to {to}: {priority}")
            }
            Self::Read { node, from, priority } => {
                write!(f, "node {node} finds {priority} of node {from} in its socket")
            }
            Self::Timeout { node } => write!(f, "node {node}: its timer fires"),
            Self::Answer { node } => write!(f, "node {node}: an answer of its address thread"),
            Self::Carry { node } => write!(f, "node {node}: the kernel has done it"),
            Self::Refuse { node } => write!(f, "node {node}: the kernel REFUSES"),
            Self::Hang { node } => write!(f, "node {node}: the kernel HANGS"),
            Self::Remove { node } => write!(f, "node {node}: somebody REMOVES the addresses"),
            Self::Lapse { node } => write!(f, "node {node}: the lease ends"),
            Self::Freeze { node, deaf: false } => write!(f, "node {node} FREEZES"),
            Self::Freeze { node, deaf: true } => write!(f, "node {node} is SUSPENDED"),
            Self::Thaw { node } => write!(f, "node {node} goes on"),
            Self::Bury { node } => write!(f, "node {node} never comes back"),
            Self::Crash { node } => write!(f, "node {node} CRASHES"),
            Self::Restart { node } => write!(f, "node {node} starts again"),
            Self::Cut { node, ways } => write!(f, "CUT at node {node}: {ways:?}"),
            Self::Mend => write!(f, "the cable is mended"),
            Self::Tell { node, event } => write!(f, "node {node} is told {event:?}"),
            Self::Wait => write!(f, "time passes"),
        }
    }
}
