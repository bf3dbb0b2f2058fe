//! What is on the survivor's wire, with the kernel's time of each frame.

use core::time::Duration;
use std::io::{self, IoSliceMut};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use crate::pair::{Lab, Side};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const IP_PROTOCOL_VRRP: u8 = 112;
/// Room for some thousand frames: they are read between two steps of a run, not as they come.
const BUFFER: usize = 8 << 20;

/// Describes a frame that says something about the Virtual Router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    /// When the kernel saw it, since 1970.
    pub(crate) at: Duration,
    /// Whether the node sent it; else it came from the other one.
    pub(crate) own: bool,
    /// What it is.
    pub(crate) kind: Kind,
}

/// Names what the measurement looks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// An advertisement.
    Advertisement { priority: u8 },
    /// A gratuitous ARP.
    Announcement { address: Ipv4Addr },
}

/// Captures on one node from the moment it is opened.
pub(crate) struct Capture {
    socket: Socket,
    frames: Vec<Frame>,
}

impl Capture {
    /// Opens the capture in a node's namespace, for frames in both directions.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn open(lab: &Lab, side: Side) -> anyhow::Result<Self> {
        let everything = Protocol::from(i32::from(u16::try_from(libc::ETH_P_ALL)?.to_be()));
        let open = || Socket::new(Domain::PACKET, Type::RAW, Some(everything));
        let socket = lab.node(side).enter(open)?.context("capture")?;
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(BUFFER)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        Ok(Self { socket, frames: Vec::new() })
    }

    /// Waits until the frames seen so far hold an answer.
    ///
    /// # Errors
    /// That there was none within the time, or that the capture failed.
    pub(crate) fn wait_for<T>(
        &mut self,
        what: &str,
        within: Duration,
        answer: impl Fn(&[Frame]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + within;
        loop {
            self.read()?;
            if let Some(answer) = answer(&self.frames) {
                return Ok(answer);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            anyhow::ensure!(!left.is_zero(), "no {what} within {within:?}");
            let mut sources = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            poll(&mut sources, PollTimeout::try_from(left + Duration::from_millis(1))?)?;
        }
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 2048];
        let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
        loop {
            let mut buffers = [IoSliceMut::new(&mut bytes)];
            let message =
                match recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut buffers, Some(&mut control), MsgFlags::empty())
                {
                    Ok(message) => message,
                    Err(errno) if io::Error::from(errno).kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Err(errno) => return Err(errno.into()),
                };
            let at = message.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
                _ => None,
            });
            let at = at.context("the kernel gave no time with a frame")?;
            let own = message.address.is_some_and(|address| address.pkttype() == libc::PACKET_OUTGOING);
            let length = message.bytes;
            self.frames.extend(understand(&bytes[..length]).map(|kind| Frame { at, own, kind }));
        }
    }
}

fn understand(frame: &[u8]) -> Option<Kind> {
    let (ethernet, payload) = frame.split_first_chunk::<14>()?;
    match u16::from_be_bytes([ethernet[12], ethernet[13]]) {
        ETHERTYPE_IPV4 => {
            let (header, _) = payload.split_first_chunk::<20>()?;
            let length = usize::from(header[0] & 0x0f) * 4;
            let priority = *payload.get(length + 2)?;
            (header[9] == IP_PROTOCOL_VRRP).then_some(Kind::Advertisement { priority })
        }
        ETHERTYPE_ARP => {
            let (arp, _) = payload.split_first_chunk::<28>()?;
            let (sender, target) = (&arp[14..18], &arp[24..28]);
            let address = Ipv4Addr::new(arp[14], arp[15], arp[16], arp[17]);
            (sender == target).then_some(Kind::Announcement { address })
        }
        _ => None,
    }
}
