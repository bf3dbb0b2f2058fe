//! Asks the host of a silent Active Router whether it lives: ARP or Neighbor Solicitations, for its own address and for a
//! virtual one.
//!
//! It finds out only; what follows is the election's business.

use core::num::NonZeroU8;
use core::time::Duration;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use tracing::debug;
use vrrp_packet::{arp, ndp};

use crate::config::{Probe, VirtualRouter};
use crate::engine::Published;
use crate::net::link::{bare_links, neighbour};
use crate::net::{FrameSocket, Mac, Netlink, Readable, Sentry};

/// How many frames are looked at before the clock is looked at again.
const BATCH: usize = 64;

/// Holds what to ask, of whom, and how often.
#[derive(Debug)]
pub(super) struct Question {
    router: String,
    interface: String,
    published: Arc<Published>,
    peer: IpAddr,
    /// The peer's own address, and the first of each carrier's virtual ones that its interface answers for.
    addresses: Vec<IpAddr>,
    probe: Option<Probe>,
}

impl Question {
    /// Asks about the router's Active host, which has the address `peer`.
    pub(super) fn new(router: &VirtualRouter, published: &Arc<Published>, peer: IpAddr) -> Self {
        let here =
            router.addresses.iter().find(|address| address.dev.as_deref().is_none_or(|dev| dev == router.interface));
        Self {
            router: router.name.clone(),
            interface: router.interface.clone(),
            published: Arc::clone(published),
            peer,
            addresses: [peer].into_iter().chain(here.map(|address| address.address)).collect(),
            probe: router.probe,
        }
    }

    /// Asks, and calls `gone` where nobody has answered. Where it could not ask, it says nothing.
    pub(super) async fn ask(self, gone: impl FnOnce() + Send) {
        let asker = match self.prepare() {
            Ok(Some(asker)) => asker,
            Ok(None) => return,
            Err(error) => return debug!("{}: cannot ask {} whether it lives: {error}", self.router, self.peer),
        };
        match asker.ask().await {
            Ok(false) => gone(),
            Ok(true) => debug!("{}: {} is silent, but its host lives", self.router, self.peer),
            Err(error) => debug!("{}: cannot ask {} whether it lives: {error}", self.router, self.peer),
        }
        // The asker's sockets are closed here, which takes the kernel some milliseconds: after the answer.
    }

    /// Finds out what the frames need; `None` where the interface is not there or has no Ethernet address.
    fn prepare(&self) -> io::Result<Option<Asker>> {
        let (Some(probe), Some(source)) = (self.probe, self.published.snapshot().source) else { return Ok(None) };
        let mut netlink = Netlink::open()?;
        let links = bare_links(&mut netlink).map_err(io::Error::other)?;
        let link = links.into_iter().find(|link| link.name == self.interface);
        let Some((index, mac)) = link.and_then(|link| Some((link.index, link.mac?))) else { return Ok(None) };
        let known = neighbour(&mut netlink, index, self.peer).map_err(io::Error::other)?;
        let frames = |to: Option<[u8; 6]>| -> Vec<Vec<u8>> {
            let question = |target: &IpAddr| match (source, *target) {
                (IpAddr::V4(source), IpAddr::V4(target)) => Some(arp::request(mac, to, source, target).to_vec()),
                (IpAddr::V6(source), IpAddr::V6(target)) => Some(ndp::solicitation(mac, to, source, target).to_vec()),
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
            };
            self.addresses.iter().filter_map(question).collect()
        };
        let family = if source.is_ipv4() { vrrp_packet::Family::Ipv4 } else { vrrp_packet::Family::Ipv6 };
        Ok(Some(Asker {
            index,
            own: Mac(mac),
            sentry: Readable::new(Sentry::on_claimants(index, family, &self.addresses)?)?,
            socket: FrameSocket::open()?,
            direct: known.map(|mac| frames(Some(mac))),
            to_all: frames(None),
            count: probe.count,
            wait: probe.interval,
        }))
    }
}

/// Asks on one interface.
struct Asker {
    index: u32,
    own: Mac,
    sentry: Readable<Sentry>,
    socket: FrameSocket,
    /// To the host alone, where its Ethernet address is known: a switch may answer for others what it remembers of them.
    direct: Option<Vec<Vec<u8>>>,
    /// To everybody: what is known of the Ethernet address may be old.
    to_all: Vec<Vec<u8>>,
    count: NonZeroU8,
    wait: Duration,
}

impl Asker {
    /// Tells whether anybody answered.
    async fn ask(&self) -> io::Result<bool> {
        for round in 0..self.count.get() {
            let early = round < self.count.get().div_ceil(2);
            let frames = self.direct.as_ref().filter(|_| early).unwrap_or(&self.to_all);
            for frame in frames {
                self.socket.send(self.index, frame)?;
            }
            if self.is_answered_by(Instant::now() + self.wait).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_answered_by(&self, deadline: Instant) -> io::Result<bool> {
        while timeout_at(deadline, self.sentry.wait()).await.is_ok() {
            for _ in 0..BATCH {
                let Some(sighting) = self.sentry.get_ref().next_sighting()? else { break };
                if sighting.mac != self.own {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
