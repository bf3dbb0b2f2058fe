//! A third host that wants the address: it forges advertisements, replays recorded ones, and floods both nodes.

use core::time::Duration;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv4::{MutableIpv4Packet, checksum};
use vrrp_packet::{ChecksumForm, IP_PROTOCOL, Interval, IpHeader, Outgoing, Priority, Vrid};

use super::DrillError;
use super::configuration::Transport;
use super::lab::{Host, Lab};
use super::patience::Patience;
use super::plan::{ATTACKER, Side, VERSION, VIRTUAL_ADDRESS, VRID};
use crate::net::{Capture, FrameSocket, GROUP_V4, Timer, Wake, boot_nanos};

/// How many packets it sends in a millisecond.
const PACKETS_PER_MS: u64 = 50;
const MILLISECOND: u64 = 1_000_000;
/// How many frames of each node it has recorded.
const RECORDED: usize = 8;
const ETHERNET_HEADER: usize = 14;
const IPV4_HEADER: usize = 20;
/// The group's Ethernet address (RFC 1112 §6.4).
const GROUP_MAC: [u8; 6] = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x12];

/// Is connected and has its frames ready.
pub(super) struct Attacker {
    host: Host,
    frames: Vec<Vec<u8>>,
}

/// Is sending.
pub(super) struct Flood {
    _host: Host,
    stop: Arc<Wake>,
    thread: Option<JoinHandle<io::Result<io::Result<u64>>>>,
}

impl Attacker {
    /// Connects it to the switch and records what the nodes send for some intervals.
    pub(super) fn connect(
        lab: &mut Lab,
        interval: Interval,
        transport: Transport,
        patience: &Patience,
    ) -> Result<Self, DrillError> {
        let host = lab.connect_attacker(patience)?;
        let mut frames = Vec::new();
        for target in Side::BOTH {
            frames.extend(forged(target, interval, transport));
            frames.extend(record(lab, target.other(), interval, patience)?);
        }
        Ok(Self { host, frames })
    }

    /// Begins to flood.
    pub(super) fn begin(self) -> Result<Flood, DrillError> {
        let failed = |source| DrillError::System { doing: "start the attacker", source };
        let stop = Arc::new(Wake::new().map_err(failed)?);
        let (told, frames, index) = (Arc::clone(&stop), self.frames, self.host.interface);
        let thread = self.host.namespace.spawn_thread("attacker", move || flood(&frames, index, &told));
        Ok(Flood { _host: self.host, stop, thread: Some(thread.map_err(failed)?) })
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
fn flood(frames: &[Vec<u8>], index: u32, stop: &Wake) -> io::Result<u64> {
    let socket = FrameSocket::open()?;
    let timer = Timer::new()?;
    let (start, mut sent) = (boot_nanos(), 0);
    let mut frames = frames.iter().cycle();
    loop {
        let due = (boot_nanos() - start) / MILLISECOND * PACKETS_PER_MS;
        // What a busy machine could not send in time is not sent afterwards in one burst.
        sent = sent.max(due.saturating_sub(PACKETS_PER_MS * 20));
        let mut taken = 0;
        for frame in frames.by_ref().take(usize::try_from(due - sent).unwrap_or(0)) {
            // A full queue drops what comes, as it should.
            taken += u64::from(socket.send(index, frame).is_ok());
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

/// Makes advertisements that would each move the role, or keep others from taking it.
fn forged(target: Side, interval: Interval, transport: Transport) -> Vec<Vec<u8>> {
    let longest = Interval::from_centis(Interval::MAX_CENTIS).unwrap_or(interval);
    let kinds = [(255, interval), (250, interval), (0, interval), (250, longest)];
    let frames = kinds.into_iter().filter_map(|(priority, interval)| {
        let (mac, destination) = match transport {
            Transport::Unicast => (target.mac(), target.address()),
            Transport::Multicast => (GROUP_MAC, GROUP_V4),
        };
        let ip = IpHeader { source: IpAddr::V4(ATTACKER.address), destination: destination.into(), hop_limit: 255 };
        let outgoing = Outgoing {
            version: VERSION,
            vrid: Vrid::new(VRID)?,
            priority: Priority::new(priority),
            interval,
            addresses: &[IpAddr::V4(VIRTUAL_ADDRESS)],
            checksum: ChecksumForm::PseudoHeader,
            password: None,
        };
        let mut payload = Vec::new();
        outgoing.emit_into(&ip, &mut payload).ok()?;
        frame(mac, ATTACKER.address, destination, &payload)
    });
    frames.collect()
}

/// Wraps an advertisement.
fn frame(to: [u8; 6], source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; ETHERNET_HEADER + IPV4_HEADER + payload.len()];
    let mut ethernet = MutableEthernetPacket::new(&mut bytes)?;
    ethernet.set_destination(to.into());
    ethernet.set_source(ATTACKER.mac.into());
    ethernet.set_ethertype(EtherTypes::Ipv4);
    let mut ip = MutableIpv4Packet::new(bytes.get_mut(ETHERNET_HEADER..)?)?;
    ip.set_version(4);
    ip.set_header_length(5);
    ip.set_total_length(u16::try_from(IPV4_HEADER + payload.len()).ok()?);
    ip.set_ttl(255);
    ip.set_next_level_protocol(IpNextHeaderProtocol(IP_PROTOCOL));
    ip.set_source(source);
    ip.set_destination(destination);
    ip.set_payload(payload);
    let sum = checksum(&ip.to_immutable());
    ip.set_checksum(sum);
    Some(bytes)
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
