//! What the survivor's wire says about the Virtual Router, with the kernel's time of each frame.

use core::time::Duration;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Instant;

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vipd::net::link::links;
use vipd::net::{Capture, Netlink};

use crate::pair::lab::INTERFACE;
use crate::pair::{Lab, Side};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const IP_PROTOCOL_VRRP: u8 = 112;

/// Describes a frame that says something about the Virtual Router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    /// When the kernel saw it, since boot.
    pub(crate) at: Duration,
    /// Who said it.
    pub(crate) by: Side,
    /// What it says.
    pub(crate) what: What,
}

/// Names what the measurement looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// An advertisement.
    Advertisement { priority: u8 },
    /// A gratuitous ARP.
    Announcement { address: Ipv4Addr },
}

/// Listens on one node from the moment it is opened.
pub(crate) struct Wire {
    capture: Capture,
    side: Side,
    mac: [u8; 6],
    said: Vec<Said>,
}

impl Wire {
    /// Begins to listen on a node's interface, to both directions.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn open(lab: &Lab, side: Side) -> anyhow::Result<Self> {
        let mut netlink = Netlink::open_in(lab.node(side))?;
        let link = links(&mut netlink)?.into_iter().find(|link| link.name == INTERFACE);
        let link = link.with_context(|| format!("no interface {INTERFACE}"))?;
        let mac = link.mac.with_context(|| format!("{INTERFACE} has no Ethernet address"))?;
        let capture = lab.node(side).enter(|| Capture::open(link.index))?.context("capture")?;
        Ok(Self { capture, side, mac, said: Vec::new() })
    }

    /// Waits until what was said so far holds an answer.
    ///
    /// # Errors
    /// That there was none within the time, or that the capture failed.
    pub(crate) fn wait_for<T>(
        &mut self,
        what: &str,
        within: Duration,
        answer: impl Fn(&[Said]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + within;
        loop {
            self.listen()?;
            if let Some(answer) = answer(&self.said) {
                return Ok(answer);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            anyhow::ensure!(!left.is_zero(), "no {what} within {within:?}");
            let mut sources = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
            poll(&mut sources, PollTimeout::try_from(left + Duration::from_millis(1))?)?;
        }
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        while let Some(frame) = self.capture.next_frame()? {
            let by = if frame.bytes.get(6..12) == Some(&self.mac) { self.side } else { self.side.other() };
            let at = Duration::from_nanos(frame.at);
            self.said.extend(understand(frame.bytes).map(|what| Said { at, by, what }));
        }
        Ok(())
    }
}

fn understand(frame: &[u8]) -> Option<What> {
    let (ethernet, payload) = frame.split_first_chunk::<14>()?;
    match u16::from_be_bytes([ethernet[12], ethernet[13]]) {
        ETHERTYPE_IPV4 => {
            let (header, _) = payload.split_first_chunk::<20>()?;
            let length = usize::from(header[0] & 0x0f) * 4;
            let priority = *payload.get(length + 2)?;
            (header[9] == IP_PROTOCOL_VRRP).then_some(What::Advertisement { priority })
        }
        ETHERTYPE_ARP => {
            let (arp, _) = payload.split_first_chunk::<28>()?;
            let (sender, target) = (&arp[14..18], &arp[24..28]);
            let address = Ipv4Addr::new(arp[14], arp[15], arp[16], arp[17]);
            (sender == target).then_some(What::Announcement { address })
        }
        _ => None,
    }
}
