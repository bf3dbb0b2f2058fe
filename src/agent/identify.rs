//! Finds out which machine is behind a source address: any host can write another's address into a packet, but its
//! switch knows its Ethernet address.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;

use tokio::time::{Instant, sleep, timeout_at};
use vrrp_packet::Family;

use crate::net::link::{index_of, neighbour};
use crate::net::{Mac, Netlink, Readable, Sentry};

/// How long a further packet of the same source is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause between two looks at what has come: a flood must not keep the agent busy.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many packets are looked at in one go.
const BATCH: usize = 64;
/// More frames than a sentry's buffer holds.
const BUFFERED: usize = 1024;

/// Keeps the frames of advertisements that came since a router became Active: then nobody else advertises, so that
/// nothing piles up, and a stranger need not speak twice to be known.
#[derive(Default, Debug)]
pub(super) struct Ears(HashMap<(String, Family), Sentry>);

impl Ears {
    /// Begins anew on an interface.
    pub(super) fn open(&mut self, interface: &str, family: Family) {
        let place = (interface.to_owned(), family);
        match index(interface).map(|index| Sentry::on_advertisers(index, family)) {
            Some(Ok(sentry)) => drop(self.0.insert(place, sentry)),
            // Without, a stranger is known only when it speaks again.
            Some(Err(_)) | None => drop(self.0.remove(&place)),
        }
    }

    /// Takes what came on an interface, and returns the Ethernet addresses of a source.
    pub(super) fn heard(&self, interface: &str, source: IpAddr) -> BTreeSet<Mac> {
        let mut macs = BTreeSet::new();
        if let Some(sentry) = self.0.get(&(interface.to_owned(), family(source))) {
            // No more than the socket's buffer holds, should frames come as fast as they are read.
            for _ in 0..BUFFERED {
                let Ok(Some(sighting)) = sentry.next_sighting() else { break };
                if sighting.address == source {
                    macs.insert(sighting.mac);
                }
            }
        }
        macs
    }
}

/// Returns the Ethernet addresses that advertisements of a source come from, in words; `heard` are those known already.
///
/// Where there are none it listens for a second; where nothing comes, what the kernel knows of the source must do.
pub(super) async fn macs_of(interface: &str, source: IpAddr, heard: BTreeSet<Mac>) -> String {
    let mut macs = heard;
    if macs.is_empty() {
        // Who it was is of use; that it cannot be found out is no reason not to tell the rest.
        macs = overhear(interface, source).await.unwrap_or_default();
    }
    if macs.is_empty() {
        macs.extend(ask_kernel(interface, source));
    }
    match macs.len() {
        0 => "an unknown Ethernet address".to_owned(),
        _ => macs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
    }
}

async fn overhear(interface: &str, source: IpAddr) -> io::Result<BTreeSet<Mac>> {
    let mut macs = BTreeSet::new();
    let Some(index) = index(interface) else { return Ok(macs) };
    let sentry = Readable::new(Sentry::on_advertisers(index, family(source))?)?;
    let deadline = Instant::now() + PATIENCE;
    while timeout_at(deadline, sentry.wait()).await.is_ok() {
        for _ in 0..BATCH {
            let Some(sighting) = sentry.get_ref().next_sighting()? else { break };
            if sighting.address == source {
                macs.insert(sighting.mac);
            }
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(macs)
}

fn ask_kernel(interface: &str, source: IpAddr) -> Option<Mac> {
    let mut netlink = Netlink::open().ok()?;
    neighbour(&mut netlink, index(interface)?, source).ok()?.map(Mac)
}

fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

fn index(interface: &str) -> Option<u32> {
    index_of(&mut Netlink::open().ok()?, interface).ok()?
}
