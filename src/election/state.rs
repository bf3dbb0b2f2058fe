//! The states of a router. Each holds its own deadlines; there is no timer elsewhere.

use std::net::IpAddr;

use vrrp_packet::{Interval, Priority, Version};

use super::event::{Heard, StateName};
use super::time::Instant;
use super::view::Peer;

/// An Active Router that was not heard for this many of its intervals may have been replaced: the shortest
/// Active_Down_Interval of any peer is longer by its Skew_Time (ownership rule 11).
pub(super) const INTERVALS_OF_SILENCE: u32 = 3;

/// The state of one Virtual Router.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum State {
    /// RFC 9568 §6.4.1.
    Initialize,
    /// RFC 9568 §6.4.2.
    Backup(Backup),
    /// Listens, takes nothing over.
    Aside(Aside),
    /// Active in the protocol, the gate is being opened, or the router that this one deposed lets go.
    Opening(Tenure),
    /// Active in the protocol, the addresses are being configured.
    Claiming(Tenure),
    /// RFC 9568 §6.4.3, the addresses are here.
    Active(Tenure),
    /// On the way out of the three states above.
    Releasing(Release),
}

impl State {
    pub(super) fn name(&self) -> StateName {
        match self {
            Self::Initialize => StateName::Initialize,
            Self::Backup(_) => StateName::Backup,
            Self::Aside(_) => StateName::Aside,
            Self::Opening(_) => StateName::Opening,
            Self::Claiming(_) => StateName::Claiming,
            Self::Active(_) => StateName::Active,
            Self::Releasing(_) => StateName::Releasing,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Backup {
    pub(super) listening: Listening,
    /// When this state was entered: a deadline that lies before is not late.
    pub(super) entered: Instant,
    /// Since when only a lower priority is heard: preempt_delay counts from here.
    pub(super) lower_since: Option<Instant>,
    /// The silence for which the Active Router's host was asked: once is enough.
    pub(super) asked: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Aside {
    pub(super) listening: Listening,
    /// When a node that failed may try again.
    pub(super) retry_at: Option<Instant>,
    /// Whether the gate refused, so that its readiness check must pass before the next try (ownership rule 6).
    pub(super) needs_readiness: bool,
    /// Until when a drained node watches that somebody has the role (ownership rule 9).
    pub(super) watch_until: Option<Instant>,
}

impl Aside {
    pub(super) fn listening(listening: Listening) -> Self {
        Self { listening, retry_at: None, needs_readiness: false, watch_until: None }
    }
}

/// One stay in the role, from the first advertisement to the last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Tenure {
    /// Adver_Timer.
    pub(super) adver_deadline: Instant,
    /// The priority that was advertised last.
    pub(super) priority: Priority,
    /// When the kernel last took an advertisement (ownership rule 11).
    pub(super) last_sent: Instant,
    /// When an advertisement was last asked for.
    pub(super) last_asked: Instant,
    /// When the addresses were last announced.
    pub(super) last_announced: Instant,
    /// Whether contention asked for an announcement that would have come too soon after the last.
    pub(super) owes_announcement: bool,
    /// Whose Priority 0 the claim waits for.
    pub(super) deposed: Option<Deposed>,
}

/// A router that this one preempted, and that may still hold the addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Deposed {
    pub(super) peer: IpAddr,
    /// When the addresses are claimed whatever it says.
    pub(super) until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Release {
    pub(super) step: Step,
    /// Adver_Timer, while the node still speaks for the addresses; `None`: it is silent.
    pub(super) adver_deadline: Option<Instant>,
    /// When an unconfirmed withdrawal makes the node fall silent (ownership rule 8).
    pub(super) give_up_at: Option<Instant>,
    /// When the kernel last took an advertisement (ownership rule 11).
    pub(super) last_sent: Instant,
    pub(super) farewell: Farewell,
    pub(super) priority: Priority,
    pub(super) listening: Listening,
    pub(super) then: Then,
}

/// Whether Priority 0 ends a Release.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Farewell {
    /// The node is not to speak any more, or has nothing to say to the router that has the role.
    Silent,
    /// Nobody has the role afterwards: the others may take it.
    GivesUp,
    /// The only peer is Active already and waits for the addresses.
    Yields,
}

/// What a Release waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Step {
    /// The kernel's word that the addresses are gone.
    Addresses,
    /// The gate's word that the database is read-only.
    Gate,
}

/// Where a Release ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Then {
    /// Backup, or Aside where the node may not take over.
    StandBy,
    /// Aside, and watch that somebody takes the role.
    Watch,
    /// Aside, until a wait that grows with each failure is over.
    Retry { needs_readiness: bool },
    /// Initialize: the agent ends.
    Stop,
}

/// What a router that is not Active knows of the one that is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Listening {
    pub(super) peer: Option<Peer>,
    /// Active_Adver_Interval.
    pub(super) interval: Interval,
    pub(super) basis: Basis,
}

/// What Active_Down_Timer runs from. The deadline is computed from it each time, so that a changed priority moves the
/// deadline but never restarts the wait (ownership rule 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Basis {
    /// Heard last, or began to listen: Active_Down_Interval from then.
    Silence { since: Instant },
    /// The Active Router said Priority 0: Skew_Time from then.
    Released { at: Instant, by: IpAddr },
    /// The Active Router said Priority 0 and no third router can wait: at once.
    HandedOver { at: Instant, by: IpAddr },
    /// The Active Router's host did not answer: Skew_Time from then, or at once where no third router can wait.
    Gone { at: Instant, peer: IpAddr, at_once: bool },
    /// This node said Priority 0 or fell silent: others get Skew_Time and a whole Active_Down_Interval.
    GaveUp { at: Instant },
}

impl Listening {
    pub(super) fn afresh(now: Instant, interval: Interval) -> Self {
        Self { peer: None, interval, basis: Basis::Silence { since: now } }
    }

    /// Follows whoever was heard: RFC 9568 §6.4.2, (450) to (470).
    pub(super) fn follow(&mut self, now: Instant, version: Version, heard: Heard) {
        self.notice(now, heard);
        match version {
            // RFC 3768 §6.1 knows no Active_Adver_Interval: every router has the same interval.
            Version::V2 => {}
            Version::V3 => self.interval = heard.interval,
        }
        self.basis = Basis::Silence { since: now };
    }

    /// Remembers who is Active, but lets Active_Down_Timer run: the node is about to preempt.
    pub(super) fn notice(&mut self, now: Instant, heard: Heard) {
        let Heard { source, priority, interval } = heard;
        // Where two advertise, the better one stays Active: the other must not be able to give its role away (rule 3).
        let outranked = self.peer.is_some_and(|peer| {
            let fresh = now.since(peer.heard) < peer.interval.duration() * INTERVALS_OF_SILENCE;
            fresh && peer.source != source && (peer.priority, peer.source) > (priority, source)
        });
        if !outranked {
            self.peer = Some(Peer { source, priority, interval, heard: now });
        }
    }

    /// Tells whether an advertisement comes from the recorded Active Router (ownership rule 3).
    pub(super) fn is_from_active(&self, heard: Heard) -> bool {
        self.peer.is_some_and(|peer| peer.source == heard.source)
    }

    /// Active_Down_Timer, for a node of this version and priority.
    pub(super) fn deadline(&self, version: Version, priority: Priority) -> Instant {
        match self.basis {
            Basis::Silence { since } => since + self.interval.active_down_interval(version, priority),
            Basis::Released { at, by: _ } => at + self.interval.skew_time(version, priority),
            Basis::HandedOver { at, by: _ } | Basis::Gone { at, peer: _, at_once: true } => at,
            Basis::Gone { at, peer: _, at_once: false } => at + self.interval.skew_time(version, priority),
            Basis::GaveUp { at } => {
                at + self.interval.skew_time(version, priority) + self.interval.active_down_interval(version, priority)
            }
        }
    }
}
