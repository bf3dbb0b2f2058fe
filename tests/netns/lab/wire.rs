//! What passes the switch: advertisements and announcements, in one order, with the kernel's time.

use core::time::Duration;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use vipd::net::{FrameSocket, Namespace};
use vrrp_packet::{Advertisement, ChecksumForm, IpHeader};

use super::{Node, PATIENCE, wait_until};

/// Holds more than any test makes.
const RECEIVE_BUFFER: usize = 16 << 20;
/// How long a receive waits before the deadline is looked at.
const TICK: Duration = Duration::from_millis(50);
/// The index of `lo`, which is the first interface of every network namespace.
const LOOPBACK: u32 = 1;

/// Tells of one frame that a host sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    /// When it passed the switch, since 1970.
    pub(crate) at: Duration,
    /// The host that sent it.
    pub(crate) host: u8,
    /// What it was.
    pub(crate) what: Sight,
}

/// Says what a frame was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sight {
    /// An advertisement that can be read.
    Advertisement { vrid: u8, version: u8, priority: u8, destination: IpAddr, first: IpAddr, checksum: ChecksumForm },
    /// A gratuitous ARP request or an unsolicited Neighbor Advertisement.
    Announcement(IpAddr),
    /// Anything else.
    Other,
}

impl Seen {
    pub(crate) fn is_advertisement_of(&self, node: &Node) -> bool {
        self.host == node.host() && matches!(self.what, Sight::Advertisement { .. })
    }

    pub(crate) fn is_farewell_of(&self, node: &Node) -> bool {
        self.host == node.host() && matches!(self.what, Sight::Advertisement { priority: 0, .. })
    }

    pub(crate) fn is_announcement_of(&self, node: &Node) -> bool {
        self.host == node.host() && matches!(self.what, Sight::Announcement(_))
    }
}

/// Hears everything that hosts send.
pub(crate) struct Wire {
    socket: Socket,
    bridge: u32,
}

impl Wire {
    pub(super) fn tap(switch: &Namespace, bridge: u32) -> Self {
        let everything = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let open = || Socket::new(Domain::PACKET, Type::RAW, Some(everything)).unwrap();
        let socket = switch.enter(open).unwrap();
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).unwrap();
        setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).unwrap();
        socket.set_read_timeout(Some(TICK)).unwrap();
        let wire = Self { socket, bridge };
        wire.wait_for_timestamps(switch);
        wire
    }

    /// Waits until the kernel stamps frames when they pass: it begins some time after it was asked to, and until then the
    /// time of a frame is the moment in which it is read.
    #[expect(clippy::disallowed_methods, reason = "the kernel's stamps are of this clock")]
    fn wait_for_timestamps(&self, switch: &Namespace) {
        let frames = switch.enter(FrameSocket::open).unwrap().unwrap();
        wait_until("the kernel stamps frames", || {
            frames.send(LOOPBACK, &[0; 60]).unwrap();
            let sent = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            self.receive_any(&mut [0; 64], MsgFlags::empty()).is_some_and(|(_, _, at)| at <= sent)
        });
    }

    /// Waits for a frame that is as wanted.
    pub(crate) fn wait_for(&mut self, what: &str, wanted: impl FnMut(&Seen) -> bool) -> Seen {
        self.until(what, wanted).pop().unwrap()
    }

    /// Waits for a frame that is as wanted; returns it, and before it all that came before.
    pub(crate) fn until(&mut self, what: &str, mut wanted: impl FnMut(&Seen) -> bool) -> Vec<Seen> {
        let deadline = Instant::now() + PATIENCE;
        let mut all = Vec::new();
        loop {
            if let Some(seen) = self.receive(MsgFlags::empty()) {
                all.push(seen);
                if wanted(&all[all.len() - 1]) {
                    return all;
                }
            }
            assert!(Instant::now() < deadline, "not seen on the wire: {what}; last seen: {:?}", all.last());
        }
    }

    /// Does something again and again until a frame is as wanted.
    pub(crate) fn until_repeated(&mut self, what: &str, mut act: impl FnMut(), wanted: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.so_far().iter().any(&wanted) {
            assert!(Instant::now() < deadline, "not seen on the wire: {what}");
            act();
            std::thread::sleep(TICK);
        }
    }

    /// Waits for the next advertisement of a host and returns the whole frame.
    pub(crate) fn record(&mut self, node: &Node) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "node {} advertises nothing", node.host());
            let mut buffer = [0; 2048];
            let Some((length, _, at)) = self.receive_any(&mut buffer, MsgFlags::empty()) else { continue };
            if understand(&buffer[..length], at).is_advertisement_of(node) {
                return buffer[..length].to_vec();
            }
        }
    }

    /// Returns what has come so far.
    pub(crate) fn so_far(&mut self) -> Vec<Seen> {
        core::iter::from_fn(|| self.receive(MsgFlags::MSG_DONTWAIT)).collect()
    }

    /// Waits a moment for a frame from an Ethernet address whose last byte is this one's.
    pub(super) fn hears(&self, mac: [u8; 6]) -> bool {
        self.receive(MsgFlags::empty()).is_some_and(|seen| seen.host == mac[5])
    }

    /// Receives the next frame that a host sent; `None`: there is none.
    fn receive(&self, flags: MsgFlags) -> Option<Seen> {
        loop {
            let mut buffer = [0; 2048];
            let (length, port, at) = self.receive_any(&mut buffer, flags)?;
            // What the switch itself passes on was seen when it came in.
            let passed_on = port.pkttype() == libc::PACKET_OUTGOING || port.ifindex() == self.bridge as usize;
            if !passed_on && port.ifindex() != LOOPBACK as usize {
                return Some(understand(&buffer[..length], at));
            }
        }
    }

    fn receive_any(&self, buffer: &mut [u8], flags: MsgFlags) -> Option<(usize, LinkAddr, Duration)> {
        let mut buffers = [IoSliceMut::new(buffer)];
        let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
        let received = recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut buffers, Some(&mut space), flags).ok()?;
        let at = received.cmsgs().unwrap().find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
            _ => None,
        });
        Some((received.bytes, received.address.unwrap(), at.unwrap()))
    }
}

fn understand(frame: &[u8], at: Duration) -> Seen {
    let host = frame[11];
    let what = match (&frame[12..14], &frame[14..]) {
        ([0x08, 0x00], packet) => ipv4(packet),
        ([0x86, 0xdd], packet) => ipv6(packet),
        ([0x08, 0x06], packet) => arp(packet),
        _ => None,
    };
    Seen { at, host, what: what.unwrap_or(Sight::Other) }
}

fn ipv4(packet: &[u8]) -> Option<Sight> {
    let header = packet.first_chunk::<20>()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let address = |at: usize| IpAddr::from(Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]));
    let ip = IpHeader { source: address(12), destination: address(16), hop_limit: header[8] };
    (header[9] == 112).then(|| advertisement(packet.get(20..length)?, &ip))?
}

fn ipv6(packet: &[u8]) -> Option<Sight> {
    let (header, payload) = packet.split_first_chunk::<40>()?;
    let payload = payload.get(..usize::from(u16::from_be_bytes([header[4], header[5]])))?;
    let address = |at: usize| Some(IpAddr::from(Ipv6Addr::from(*header[at..].first_chunk::<16>()?)));
    let ip = IpHeader { source: address(8)?, destination: address(24)?, hop_limit: header[7] };
    match (header[6], payload) {
        (112, _) => advertisement(payload, &ip),
        // RFC 4861 §4.4: type 136, with Solicited clear.
        (58, [136, _, _, _, flags, _, _, _, target @ ..]) if flags & 0x40 == 0 => {
            Some(Sight::Announcement(Ipv6Addr::from(*target.first_chunk::<16>()?).into()))
        }
        _ => None,
    }
}

fn advertisement(payload: &[u8], ip: &IpHeader) -> Option<Sight> {
    let read = Advertisement::parse(payload, ip).ok()?;
    Some(Sight::Advertisement {
        vrid: read.vrid().get(),
        version: read.version().number(),
        priority: read.priority().get(),
        destination: ip.destination,
        first: read.addresses().iter().next()?,
        checksum: read.checksum(),
    })
}

fn arp(packet: &[u8]) -> Option<Sight> {
    let (sender, target) = (packet.get(14..18)?, packet.get(24..28)?);
    let sender: [u8; 4] = sender.try_into().ok()?;
    (packet.get(6..8)? == [0, 1] && sender == target).then(|| Sight::Announcement(Ipv4Addr::from(sender).into()))
}
