//! What is said on a wire, heard in the switch by a thread of its own, with the kernel's time of each frame.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vipd::net::link::links;
use vipd::net::{Capture, Netlink, boot_nanos};

use crate::lab::{Lab, Side, interface};

const IP_PROTOCOL_VRRP: u8 = 112;

/// Describes a frame that says something about a Virtual Router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    /// When the kernel saw it, in nanoseconds since boot.
    pub(crate) at: u64,
    /// Who said it.
    pub(crate) by: Side,
    /// What it says.
    pub(crate) what: What,
}

/// Names what the measurements look for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// An advertisement that is no farewell.
    Advertisement(u8),
    /// A gratuitous ARP.
    Announcement(Ipv4Addr),
}

/// Listens until it is asked for what it heard.
pub(crate) struct Ears {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<Vec<Said>>>>,
    /// When it began, in nanoseconds since boot.
    pub(crate) begun: u64,
}

impl Ears {
    /// Begins to listen on a node's end of the first wire.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn open(lab: &mut Lab, side: Side) -> anyhow::Result<Self> {
        let macs = [mac(lab, Side::Left)?, mac(lab, Side::Right)?];
        let capture = lab.overhear(side)?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::Builder::new().name("ears".to_owned()).spawn(move || listen(capture, macs, &told))?;
        Ok(Self { stop, thread: Some(thread), begun: boot_nanos() })
    }

    /// Ends and returns what was said, in its order.
    ///
    /// # Errors
    /// What the kernel said of the capture.
    pub(crate) fn finish(mut self) -> anyhow::Result<Vec<Said>> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("listened twice")?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn mac(lab: &Lab, side: Side) -> anyhow::Result<[u8; 6]> {
    let links = links(&mut Netlink::open_in(lab.node(side))?)?;
    let link = links.into_iter().find(|link| link.name == interface(0)).context("no interface")?;
    link.mac.context("no Ethernet address")
}

fn listen(mut capture: Capture, [left, right]: [[u8; 6]; 2], stop: &AtomicBool) -> anyhow::Result<Vec<Said>> {
    let mut said = Vec::new();
    loop {
        while let Some(frame) = capture.next_frame()? {
            let Some(source) = frame.bytes.get(6..12) else { continue };
            let by = if source == left {
                Side::Left
            } else if source == right {
                Side::Right
            } else {
                continue;
            };
            said.extend(understand(frame.bytes).map(|what| Said { at: frame.at, by, what }));
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(said);
        }
        let mut sources = [PollFd::new(capture.as_fd(), PollFlags::POLLIN)];
        poll(&mut sources, PollTimeout::try_from(Duration::from_millis(20))?)?;
    }
}

fn understand(frame: &[u8]) -> Option<What> {
    let (ethernet, payload) = frame.split_first_chunk::<14>()?;
    match ethernet[12..] {
        [0x08, 0x00] => {
            let (header, _) = payload.split_first_chunk::<20>()?;
            let message = payload.get(usize::from(header[0] & 0x0f) * 4..)?;
            let (&[_, vrid, priority], _) = message.split_first_chunk::<3>()?;
            (header[9] == IP_PROTOCOL_VRRP && priority > 0).then_some(What::Advertisement(vrid))
        }
        [0x08, 0x06] => {
            let (arp, _) = payload.split_first_chunk::<28>()?;
            let (sender, target) = (&arp[14..18], &arp[24..28]);
            let address = Ipv4Addr::new(arp[14], arp[15], arp[16], arp[17]);
            (sender == target).then_some(What::Announcement(address))
        }
        _ => None,
    }
}

/// Returns when each address was announced by a node for the first time, the earliest first.
pub(crate) fn first_announcements(said: &[Said], by: Side) -> Vec<u64> {
    let mut first: HashMap<Ipv4Addr, u64> = HashMap::new();
    for it in said.iter().filter(|it| it.by == by) {
        if let What::Announcement(address) = it.what {
            first.entry(address).or_insert(it.at);
        }
    }
    let mut times: Vec<u64> = first.into_values().collect();
    times.sort_unstable();
    times
}

/// Returns when a node advertised, for each VRID.
pub(crate) fn advertisements(said: &[Said], by: Side) -> HashMap<u8, Vec<u64>> {
    let mut times: HashMap<u8, Vec<u64>> = HashMap::new();
    for it in said.iter().filter(|it| it.by == by) {
        if let What::Advertisement(vrid) = it.what {
            times.entry(vrid).or_default().push(it.at);
        }
    }
    times
}
