//! Processes that are dead or do not run: what is done to them, and undone.

use core::time::Duration;

use nix::sys::signal::Signal;

use super::DrillError;
use super::node::Node;
use super::scenario::Targets;
use crate::net::{Freezer, Hierarchy, find_thread, hold_thread};

/// The kernel removes an address when its lease of 3 s has ended, and may be half a second late.
const LEASE: Duration = Duration::from_millis(3500);
/// What the guardian may take beyond its own noticing, and how long two hosts may hold the address.
const NOTICED: Targets = Targets { outage: Duration::from_millis(20), two_owners: Duration::from_millis(5) };
/// Nobody of ours is left to remove the address.
const LEASED: Targets = Targets { outage: Duration::from_millis(20), two_owners: LEASE };

/// Says which processes of `a` do not run any more, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lifeless {
    /// Guardian and agent are killed.
    BothKilled,
    /// The agent is stopped.
    Stopped,
    /// The agent's control group is frozen.
    Frozen,
    /// Guardian and agent are stopped, for good.
    BothStopped,
    /// Guardian and agent are stopped, for a while.
    BothPaused,
    /// The election thread hangs.
    ElectionHangs,
    /// The address thread hangs.
    AddressesHang,
}

impl Lifeless {
    /// Tells whether nobody is left who could withdraw, so that only the lease ends the ownership.
    pub(super) const fn leaves_it_to_the_lease(self) -> bool {
        match self {
            Self::BothKilled | Self::BothStopped => true,
            Self::Stopped | Self::Frozen | Self::BothPaused | Self::ElectionHangs | Self::AddressesHang => false,
        }
    }

    /// Tells whether nothing but silence tells the peer.
    pub(super) const fn is_silent(self) -> bool {
        match self {
            Self::BothKilled | Self::BothStopped | Self::BothPaused => true,
            Self::Stopped | Self::Frozen | Self::ElectionHangs | Self::AddressesHang => false,
        }
    }

    /// Tells whether it ends by itself.
    pub(super) const fn heals(self) -> bool {
        matches!(self, Self::BothPaused)
    }

    pub(super) const fn targets(self) -> Targets {
        if self.leaves_it_to_the_lease() { LEASED } else { NOTICED }
    }

    /// Does the damage. What is returned undoes it when it is dropped.
    pub(super) fn befall(self, node: &mut Node) -> Result<Option<Freezer>, DrillError> {
        match self {
            Self::BothKilled => node.kill_all(),
            Self::Stopped => node.signal_agent(Signal::SIGSTOP)?,
            Self::Frozen => return freeze(node).map(Some),
            Self::BothStopped | Self::BothPaused => {
                // The guardian first: it would do something about a stopped agent.
                node.signal_guardian(Signal::SIGSTOP)?;
                node.signal_agent(Signal::SIGSTOP)?;
            }
            Self::ElectionHangs => hang(node, "election")?,
            Self::AddressesHang => hang(node, "addresses")?,
        }
        Ok(None)
    }

    /// Lets what stood still go on.
    pub(super) fn pass(self, node: &Node) -> Result<(), DrillError> {
        match self {
            // The agent first: it must not rely on a guardian.
            Self::BothPaused => {
                node.signal_agent(Signal::SIGCONT)?;
                node.signal_guardian(Signal::SIGCONT)
            }
            Self::BothKilled
            | Self::Stopped
            | Self::Frozen
            | Self::BothStopped
            | Self::ElectionHangs
            | Self::AddressesHang => Ok(()),
        }
    }
}

/// Makes a control group, of the older kind where there is one: what is frozen there cannot be killed.
pub(super) fn freezer() -> std::io::Result<Freezer> {
    Freezer::new(Hierarchy::V1).or_else(|_| Freezer::new(Hierarchy::V2))
}

fn freeze(node: &Node) -> Result<Freezer, DrillError> {
    let agent = node.agent()?.as_raw();
    let frozen = freezer().and_then(|freezer| freezer.freeze(agent).map(|()| freezer));
    frozen.map_err(|source| DrillError::System { doing: "freeze the control group of an agent", source })
}

fn hang(node: &Node, thread: &str) -> Result<(), DrillError> {
    let agent = node.agent()?.as_raw();
    let held = find_thread(agent, thread).and_then(hold_thread);
    held.map_err(|source| DrillError::System { doing: "stop a thread of an agent", source })
}
