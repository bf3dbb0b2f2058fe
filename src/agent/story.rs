//! Follows what happens to the routers: the log, and which of them are drained.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::config::VirtualRouter;
use crate::election::Cause;
use crate::engine::News;

use super::drained::DrainedRouters;
use super::narrate::Narrator;

/// Tells the story of every router; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Story(Arc<Mutex<Characters>>);

#[derive(Debug)]
struct Characters {
    /// The router of each place, also of one that is just leaving.
    routers: BTreeMap<usize, (String, Narrator)>,
    drained: DrainedRouters,
}

impl Story {
    pub(super) fn new(drained: DrainedRouters) -> Self {
        Self(Arc::new(Mutex::new(Characters { routers: BTreeMap::new(), drained })))
    }

    fn characters(&self) -> MutexGuard<'_, Characters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of this router what is told of its place from now on.
    pub(super) fn follow(&self, place: usize, router: &VirtualRouter) {
        self.characters().routers.insert(place, (router.name.clone(), Narrator::new(router)));
    }

    pub(super) fn tell(&self, place: usize, news: News) {
        let mut characters = self.characters();
        let Some((name, narrator)) = characters.routers.get(&place) else { return };
        narrator.tell(news);
        let name = name.clone();
        if let Some(drained) = drained_by(news) {
            characters.remember(&name, drained);
        }
    }

    /// A router that is gone is not drained when it comes back.
    pub(super) fn forget_drain(&self, name: &str) {
        self.characters().remember(name, false);
    }
}

impl Characters {
    fn remember(&mut self, name: &str, drained: bool) {
        if let Err(error) = self.drained.set(name, drained) {
            warn!("cannot remember that {name} is{} drained: {error}", if drained { "" } else { " not" });
        }
    }
}

/// Returns whether a router is drained from now on, where that changes.
fn drained_by(news: News) -> Option<bool> {
    let cause = match news {
        News::Transition(transition) => transition.cause,
        News::Discarded { .. }
        | News::IntervalDiffers { .. }
        | News::AddressesDiffer { .. }
        | News::SecondOwner { .. }
        | News::SendFailed { .. }
        | News::SocketFailed { .. }
        | News::Interface { .. } => return None,
    };
    match cause {
        Cause::Drained => Some(true),
        Cause::Resumed | Cause::DrainRefused => Some(false),
        Cause::Started
        | Cause::Owner
        | Cause::ActiveDown
        | Cause::Preempted { .. }
        | Cause::Released { .. }
        | Cause::HigherPriority { .. }
        | Cause::HigherAddress { .. }
        | Cause::GateOpened
        | Cause::GateRefused
        | Cause::Confirmed
        | Cause::ClaimFailed
        | Cause::AddressesLost
        | Cause::Withdrawn
        | Cause::WithdrawalUnconfirmed
        | Cause::Fault(_)
        | Cause::FaultCleared
        | Cause::RetryDue
        | Cause::DrainSettled
        | Cause::Stalled { .. }
        | Cause::SendsFailed
        | Cause::Shutdown => None,
    }
}
