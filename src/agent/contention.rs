//! Notices that another machine answers for a virtual address while this node is Active, and contradicts it.
//!
//! It decides nothing: who is Active is the election's business. It tells, counts, and has the address announced again.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{info_span, warn};
use vrrp_packet::Family;

use crate::config::VirtualRouter;
use crate::dataplane::{DataplaneHandle, Order};
use crate::election::{StateName, Transition};
use crate::engine::Published;
use crate::net::link::bare_links;
use crate::net::{Mac, Netlink, Readable, Sentry, Sighting};

/// How long this node must still be Active after a sighting: in a hand-over the taker announces while the news of it is
/// on its way, and that is no contention.
const GRACE: Duration = Duration::from_millis(50);
/// Told at most this often.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Contradicted at most this often.
const ANSWER_EVERY: Duration = Duration::from_secs(1);
/// How many frames are looked at in one go.
const BATCH: usize = 64;

/// Watches the addresses of every router, each while it is Active. Dropped, it ends the watch.
#[derive(Debug)]
pub(super) struct Watches {
    dataplane: DataplaneHandle,
    routers: BTreeMap<usize, watch::Sender<bool>>,
}

impl Watches {
    /// Watches nothing yet.
    pub(super) fn new(dataplane: DataplaneHandle) -> Self {
        Self { dataplane, routers: BTreeMap::new() }
    }

    /// Watches this router in its place from now on; must run inside a tokio runtime.
    pub(super) fn add(&mut self, router: &VirtualRouter, published: &Arc<Published>) {
        self.routers.insert(published.place(), watch_router(router, published, &self.dataplane));
    }

    /// Follows a router into and out of Active.
    pub(super) fn follow(&self, place: usize, transition: &Transition) {
        if let Some(active) = self.routers.get(&place) {
            active.send_replace(transition.to == StateName::Active);
        }
    }
}

fn watch_router(
    router: &VirtualRouter,
    published: &Arc<Published>,
    dataplane: &DataplaneHandle,
) -> watch::Sender<bool> {
    let (sender, active) = watch::channel(published.snapshot().view.state == StateName::Active);
    let mut carriers: Vec<&str> = Vec::new();
    for address in &router.addresses {
        let carrier = address.dev.as_deref().unwrap_or(&router.interface);
        if carriers.contains(&carrier) {
            continue;
        }
        carriers.push(carrier);
        let on_carrier =
            |other: &&crate::config::VirtualAddress| other.dev.as_deref().unwrap_or(&router.interface) == carrier;
        let guard = Guard {
            index: published.place(),
            name: router.name.clone(),
            interface: carrier.to_owned(),
            family: router.family(),
            addresses: router.addresses.iter().filter(on_carrier).map(|address| address.address).collect(),
            published: Arc::clone(published),
            dataplane: dataplane.clone(),
            told: None,
            answered: None,
        };
        tokio::spawn(guard.run(active.clone()));
    }
    sender
}

/// Watches the addresses of one router on one interface.
struct Guard {
    index: usize,
    name: String,
    interface: String,
    family: Family,
    addresses: Vec<IpAddr>,
    published: Arc<Published>,
    dataplane: DataplaneHandle,
    told: Option<Instant>,
    answered: Option<Instant>,
}

impl Guard {
    /// Ends with the sender of `active`.
    async fn run(mut self, mut active: watch::Receiver<bool>) {
        while active.wait_for(|active| *active).await.is_ok() {
            // An interface without neighbours cannot be watched and need not be.
            if let Ok(Some((sentry, own))) = self.open() {
                tokio::select! {
                    // What goes wrong with the socket goes wrong with the interface, and ends the role.
                    _ = self.stand(&sentry, own) => {}
                    left = active.wait_for(|active| !*active) => {
                        if left.is_err() {
                            return;
                        }
                        continue;
                    }
                }
            }
            if active.wait_for(|active| !*active).await.is_err() {
                return;
            }
        }
    }

    /// Opens a socket on the interface as it is now, and tells its own Ethernet address.
    fn open(&self) -> io::Result<Option<(Readable<Sentry>, Mac)>> {
        // Links alone: there may be thousands of addresses, and every router asks at the same moment.
        let links = bare_links(&mut Netlink::open()?).map_err(io::Error::other)?;
        let Some(link) = links.into_iter().find(|link| link.name == self.interface) else { return Ok(None) };
        let Some(mac) = link.mac else { return Ok(None) };
        let sentry = Sentry::on_claimants(link.index, self.family, &self.addresses)?;
        Ok(Some((Readable::new(sentry)?, Mac(mac))))
    }

    async fn stand(&mut self, sentry: &Readable<Sentry>, own: Mac) -> io::Result<()> {
        loop {
            sentry.wait().await?;
            let (mut last, mut count) = (None, 0);
            for _ in 0..BATCH {
                let Some(sighting) = sentry.get_ref().next_sighting()? else { break };
                // A switch may send our own announcements back to us.
                if sighting.mac != own && self.addresses.contains(&sighting.address) {
                    last = Some(sighting);
                    count += 1;
                }
            }
            let held = stays_active(&self.published).await;
            if let (Some(sighting), true) = (last, held) {
                self.published.counters.conflicts.add(count);
                self.contradict(sighting);
            }
        }
    }

    fn contradict(&mut self, sighting: Sighting) {
        let Sighting { address, mac } = sighting;
        if is_due(&mut self.told, TELL_EVERY) {
            let (name, interface) = (&self.name, &self.interface);
            let _entered = info_span!("router", name = %name).entered();
            warn!(%mac, "{mac} on {interface} answers for {address} while this node is Active; announcing it again");
        }
        if is_due(&mut self.answered, ANSWER_EVERY) {
            // Without room the address thread is busy; the next sighting will ask again.
            let _ = self.dataplane.order(Order::Announce { router: self.index });
        }
    }
}

/// Tells whether a router is Active and still is after the grace, in the same attempt.
async fn stays_active(published: &Published) -> bool {
    let before = published.snapshot().view;
    // Also bounds what a flood may cost.
    sleep(GRACE).await;
    let now = published.snapshot().view;
    [before, now].iter().all(|view| view.state == StateName::Active) && before.epoch == now.epoch
}

/// Tells whether something that was last done then may be done again, and notes it.
fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::engine::Snapshot;

    /// Well within the grace, and beyond the first tick of tokio's clock.
    const NEWS_TAKES: Duration = Duration::from_millis(10);

    /// Publishes a state now and another one while the grace lasts; tells whether that counts as Active throughout.
    fn judged(before: StateName, later: StateName) -> bool {
        let published = Published::new(0, "db".to_owned());
        let publish = |state| {
            let mut snapshot: Snapshot = published.snapshot();
            snapshot.view.state = state;
            assert!(published.publish(snapshot));
        };
        publish(before);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let news = async {
                // What the news takes through the ring and the story.
                sleep(NEWS_TAKES).await;
                publish(later);
            };
            tokio::join!(stays_active(&published), news).0
        })
    }

    #[test]
    fn a_taker_that_announces_before_the_news_of_it_has_come_is_no_contender() {
        assert!(judged(StateName::Active, StateName::Active));
        assert!(!judged(StateName::Active, StateName::Backup));
        assert!(!judged(StateName::Claiming, StateName::Active));
    }
}
