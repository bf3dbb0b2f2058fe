//! The yardsticks: a loop that does nothing but keep time, and one that sends and receives the same packets.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vipd::net::{GROUP_V4, Netlink, Timer, VrrpSocket, boot_nanos, go_realtime};
use vrrp_packet::{ChecksumForm, Family, Interval, IpHeader, Outgoing, Priority, Version, Vrid};

use crate::agent::{Cost, task_cost};
use crate::lab::{Lab, Side, interface};
use crate::shape::Shape;

/// The agents' own.
const REALTIME_PRIORITY: u8 = 50;

/// Runs a loop on a thread of its own until it is asked for its outcome.
pub(crate) struct Loop<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<T>>,
}

impl<T: Send + 'static> Loop<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::Builder::new().name("bare".to_owned()).spawn(move || work(&told))?;
        Ok(Self { stop, thread })
    }

    /// Stops the loop and returns what it came to.
    ///
    /// # Errors
    /// What kept it from running.
    pub(crate) fn finish(self) -> anyhow::Result<T> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Ticks under SCHED_FIFO and returns when it did, in nanoseconds since boot.
///
/// # Errors
/// That there is no thread or no timer.
pub(crate) fn metronome(period: Duration) -> anyhow::Result<Loop<Vec<u64>>> {
    Loop::start(move |stop| {
        // Without permission the agents have none either.
        let _ = go_realtime(REALTIME_PRIORITY);
        let (timer, mut due, mut ticks) = (Timer::new()?, boot_nanos(), Vec::new());
        while !stop.load(Ordering::Relaxed) {
            due += u64::try_from(period.as_nanos())?;
            timer.arm(Some(due))?;
            poll(&mut [PollFd::new(timer.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
            ticks.push(boot_nanos());
            timer.drain();
        }
        Ok(ticks)
    })
}

/// Sends what a node with these routers sends, all of an interval in one go, and returns what that cost.
///
/// # Errors
/// That there is no thread or no socket.
pub(crate) fn sender(lab: &Lab, shape: Shape) -> anyhow::Result<Loop<Cost>> {
    let (socket, source) = (socket(lab, Side::Left)?, IpAddr::V4(Side::Left.address(0)));
    let packets: Vec<Vec<u8>> = (1..=shape.routers).filter_map(|vrid| packet(source, vrid, shape.interval)).collect();
    Loop::start(move |stop| {
        let _ = go_realtime(REALTIME_PRIORITY);
        let (timer, mut due) = (Timer::new()?, boot_nanos());
        while !stop.load(Ordering::Relaxed) {
            due += u64::try_from(shape.interval.as_nanos())?;
            timer.arm(Some(due))?;
            poll(&mut [PollFd::new(timer.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
            timer.drain();
            for packet in &packets {
                // What the interface's queue does not take is not sent by the agents either.
                let _ = socket.send(source, GROUP_V4.into(), packet);
            }
        }
        task_cost(Path::new("/proc/thread-self"))
    })
}

/// Receives what [`sender`] sends, and returns what that cost.
///
/// # Errors
/// That there is no thread or no socket.
pub(crate) fn receiver(lab: &Lab) -> anyhow::Result<Loop<Cost>> {
    let socket = socket(lab, Side::Right)?;
    Loop::start(move |stop| {
        let _ = go_realtime(REALTIME_PRIORITY);
        let mut buffer = vec![0; 8192];
        while !stop.load(Ordering::Relaxed) {
            poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], PollTimeout::from(100_u8))?;
            while socket.receive(&mut buffer)?.is_some() {}
        }
        task_cost(Path::new("/proc/thread-self"))
    })
}

fn socket(lab: &Lab, side: Side) -> anyhow::Result<VrrpSocket> {
    let name = interface(0);
    let index = vipd::net::link::index_of(&mut Netlink::open_in(lab.node(side))?, &name)?.unwrap_or_default();
    let socket = lab.node(side).enter(|| VrrpSocket::open(&name, index, Family::Ipv4, true))??;
    socket.set_filter(&(1..=u8::MAX).filter_map(Vrid::new).collect::<Vec<_>>())?;
    Ok(socket)
}

fn packet(source: IpAddr, vrid: u8, interval: Duration) -> Option<Vec<u8>> {
    let outgoing = Outgoing {
        version: Version::V3,
        vrid: Vrid::new(vrid)?,
        priority: Priority::new(200),
        interval: Interval::from_centis(u16::try_from(interval.as_millis() / 10).ok()?)?,
        addresses: &[source],
        checksum: ChecksumForm::PseudoHeader,
        password: None,
    };
    let ip = IpHeader { source, destination: GROUP_V4.into(), hop_limit: u8::MAX };
    let mut bytes = Vec::new();
    outgoing.emit_into(&ip, &mut bytes).ok()?;
    Some(bytes)
}
