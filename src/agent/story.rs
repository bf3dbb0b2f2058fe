//! Follows what happens to the routers: the log, and which of them are drained.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::config::VirtualRouter;
use crate::dataplane::DataplaneHandle;
use crate::election::{Cause, StateName};
use crate::engine::{Command, Handle, News, Published};

use super::contention::Watches;
use super::drained::DrainedRouters;
use super::identify::Ears;
use super::narrate::Narrator;
use super::probe::Question;

/// Tells the story of every router; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Story(Arc<Mutex<Characters>>);

#[derive(Debug)]
struct Characters {
    /// The router of each place, also of one that is just leaving.
    routers: BTreeMap<usize, Character>,
    drained: DrainedRouters,
    watches: Watches,
    ears: Ears,
    handle: Handle,
}

#[derive(Debug)]
struct Character {
    router: VirtualRouter,
    published: Arc<Published>,
    narrator: Narrator,
}

impl Story {
    /// Begins without routers; `dataplane` announces again what is contended, `handle` takes what was found out.
    pub(super) fn new(drained: DrainedRouters, dataplane: DataplaneHandle, handle: Handle) -> Self {
        let (watches, ears) = (Watches::new(dataplane), Ears::default());
        Self(Arc::new(Mutex::new(Characters { routers: BTreeMap::new(), drained, watches, ears, handle })))
    }

    fn characters(&self) -> MutexGuard<'_, Characters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of this router what is told of its place from now on; must run inside a tokio runtime.
    pub(super) fn follow(&self, router: &VirtualRouter, published: &Arc<Published>) {
        let mut characters = self.characters();
        characters.watches.add(router, published);
        let (router, published, narrator) = (router.clone(), Arc::clone(published), Narrator::new(router));
        let place = published.place();
        characters.routers.insert(place, Character { router, published, narrator });
    }

    pub(super) fn tell(&self, place: usize, news: News) {
        let mut characters = self.characters();
        let Characters { routers, watches, ears, handle, .. } = &mut *characters;
        let Some(Character { router, narrator, published }) = routers.get(&place) else { return };
        if let News::Suspicion { peer, silence } = news {
            let question = Question::new(router, published, peer);
            let handle = handle.clone();
            // Without room for the answer Active_Down_Timer decides, as it does without probing.
            let report = move || {
                let _ = handle.send(Command::HostGone { router: place, silence });
            };
            tokio::spawn(question.ask(report));
            return;
        }
        narrator.tell(news, ears);
        if let News::Transition(transition) = &news {
            watches.follow(place, transition);
            if transition.to == StateName::Active {
                ears.open(&router.interface, router.family());
            }
        }
        let name = router.name.clone();
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
        | News::Contended { .. }
        | News::IntervalDiffers { .. }
        | News::AddressesDiffer { .. }
        | News::SecondOwner { .. }
        | News::SendFailed { .. }
        | News::SocketFailed { .. }
        | News::Suspicion { .. }
        | News::Interface { .. } => return None,
    };
    match cause {
        Cause::Drained => Some(true),
        Cause::Resumed | Cause::DrainRefused => Some(false),
        Cause::Started
        | Cause::Owner
        | Cause::ActiveDown
        | Cause::HostGone { .. }
        | Cause::Preempted { .. }
        | Cause::Released { .. }
        | Cause::NotReleased { .. }
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
