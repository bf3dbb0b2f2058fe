//! A third host that wants the address: it floods both nodes with forged and recorded advertisements.

use core::time::Duration;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vrrp_packet::Interval;

use super::DrillError;
use super::forgery::Forgery;
use super::lab::{Host, Lab};
use super::patience::Patience;
use super::plan::{ATTACKER, Side};
use crate::net::{Capture, FrameSocket, Timer, Wake, boot_nanos};

/// How many packets it sends in a millisecond.
const PACKETS_PER_MS: u64 = 50;
const MILLISECOND: u64 = 1_000_000;
/// How many frames of each node it has recorded.
const RECORDED: usize = 2;
/// How often it signs anew: its packets are to be of the right time.
const SIGN_EVERY: u64 = 500 * MILLISECOND;

/// Is connected and knows what to send.
pub(super) struct Attacker {
    host: Host,
    forgery: Forgery,
    recorded: Vec<Vec<u8>>,
}

/// Is sending.
pub(super) struct Flood {
    _host: Host,
    stop: Arc<Wake>,
    thread: Option<JoinHandle<io::Result<io::Result<u64>>>>,
}

impl Attacker {
    /// Connects it to the switch and records what the nodes send for some intervals.
    pub(super) fn connect(lab: &mut Lab, forgery: Forgery, patience: &Patience) -> Result<Self, DrillError> {
        let host = lab.connect_attacker(patience)?;
        let mut recorded = Vec::new();
        for side in Side::BOTH {
            recorded.extend(record(lab, side, forgery.interval, patience)?);
        }
        Ok(Self { host, forgery, recorded })
    }

    /// Begins to flood.
    pub(super) fn begin(self) -> Result<Flood, DrillError> {
        let failed = |source| DrillError::System { doing: "start the attacker", source };
        let stop = Arc::new(Wake::new().map_err(failed)?);
        let Self { host, forgery, recorded } = self;
        let (told, index) = (Arc::clone(&stop), host.interface);
        let thread = host.namespace.spawn_thread("attacker", move || flood(forgery, &recorded, index, &told));
        Ok(Flood { _host: host, stop, thread: Some(thread.map_err(failed)?) })
    }
}

impl Flood {
    /// Stops and returns how many packets a second were sent.
    pub(super) fn finish(mut self, load: Duration) -> Result<u64, DrillError> {
        self.stop.notify();
        let Some(thread) = self.thread.take() else { return Ok(0) };
        let sent = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).flatten();
        let sent = sent.map_err(|source| DrillError::System { doing: "forge packets", source })?;
        Ok(sent * 1000 / u64::try_from(load.as_millis()).unwrap_or(u64::MAX).max(1))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.notify();
    }
}

/// Sends frames in turn, so many in each millisecond, and returns how many.
fn flood(forgery: Forgery, recorded: &[Vec<u8>], index: u32, stop: &Wake) -> io::Result<u64> {
    let socket = FrameSocket::open()?;
    let timer = Timer::new()?;
    let (start, mut sent) = (boot_nanos(), 0);
    let (mut frames, mut signed, mut next) = (Vec::new(), 0, 0);
    loop {
        if boot_nanos() >= signed + SIGN_EVERY {
            signed = boot_nanos();
            frames = forgery.frames();
            frames.extend_from_slice(recorded);
        }
        let due = (boot_nanos() - start) / MILLISECOND * PACKETS_PER_MS;
        // What a busy machine could not send in time is not sent afterwards in one burst.
        sent = sent.max(due.saturating_sub(PACKETS_PER_MS * 20));
        let mut taken = 0;
        for _ in sent..due {
            next = (next + 1) % frames.len().max(1);
            // A full queue drops what comes, as it should.
            taken += u64::from(frames.get(next).is_some_and(|frame| socket.send(index, frame).is_ok()));
        }
        sent += taken;
        timer.arm(Some(boot_nanos() + MILLISECOND))?;
        let mut sources = [PollFd::new(stop.as_fd(), PollFlags::POLLIN), PollFd::new(timer.as_fd(), PollFlags::POLLIN)];
        poll(&mut sources, PollTimeout::NONE)?;
        if sources[0].any().unwrap_or(false) {
            return Ok(sent);
        }
        timer.drain();
    }
}

/// Records some advertisements of a node, to be sent again under the attacker's own Ethernet address.
fn record(lab: &Lab, of: Side, interval: Interval, patience: &Patience) -> Result<Vec<Vec<u8>>, DrillError> {
    let failed = |source| DrillError::System { doing: "record advertisements", source };
    let host = lab.host(of);
    let mut capture = host.namespace.enter(|| Capture::open(host.interface))?.map_err(failed)?;
    patience.rest(interval.duration() * 3)?;
    let mut frames = Vec::new();
    while let Some(frame) = capture.next_frame().map_err(failed)? {
        let mut bytes = frame.bytes.to_vec();
        let is_advertisement = bytes.get(12..14) == Some(&[8, 0]) && bytes.get(6..12) == Some(&of.mac());
        if is_advertisement && frames.len() < RECORDED {
            bytes[6..12].copy_from_slice(&ATTACKER.mac);
            frames.push(bytes);
        }
    }
    Ok(frames)
}
