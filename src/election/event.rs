//! What the election may hear and what it may ask for.
//!
//! No variant carries a packet, a socket or text: the engine translates in both directions.

use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{Interval, Priority};

use super::settings::Settings;
use super::time::Instant;

/// Numbers one attempt to be Active, so that a late answer to an earlier attempt is recognised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u64);

/// Holds what counts of an advertisement that passed every check of RFC 9568 §7.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Heard {
    /// The address that the advertisement came from.
    pub source: IpAddr,
    /// The sender's priority; 0 says that it gives up the role.
    pub priority: Priority,
    /// The sender's Advertisement_Interval.
    pub interval: Interval,
}

/// Says what this node's checks and links leave of its configured priority.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effective {
    /// The node may be Active, with this priority (1 to 255).
    Priority(Priority),
    /// The node may not be Active now.
    Fault(Fault),
}

/// Says why a node may not be Active.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// The interface is gone or down, or has no source address: the node hears nobody, so what it heard before is void.
    Deaf,
    /// A check with `on_failure: fault` fails; the node still hears its peers.
    Check,
    /// The lease of the addresses is not renewed in time: the address thread hangs (ownership rule 13).
    Unrenewed,
}

/// Says how the operator wants the role given away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Drain {
    /// Watches that a peer takes the role and takes it back if none does (ownership rule 9).
    Watched,
    /// Gives the role away whether or not anybody takes it.
    Forced,
}

/// Tells a router what happened. Answers carry the epoch of the action that they answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// The agent is ready: leave Initialize.
    Started,
    /// `next_deadline` has been reached.
    Timeout,
    /// An advertisement of this Virtual Router passed every check.
    Advertisement(Heard),
    /// The kernel took the last advertisement that was to be sent.
    Sent,
    /// Checks or links changed what is left of the priority.
    EffectivePriority(Effective),
    /// Whether the node could serve if it became Active changed: its gate's standing check, and whether the addresses are
    /// free on this host. Gated routers begin not ready, others ready.
    Readiness(bool),
    /// The kernel confirmed every address of the claim.
    AddressesClaimed {
        /// The epoch of the claim.
        epoch: Epoch,
    },
    /// The kernel confirmed that none of the addresses is left.
    AddressesWithdrawn {
        /// The epoch of the withdrawal.
        epoch: Epoch,
    },
    /// The kernel refused an address of the claim.
    ClaimFailed {
        /// The epoch of the claim.
        epoch: Epoch,
    },
    /// Claimed addresses are gone, or may be, and could not be put back.
    AddressesLost {
        /// The epoch of the claim that held them.
        epoch: Epoch,
    },
    /// The database has everything and is writable.
    GateOpened {
        /// The epoch of the request.
        epoch: Epoch,
    },
    /// The database may not be opened here.
    GateRefused {
        /// The epoch of the request.
        epoch: Epoch,
    },
    /// The database is read-only, or its gate has reported that it cannot make it so.
    GateClosed {
        /// The epoch of the request.
        epoch: Epoch,
    },
    /// The host of the Active Router answered none of the questions that [`Action::Probe`] asked for.
    HostGone {
        /// The silence that was asked about.
        silence: Instant,
    },
    /// The operator takes this node out.
    Drain(Drain),
    /// The operator lets this node take part again.
    Resume,
    /// The agent ends: leave in order.
    Shutdown,
    /// The process was not running, or its address thread was not, for this long.
    Stalled {
        /// How long it was away.
        by: Duration,
    },
    /// The address that advertisements come from changed.
    Source(IpAddr),
    /// The configuration changed. Version, gate, source, drain and the ownership of the addresses stay; a changed
    /// priority takes effect with the [`Event::EffectivePriority`] that follows.
    Settings(Settings),
}

/// Asks the engine for something. Actions are carried out in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Send an advertisement with this priority now.
    SendAdvertisement {
        /// 0 gives up the role.
        priority: Priority,
    },
    /// Ask the gate to make the database writable.
    OpenGate {
        /// Comes back in the answer.
        epoch: Epoch,
    },
    /// Configure the addresses.
    Claim {
        /// Comes back in the answer.
        epoch: Epoch,
    },
    /// Announce the addresses: gratuitous ARP or unsolicited Neighbor Advertisements.
    Announce,
    /// Remove the addresses; also ends an unfinished claim.
    Withdraw {
        /// Comes back in the answer.
        epoch: Epoch,
    },
    /// Ask the gate to make the database read-only; also ends an unfinished opening.
    CloseGate {
        /// Comes back in the answer.
        epoch: Epoch,
    },
    /// Ask the Active Router's host whether it lives.
    Probe {
        /// Its own address.
        peer: IpAddr,
        /// When it was last heard; comes back in the answer.
        silence: Instant,
    },
    /// Tell the world: log, journal, hooks, metrics.
    Report(Transition),
}

/// Names a state without its contents, for reports and snapshots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StateName {
    /// Not started, or ended (RFC 9568 §6.4.1).
    Initialize,
    /// Listens and waits for the Active Router to fall silent (§6.4.2).
    Backup,
    /// Listens but may not take over: drained, in fault, or backing off after a failure.
    Aside,
    /// Active in the protocol; the gate is being opened, or a deposed router lets go; the addresses are not here yet.
    Opening,
    /// Active in the protocol; the kernel has not confirmed the addresses yet.
    Claiming,
    /// Active, and the addresses are here (§6.4.3).
    Active,
    /// On the way out of Active: addresses leave, then the gate closes, then Priority 0.
    Releasing,
}

/// Records one change of state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Transition {
    /// When it happened.
    pub at: Instant,
    /// The state before.
    pub from: StateName,
    /// The state after.
    pub to: StateName,
    /// Why.
    pub cause: Cause,
    /// The attempt to be Active that this belongs to.
    pub epoch: Epoch,
}

/// Gives the reason of a transition.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// The agent started.
    Started,
    /// The agent started and owns the addresses (Priority 255).
    Owner,
    /// Active_Down_Timer fired: the Active Router was not heard for Active_Down_Interval.
    ActiveDown,
    /// The Active Router was not heard in time, and its host did not answer either.
    HostGone {
        /// Whose host it is.
        peer: IpAddr,
    },
    /// The Active Router has a lower priority, and Active_Down_Timer fired: this node preempts it.
    Preempted {
        /// Who is Active.
        peer: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// The Active Router said Priority 0.
    Released {
        /// Who said it.
        by: IpAddr,
    },
    /// The router that this one deposed did not say Priority 0 in time.
    NotReleased {
        /// Which one.
        peer: IpAddr,
    },
    /// A router with a higher priority advertises.
    HigherPriority {
        /// Who it is.
        peer: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// A router with the same priority and a greater address advertises.
    HigherAddress {
        /// Who it is.
        peer: IpAddr,
    },
    /// The gate is open.
    GateOpened,
    /// The gate refused.
    GateRefused,
    /// The kernel confirmed the addresses.
    Confirmed,
    /// The kernel refused an address.
    ClaimFailed,
    /// Claimed addresses went away and could not be put back.
    AddressesLost,
    /// The addresses are gone and the gate is closed.
    Withdrawn,
    /// The withdrawal was not confirmed within Active_Down_Interval, or the gate did not answer within its bound: the
    /// node falls silent, the leases bound the rest.
    WithdrawalUnconfirmed,
    /// The node may not be Active.
    Fault(Fault),
    /// The fault is over.
    FaultCleared,
    /// The wait after a failure is over.
    RetryDue,
    /// The operator drained the node.
    Drained,
    /// A peer has taken the role and kept it.
    DrainSettled,
    /// Nobody took the drained role, or the taker gave it back.
    DrainRefused,
    /// The operator let the node take part again.
    Resumed,
    /// The process was not running for this long.
    Stalled {
        /// How long it was away.
        by: Duration,
    },
    /// No advertisement could be sent for three intervals.
    SendsFailed,
    /// The agent ends.
    Shutdown,
}
