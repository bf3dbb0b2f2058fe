//! The document that `GET /v1/status` and `vipd status --json` give: names and meanings here do not change.
//!
//! Spans are whole milliseconds, rounded down, counted back from (or on to) the moment of the answer: the agent's own
//! clock starts at boot and would mean nothing to a reader.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use vrrp_packet::Family;

use crate::config::VirtualRouter;
use crate::election::{self, Effective, Instant, StateName, View};
use crate::engine::{Counters, Discard, Published};

use super::authentication::Authentication;

/// Describes the whole node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Status {
    /// The process that answers.
    pub agent: Agent,
    /// The Virtual Routers, in the configuration's order.
    pub routers: Vec<RouterStatus>,
}

/// Describes the process that answers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Agent {
    /// Its version, such as `0.1.0`.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
    /// How long it has been running.
    pub uptime_ms: u64,
}

/// Describes one Virtual Router as this node sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct RouterStatus {
    /// Its name in the configuration.
    pub name: String,
    /// The interface that advertisements use.
    pub interface: String,
    /// The interface's index; `null` while there is no such interface.
    pub interface_index: Option<u32>,
    /// Whether the interface is up and has a carrier.
    pub link_up: bool,
    /// The VRID, 1 to 255.
    pub vrid: u8,
    /// `ipv4` or `ipv6`.
    #[serde(with = "FamilyName")]
    pub family: Family,
    /// The protocol's version, 2 or 3.
    pub version: u8,
    /// The virtual addresses with their prefix lengths, such as `10.77.0.100/24`.
    pub addresses: Vec<String>,
    /// The configured Advertisement_Interval.
    pub interval_ms: u64,
    /// The address that advertisements come from; `null` while there is none.
    pub source: Option<IpAddr>,
    /// The state.
    pub state: State,
    /// How long the state has lasted.
    pub in_state_ms: u64,
    /// The configured priority, 1 to 255.
    pub priority: u8,
    /// What checks and links leave of it; `null` in fault.
    pub effective_priority: Option<u8>,
    /// Why the node may not be Active; `null` where it may.
    pub fault: Option<Fault>,
    /// How far a drain has come.
    pub drain: Drain,
    /// The Active Router, where another node is known to be it.
    pub active_router: Option<ActiveRouter>,
    /// Failures in a row (refused gates, failed claims, failed sends); the wait before the next try grows with them.
    pub failures: u32,
    /// Numbers the current or last attempt to be Active.
    pub epoch: u64,
    /// When the router acts next of its own accord; `null`: only when something happens.
    pub deadline_in_ms: Option<u64>,
    /// How its advertisements are signed and verified; `null`: not at all.
    pub authentication: Option<Authentication>,
    /// What it sent and heard since the agent started.
    pub traffic: Traffic,
}

/// Describes another node that is the Active Router.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct ActiveRouter {
    /// The address that its advertisements come from.
    pub source: IpAddr,
    /// Its priority.
    pub priority: u8,
    /// Its Advertisement_Interval.
    pub interval_ms: u64,
    /// How long ago it was last heard.
    pub heard_ms_ago: u64,
}

/// Counts since the agent started.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Traffic {
    /// Advertisements that the kernel took, Priority 0 included.
    pub sent: u64,
    /// Advertisements that the kernel refused.
    pub send_failed: u64,
    /// Advertisements that passed every check.
    pub received: u64,
    /// Of these, such with Priority 0.
    pub received_release: u64,
    /// How often this node became Active.
    pub became_active: u64,
    /// Frames in which another machine claimed a virtual address while this node was Active.
    #[serde(default)]
    pub conflicts: u64,
    /// How often the host of a silent Active Router was asked whether it lives.
    pub probed: u64,
    /// Packets that were discarded, by reason; every reason is listed.
    pub discarded: BTreeMap<String, u64>,
}

/// Names a state in the document.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not started, or ended.
    Initialize,
    /// Waits for the Active Router to fall silent.
    Backup,
    /// Listens but may not take over: drained, in fault, or backing off after a failure.
    Aside,
    /// Won the election; the gate is being opened.
    Opening,
    /// Won the election; the kernel has not confirmed the addresses yet.
    Claiming,
    /// Active, and the addresses are here.
    Active,
    /// On the way out of Active.
    Releasing,
}

impl State {
    /// Tells whether the node holds the role, or is about to.
    pub const fn has_role(self) -> bool {
        match self {
            Self::Opening | Self::Claiming | Self::Active | Self::Releasing => true,
            Self::Initialize | Self::Backup | Self::Aside => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Initialize => "initialize",
            Self::Backup => "backup",
            Self::Aside => "aside",
            Self::Opening => "opening",
            Self::Claiming => "claiming",
            Self::Active => "active",
            Self::Releasing => "releasing",
        })
    }
}

impl From<StateName> for State {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Initialize => Self::Initialize,
            StateName::Backup => Self::Backup,
            StateName::Aside => Self::Aside,
            StateName::Opening => Self::Opening,
            StateName::Claiming => Self::Claiming,
            StateName::Active => Self::Active,
            StateName::Releasing => Self::Releasing,
        }
    }
}

/// Says why a node may not be Active.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The interface is gone, down, or has no source address.
    Deaf,
    /// A check fails.
    Check,
    /// The lease of the addresses is not renewed.
    Unrenewed,
}

impl From<election::Fault> for Fault {
    fn from(fault: election::Fault) -> Self {
        match fault {
            election::Fault::Deaf => Self::Deaf,
            election::Fault::Check => Self::Check,
            election::Fault::Unrenewed => Self::Unrenewed,
        }
    }
}

/// Says how far a drain has come.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Drain {
    /// The node takes part.
    Off,
    /// The node still has the role and is giving it away.
    Leaving,
    /// The role is given away; the node watches that a peer takes it and keeps it.
    Watching,
    /// The node is out.
    Done,
}

impl Drain {
    fn of(view: &View) -> Self {
        match (view.drained, view.draining, State::from(view.state).has_role()) {
            (false, _, _) => Self::Off,
            (true, _, true) => Self::Leaving,
            (true, true, false) => Self::Watching,
            (true, false, false) => Self::Done,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Family", rename_all = "snake_case")]
enum FamilyName {
    Ipv4,
    Ipv6,
}

impl RouterStatus {
    /// Describes a router as of `now`.
    pub(super) fn of(config: &VirtualRouter, published: &Published, now: Instant) -> Self {
        let snapshot = published.snapshot();
        let view = snapshot.view;
        // The snapshot may have been taken after the clock was read.
        let now = now.max(snapshot.taken);
        let (effective_priority, fault) = match view.effective {
            Effective::Priority(priority) => (Some(priority.get()), None),
            Effective::Fault(fault) => (None, Some(fault.into())),
        };
        Self {
            name: published.name.clone(),
            interface: config.interface.clone(),
            interface_index: snapshot.interface_index,
            link_up: snapshot.link_up,
            vrid: config.vrid.get(),
            family: config.family(),
            version: config.version.number(),
            addresses: config.addresses.iter().map(|each| format!("{}/{}", each.address, each.prefix)).collect(),
            interval_ms: millis(config.advertisement_interval.duration()),
            source: snapshot.source,
            state: view.state.into(),
            in_state_ms: millis(now.since(view.since)),
            priority: config.priority.get(),
            effective_priority,
            fault,
            drain: Drain::of(&view),
            active_router: view.active.map(|peer| ActiveRouter {
                source: peer.source,
                priority: peer.priority.get(),
                interval_ms: millis(peer.interval.duration()),
                heard_ms_ago: millis(now.since(peer.heard)),
            }),
            failures: view.failures,
            epoch: view.epoch.0,
            deadline_in_ms: view.deadline.map(|deadline| millis(deadline.since(now))),
            authentication: config
                .authentication
                .as_ref()
                .map(|authentication| Authentication::of(authentication, snapshot.signing.as_ref())),
            traffic: Traffic::of(&published.counters),
        }
    }
}

impl Traffic {
    fn of(counters: &Counters) -> Self {
        Self {
            sent: counters.sent.get(),
            send_failed: counters.send_failed.get(),
            received: counters.received.get(),
            received_release: counters.received_release.get(),
            became_active: counters.became_active.get(),
            conflicts: counters.conflicts.get(),
            probed: counters.probed.get(),
            discarded: Discard::ALL.map(|reason| (reason.name().to_owned(), counters.discarded(reason))).into(),
        }
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::Epoch;

    fn drain(state: StateName, drained: bool, draining: bool) -> Drain {
        let effective = Effective::Fault(election::Fault::Deaf);
        let (since, epoch) = (Instant::ZERO, Epoch::default());
        Drain::of(&View {
            state,
            since,
            epoch,
            effective,
            active: None,
            drained,
            draining,
            failures: 0,
            deadline: None,
        })
    }

    #[test]
    fn a_drain_is_done_only_when_the_role_is_gone_and_nobody_is_watched() {
        assert_eq!(drain(StateName::Active, false, false), Drain::Off);
        assert_eq!(drain(StateName::Releasing, true, true), Drain::Leaving);
        assert_eq!(drain(StateName::Releasing, true, false), Drain::Leaving);
        assert_eq!(drain(StateName::Aside, true, true), Drain::Watching);
        assert_eq!(drain(StateName::Aside, true, false), Drain::Done);
    }
}
