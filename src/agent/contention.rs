//! Notices that another machine answers for a virtual address while this node is Active, and contradicts it.
//!
//! It decides nothing: who is Active is the election's business. It tells, counts, and has the address announced again.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{info_span, warn};
use vrrp_packet::Family;

use crate::config::VirtualRouter;
use crate::dataplane::{DataplaneHandle, Order};
use crate::election::{Epoch, StateName, Transition};
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

/// What came together is watched together: a thousand routers that become Active are one change.
const TOGETHER: Duration = Duration::from_millis(20);

/// Watches the addresses of every router, each while it is Active. Dropped, it ends the watch.
#[derive(Debug)]
pub(super) struct Watches {
    dataplane: DataplaneHandle,
    routers: BTreeMap<usize, Vec<(Wire, Arc<Charge>)>>,
    wires: BTreeMap<Wire, watch::Sender<Charges>>,
}

/// Names what one socket overhears: closing one takes the kernel some milliseconds, so there is not one for each router.
type Wire = (String, Family);

/// Holds what is watched on one wire, each router under its place.
type Charges = BTreeMap<usize, Arc<Charge>>;

/// Describes the addresses of one Active router on one wire.
#[derive(Debug)]
struct Charge {
    name: String,
    addresses: Vec<IpAddr>,
    published: Arc<Published>,
}

impl Watches {
    /// Watches nothing yet.
    pub(super) fn new(dataplane: DataplaneHandle) -> Self {
        Self { dataplane, routers: BTreeMap::new(), wires: BTreeMap::new() }
    }

    /// Watches this router in its place from now on; must run inside a tokio runtime.
    pub(super) fn add(&mut self, router: &VirtualRouter, published: &Arc<Published>) {
        let place = published.place();
        self.set_active(place, false);
        let mut on_wires: BTreeMap<Wire, Vec<IpAddr>> = BTreeMap::new();
        for address in &router.addresses {
            let carrier = address.dev.as_ref().unwrap_or(&router.interface);
            on_wires.entry((carrier.clone(), router.family())).or_default().push(address.address);
        }
        let charge = |addresses| Charge { name: router.name.clone(), addresses, published: Arc::clone(published) };
        let charges = on_wires.into_iter().map(|(wire, addresses)| (wire, Arc::new(charge(addresses))));
        self.routers.insert(place, charges.collect());
        self.set_active(place, published.snapshot().view.state == StateName::Active);
    }

    /// Follows a router into and out of Active.
    pub(super) fn follow(&mut self, place: usize, transition: &Transition) {
        self.set_active(place, transition.to == StateName::Active);
    }

    fn set_active(&mut self, place: usize, active: bool) {
        for (wire, charge) in self.routers.get(&place).into_iter().flatten() {
            if active {
                let sender = self.wires.entry(wire.clone()).or_insert_with(|| watch_wire(wire, &self.dataplane));
                sender.send_modify(|charges| drop(charges.insert(place, Arc::clone(charge))));
            } else if let Some(sender) = self.wires.get(wire) {
                sender.send_if_modified(|charges| charges.remove(&place).is_some());
            }
        }
    }
}

fn watch_wire((interface, family): &Wire, dataplane: &DataplaneHandle) -> watch::Sender<Charges> {
    let (sender, charges) = watch::channel(Charges::new());
    let (interface, dataplane) = (interface.clone(), dataplane.clone());
    let guard = Guard { interface, family: *family, dataplane, told: BTreeMap::new(), answered: BTreeMap::new() };
    tokio::spawn(guard.run(charges));
    sender
}

/// Watches one wire.
struct Guard {
    interface: String,
    family: Family,
    dataplane: DataplaneHandle,
    told: BTreeMap<usize, Instant>,
    answered: BTreeMap<usize, Instant>,
}

impl Guard {
    /// Ends with the sender of `charges`.
    async fn run(mut self, mut charges: watch::Receiver<Charges>) {
        while charges.wait_for(|charges| !charges.is_empty()).await.is_ok() {
            // An interface without neighbours cannot be watched and need not be.
            if let Ok(Some((sentry, own))) = self.open() {
                // What goes wrong with the socket goes wrong with the interface, and ends the roles.
                let _ = self.stand(&sentry, own, &mut charges).await;
            }
            if charges.changed().await.is_err() {
                return;
            }
        }
    }

    /// Opens a socket on the interface as it is now, and tells its own Ethernet address.
    fn open(&self) -> io::Result<Option<(Readable<Sentry>, Mac)>> {
        // Links alone: there may be thousands of addresses.
        let links = bare_links(&mut Netlink::open()?).map_err(io::Error::other)?;
        let Some(link) = links.into_iter().find(|link| link.name == self.interface) else { return Ok(None) };
        let Some(mac) = link.mac else { return Ok(None) };
        let sentry = Sentry::on_claimants(link.index, self.family, &[])?;
        Ok(Some((Readable::new(sentry)?, Mac(mac))))
    }

    /// Watches whatever is to be watched, until the socket fails or there will never be anything again.
    async fn stand(
        &mut self,
        sentry: &Readable<Sentry>,
        own: Mac,
        charges: &mut watch::Receiver<Charges>,
    ) -> io::Result<()> {
        loop {
            let current = charges.borrow_and_update().clone();
            let addresses = current.iter().flat_map(|(place, charge)| charge.addresses.iter().map(|it| (*it, *place)));
            let places: HashMap<IpAddr, usize> = addresses.collect();
            sentry.get_ref().watch(places.keys())?;
            loop {
                tokio::select! {
                    ready = sentry.wait() => ready?,
                    changed = charges.changed() => {
                        changed.map_err(io::Error::other)?;
                        sleep(TOGETHER).await;
                        break;
                    }
                }
                self.look(sentry.get_ref(), own, &current, &places).await?;
            }
        }
    }

    async fn look(
        &mut self,
        sentry: &Sentry,
        own: Mac,
        charges: &Charges,
        places: &HashMap<IpAddr, usize>,
    ) -> io::Result<()> {
        let mut seen: BTreeMap<usize, (Sighting, u64)> = BTreeMap::new();
        for _ in 0..BATCH {
            let Some(sighting) = sentry.next_sighting()? else { break };
            // A switch may send our own announcements back to us.
            if let Some(place) = places.get(&sighting.address).filter(|_| sighting.mac != own) {
                let count = seen.get(place).map_or(0, |(_, count)| *count);
                seen.insert(*place, (sighting, count + 1));
            }
        }
        let suspects = seen.into_iter().filter_map(|(place, sighted)| Some((place, charges.get(&place)?, sighted)));
        let suspects: Vec<_> =
            suspects.map(|(place, charge, sighted)| (place, charge, sighted, attempt(charge))).collect();
        // Also bounds what a flood may cost.
        sleep(GRACE).await;
        for (place, charge, (sighting, count), before) in suspects {
            if before.is_some() && before == attempt(charge) {
                charge.published.counters.conflicts.add(count);
                self.contradict(place, &charge.name, sighting);
            }
        }
        Ok(())
    }

    fn contradict(&mut self, place: usize, name: &str, sighting: Sighting) {
        let Sighting { address, mac } = sighting;
        if is_due(&mut self.told, place, TELL_EVERY) {
            let interface = &self.interface;
            let _entered = info_span!("router", name = %name).entered();
            warn!(%mac, "{mac} on {interface} answers for {address} while this node is Active; announcing it again");
        }
        if is_due(&mut self.answered, place, ANSWER_EVERY) {
            // Without room the address thread is busy; the next sighting will ask again.
            let _ = self.dataplane.order(Order::Announce { router: place });
        }
    }
}

/// Returns the number of the attempt in which a router is Active: it must be the same one before the grace and after.
fn attempt(charge: &Charge) -> Option<Epoch> {
    let view = charge.published.snapshot().view;
    (view.state == StateName::Active).then_some(view.epoch)
}

/// Tells whether something that was last done for a router then may be done again, and notes it.
fn is_due(last: &mut BTreeMap<usize, Instant>, place: usize, every: Duration) -> bool {
    let due = last.get(&place).is_none_or(|last| last.elapsed() >= every);
    if due {
        last.insert(place, Instant::now());
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
        let published = Arc::new(Published::new(0, "db".to_owned()));
        let charge = Charge { name: "db".to_owned(), addresses: Vec::new(), published: Arc::clone(&published) };
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
            let before = attempt(&charge);
            tokio::join!(sleep(GRACE), news);
            before.is_some() && before == attempt(&charge)
        })
    }

    #[test]
    fn a_taker_that_announces_before_the_news_of_it_has_come_is_no_contender() {
        assert!(judged(StateName::Active, StateName::Active));
        assert!(!judged(StateName::Active, StateName::Backup));
        assert!(!judged(StateName::Claiming, StateName::Active));
    }
}
