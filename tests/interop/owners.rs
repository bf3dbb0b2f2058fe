//! Who has the virtual address, as the kernels of the two nodes tell it.
//!
//! FRR leaves the address on its macvlan and takes the carrier away: an address counts where its link can carry packets.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::Instant;

use anyhow::{Context, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vipd::net::Netlink;
use vipd::net::link::links;
use vipd::net::netlink::{Groups, Monitor, MonitorEvent};

use crate::pair::{Lab, Side};

/// Says which nodes have the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// Neither.
    Nobody,
    /// This one alone.
    Only(Side),
    /// Both.
    Both,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody has the address",
            Self::Only(Side::Left) => "the better node has the address",
            Self::Only(Side::Right) => "the lesser node has the address",
            Self::Both => "both nodes have the address",
        })
    }
}

/// Watches one virtual address on both nodes.
pub(crate) struct Owners {
    left: Node,
    right: Node,
    /// Every change since the last question: for the message of a test that fails.
    seen: Vec<(Instant, Owner)>,
}

impl Owners {
    /// Begins to watch.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn watch(lab: &Lab, address: IpAddr) -> anyhow::Result<Self> {
        let (left, right) = (Node::watch(lab, Side::Left, address)?, Node::watch(lab, Side::Right, address)?);
        Ok(Self { left, right, seen: Vec::new() })
    }

    /// Waits until `wanted` has been the answer for as long as `quiet`.
    ///
    /// # Errors
    /// What was the case instead, when `within` is over.
    pub(crate) fn settle(&mut self, wanted: Owner, quiet: Duration, within: Duration) -> anyhow::Result<()> {
        self.wait(|owner| owner == wanted, quiet, within)
    }

    /// Waits until a node has the address, whoever else has it.
    ///
    /// # Errors
    /// What was the case instead, when `within` is over.
    pub(crate) fn gains(&mut self, side: Side, within: Duration) -> anyhow::Result<()> {
        self.wait(|owner| owner == Owner::Both || owner == Owner::Only(side), Duration::ZERO, within)
    }

    /// Returns for how long nobody had the address since [`Self::settle`] was asked last, up to the last change.
    pub(crate) fn without_owner(&self) -> Duration {
        let spans = self.seen.windows(2).filter(|pair| pair[0].1 == Owner::Nobody);
        spans.map(|pair| pair[1].0 - pair[0].0).sum()
    }

    fn wait(&mut self, wanted: impl Fn(Owner) -> bool, quiet: Duration, within: Duration) -> anyhow::Result<()> {
        self.seen.clear();
        let begun = Instant::now();
        let mut since = None;
        loop {
            let owner = self.now()?;
            let now = Instant::now();
            since = if wanted(owner) { since.or(Some(now)) } else { None };
            let left = match since {
                Some(since) if now - since >= quiet => return Ok(()),
                Some(since) => quiet.saturating_sub(now - since),
                None if now - begun >= within => bail!("{} after {within:?}", self.seen_since(begun)),
                None => within.saturating_sub(now - begun),
            };
            self.await_change(left)?;
        }
    }

    /// Returns whether both nodes had the address at once since [`Self::settle`] was asked last.
    pub(crate) fn were_both(&self) -> bool {
        self.seen.iter().any(|&(_, owner)| owner == Owner::Both)
    }

    fn now(&mut self) -> anyhow::Result<Owner> {
        self.left.read()?;
        self.right.read()?;
        // Read again: what the left node lost while the right one was read is not both at once.
        self.left.read()?;
        let owner = match (self.left.has, self.right.has) {
            (false, false) => Owner::Nobody,
            (true, false) => Owner::Only(Side::Left),
            (false, true) => Owner::Only(Side::Right),
            (true, true) => Owner::Both,
        };
        if self.seen.last().is_none_or(|&(_, last)| last != owner) {
            self.seen.push((Instant::now(), owner));
        }
        Ok(owner)
    }

    fn await_change(&self, at_most: Duration) -> anyhow::Result<()> {
        let mut sources = [&self.left, &self.right].map(|node| PollFd::new(node.monitor.as_fd(), PollFlags::POLLIN));
        // Rounded up, so that the deadline has passed when poll returns.
        let timeout = PollTimeout::try_from(at_most + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        poll(&mut sources, timeout)?;
        Ok(())
    }

    fn seen_since(&self, begun: Instant) -> String {
        let told: Vec<String> =
            self.seen.iter().map(|&(at, owner)| format!("{owner} since {:?}", at.duration_since(begun))).collect();
        told.join(", ")
    }
}

/// Watches the address on one node.
struct Node {
    monitor: Monitor,
    netlink: Netlink,
    address: IpAddr,
    has: bool,
}

impl Node {
    fn watch(lab: &Lab, side: Side, address: IpAddr) -> anyhow::Result<Self> {
        let monitor = lab.node(side).enter(|| Monitor::open(Groups::ALL))?.context("monitor")?;
        let mut node = Self { monitor, netlink: Netlink::open_in(lab.node(side))?, address, has: false };
        node.list()?;
        Ok(node)
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let mut changed = false;
        while let Some(event) = self.monitor.next_event()? {
            match event {
                MonitorEvent::Address(change) | MonitorEvent::AddressGone(change) => {
                    changed |= change.address.address == self.address;
                }
                MonitorEvent::Link(_) | MonitorEvent::LinkGone { .. } | MonitorEvent::Overrun => changed = true,
            }
        }
        if changed {
            self.list()?;
        }
        Ok(())
    }

    fn list(&mut self) -> anyhow::Result<()> {
        let links = links(&mut self.netlink)?;
        let running = links.iter().filter(|link| link.running);
        self.has = running.flat_map(|link| &link.addresses).any(|address| address.address == self.address);
        Ok(())
    }
}
