//! What others may know of a router: a copy, taken after each event.

use std::net::IpAddr;

use vrrp_packet::{Interval, Priority};

use super::event::{Effective, Epoch, StateName};
use super::time::Instant;

/// Remembers the Active Router as it was last heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    /// Where its advertisements come from.
    pub source: IpAddr,
    /// Its priority.
    pub priority: Priority,
    /// Its Advertisement_Interval: this node's Active_Adver_Interval while it follows.
    pub interval: Interval,
    /// When it was last heard.
    pub heard: Instant,
}

/// Copies everything of a router that is shown outside the election.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct View {
    /// The state.
    pub state: StateName,
    /// When the state was entered.
    pub since: Instant,
    /// The current or last attempt to be Active.
    pub epoch: Epoch,
    /// What checks and links leave of the priority.
    pub effective: Effective,
    /// The Active Router, where another one is known.
    pub active: Option<Peer>,
    /// Whether the operator drained the node.
    pub drained: bool,
    /// Whether a watched drain still waits for a peer to take the role and keep it.
    pub draining: bool,
    /// Failures in a row (refused gates, failed claims, failed sends); the wait before the next try grows with them.
    pub failures: u32,
    /// What the router waits for next, if anything.
    pub deadline: Option<Instant>,
}
