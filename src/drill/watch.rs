//! Watches both hosts from inside: who holds the virtual address, who advertises, who announces.
//!
//! It only reads: nothing that it does can change an outcome.

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pnet::packet::Packet;
use pnet::packet::arp::{ArpOperations, ArpPacket};
use pnet::packet::ethernet::{EtherTypes, EthernetPacket};
use pnet::packet::ipv4::Ipv4Packet;
use vrrp_packet::Priority;

use super::DrillError;
use super::lab::Lab;
use super::observed::{Advertisement, Observed};
use super::plan::{ATTACKER, Side, VIRTUAL_ADDRESS};
use crate::net::link::LinkAddress;
use crate::net::netlink::{Groups, Monitor, MonitorEvent};
use crate::net::{Capture, Frame, Wake, boot_nanos, go_realtime};

/// Above the agents' own threads: what is seen late is measured wrong, and looking takes microseconds.
const REALTIME_PRIORITY: u8 = 60;

/// Watches until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct Watch {
    observed: Arc<Mutex<Observed>>,
    stop: Arc<Wake>,
    thread: Option<JoinHandle<Result<(), DrillError>>>,
}

impl Watch {
    /// Begins to watch. Neither host may hold the virtual address yet.
    pub(super) fn start(lab: &Lab) -> Result<Self, DrillError> {
        let observed = Arc::default();
        let stop = Arc::new(Wake::new().map_err(|source| DrillError::System { doing: "make an eventfd", source })?);
        let watcher = Watcher {
            observed: Arc::clone(&observed),
            stop: Arc::clone(&stop),
            ears: [Ears::open(lab, Side::A)?, Ears::open(lab, Side::B)?],
        };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watcher.run())
            .map_err(|source| DrillError::System { doing: "start a thread", source })?;
        Ok(Self { observed, stop, thread: Some(thread) })
    }

    /// Looks at what has been seen so far.
    pub(super) fn observed(&self) -> MutexGuard<'_, Observed> {
        lock(&self.observed)
    }

    /// Ends the watch and returns all that was seen.
    pub(super) fn finish(mut self) -> Result<Observed, DrillError> {
        self.stop.notify();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(core::mem::take(&mut *self.observed()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.notify();
    }
}

fn lock(observed: &Mutex<Observed>) -> MutexGuard<'_, Observed> {
    // Records are complete at every moment, so a panic elsewhere leaves none behind that is half written.
    observed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds what is open inside one host.
struct Ears {
    side: Side,
    /// The index of the only interface that counts.
    interface: u32,
    monitor: Monitor,
    capture: Capture,
}

impl Ears {
    fn open(lab: &Lab, side: Side) -> Result<Self, DrillError> {
        let host = lab.host(side);
        let open = || {
            let capture = Capture::open(host.interface)?;
            // To look at a flood would be one more load.
            capture.ignore(ATTACKER.mac)?;
            Ok((Monitor::open(Groups::IPV4_ADDRESS)?, capture))
        };
        let (monitor, capture) = host
            .namespace
            .enter(open)?
            .map_err(|source| DrillError::System { doing: "watch the addresses of a host", source })?;
        Ok(Self { side, interface: host.interface, monitor, capture })
    }
}

struct Watcher {
    observed: Arc<Mutex<Observed>>,
    stop: Arc<Wake>,
    ears: [Ears; 2],
}

impl Watcher {
    fn run(mut self) -> Result<(), DrillError> {
        // Without permission the figures get a little coarser; the noise that the probe measures tells.
        let _ = go_realtime(REALTIME_PRIORITY);
        while !self.wait() {
            // One moment for all that has come: what happened on both hosts while this thread slept keeps no order,
            // and must not become a time with two owners.
            let now = boot_nanos();
            let mut observed = lock(&self.observed);
            while self
                .ears
                .iter_mut()
                .try_fold(false, |any, ears| ears.listen(now, &mut observed).map(|one| one | any))?
            {}
        }
        Ok(())
    }

    /// Sleeps until there is something to read, and tells whether it is time to stop.
    fn wait(&self) -> bool {
        let [a, b] = &self.ears;
        let sources = [self.stop.as_fd(), a.monitor.as_fd(), a.capture.as_fd(), b.monitor.as_fd(), b.capture.as_fd()];
        let mut sources = sources.map(|source| PollFd::new(source, PollFlags::POLLIN));
        // An error of the poll only makes the round an empty one.
        let _ = poll(&mut sources, PollTimeout::NONE);
        sources[0].any().unwrap_or(false)
    }
}

impl Ears {
    /// Tells whether this is the virtual address where clients find it.
    fn counts(&self, known: &LinkAddress) -> bool {
        known.address == IpAddr::V4(VIRTUAL_ADDRESS) && known.index == self.interface
    }

    /// Takes in what has come, and tells whether there was anything.
    fn listen(&mut self, now: u64, observed: &mut Observed) -> Result<bool, DrillError> {
        let mut any = false;
        while let Some(event) = self.monitor.next_event()? {
            any = true;
            let held = match event {
                MonitorEvent::Address(change) if self.counts(&change.address) => true,
                MonitorEvent::AddressGone(change) if self.counts(&change.address) => false,
                MonitorEvent::Overrun => return Err(DrillError::Overrun(self.side)),
                MonitorEvent::Address(_)
                | MonitorEvent::AddressGone(_)
                | MonitorEvent::Link(_)
                | MonitorEvent::LinkGone { .. } => continue,
            };
            observed.host_mut(self.side).ownership.record(held, now);
        }
        loop {
            match self.capture.next_frame() {
                Ok(Some(frame)) => {
                    any = true;
                    take_in(self.side, &frame, observed);
                }
                Ok(None) => return Ok(any),
                Err(source) => return Err(DrillError::System { doing: "overhear a host", source }),
            }
        }
    }
}

/// Records what one host sent or heard.
fn take_in(ears: Side, frame: &Frame<'_>, observed: &mut Observed) {
    let Some(ethernet) = EthernetPacket::new(frame.bytes) else { return };
    let Some(sender) = Side::BOTH.into_iter().find(|side| ethernet.get_source().octets() == side.mac()) else { return };
    let to = ethernet.get_destination();
    // A switch also passes on what is for nobody that it knows.
    let arrives = sender == ears || to.octets() == ears.mac() || to.is_multicast();
    let (at, host) = (frame.at, observed.host_mut(ears));
    match ethernet.get_ethertype() {
        EtherTypes::Ipv4 if arrives => {
            let Some(priority) = Ipv4Packet::new(ethernet.payload()).and_then(|ip| priority(&ip)) else { return };
            let advertisements = if sender == ears { &mut host.sent } else { &mut host.heard };
            advertisements.push(Advertisement { at, priority });
        }
        EtherTypes::Arp if sender == ears && is_announcement(ethernet.payload()) => host.announcements.push(at),
        _ => {}
    }
}

/// Reads the priority of an advertisement (RFC 9568 §5.2); the rest is the agents' business.
fn priority(ip: &Ipv4Packet<'_>) -> Option<Priority> {
    ip.payload().get(2).copied().map(Priority::new)
}

fn is_announcement(arp: &[u8]) -> bool {
    ArpPacket::new(arp).is_some_and(|arp| {
        arp.get_operation() == ArpOperations::Request
            && arp.get_sender_proto_addr() == VIRTUAL_ADDRESS
            && arp.get_target_proto_addr() == VIRTUAL_ADDRESS
    })
}
