//! Notifications of the kernel: links and addresses that come, change and go.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use netlink_packet_route::RouteNetlinkMessage;
use nix::errno::Errno;

use super::codec::{Answer, Datagram};
use super::error::NetlinkError;
use super::socket;
use crate::net::link::{Link, LinkAddress};

/// Chooses what a [`Monitor`] hears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Groups(u32);

impl Groups {
    /// Links.
    pub const LINK: Self = Self(0x1);
    /// IPv4 addresses.
    pub const IPV4_ADDRESS: Self = Self(0x10);
    /// IPv6 addresses.
    pub const IPV6_ADDRESS: Self = Self(0x100);
    /// Links and the addresses of both families.
    pub const ALL: Self = Self(0x111);

    pub(super) const fn empty() -> Self {
        Self(0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

/// Holds one change of an address, and who made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The address as it is now, or was.
    pub address: LinkAddress,
    /// The [`super::Netlink::port`] that asked for the change; 0: the kernel itself, such as at the end of a lifetime.
    pub by: u32,
}

/// Tells of one change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MonitorEvent {
    /// A link is new or changed. Its address list is empty here.
    Link(Link),
    /// A link is gone, and all its addresses with it.
    LinkGone {
        /// The index that it had.
        index: u32,
    },
    /// An address is new, changed or renewed.
    Address(Change),
    /// An address is gone.
    AddressGone(Change),
    /// The kernel dropped notifications: only a dump tells what holds now.
    Overrun,
}

/// Hears of changes in the network namespace that it was opened in; never blocks.
#[derive(Debug)]
pub struct Monitor {
    socket: OwnedFd,
    buffer: Vec<u8>,
    /// The part of the buffer that has not been read yet.
    unread: core::ops::Range<usize>,
}

impl Monitor {
    /// Subscribes in the network namespace of the calling thread.
    ///
    /// # Errors
    /// What the kernel says, in practice only that the process has too many files open.
    pub fn open(groups: Groups) -> io::Result<Self> {
        Ok(Self { socket: socket::open(groups, true)?, buffer: vec![0; socket::BUFFER], unread: 0..0 })
    }

    /// Returns the next change; `None` where there is none now.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn next_event(&mut self) -> Result<Option<MonitorEvent>, NetlinkError> {
        loop {
            if let Some(event) = self.next_unread() {
                return Ok(Some(event));
            }
            match socket::receive(self.socket.as_fd(), &mut self.buffer) {
                Ok(length) => self.unread = 0..length,
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::ENOBUFS) => return Ok(Some(MonitorEvent::Overrun)),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(NetlinkError::Socket(errno.into())),
            }
        }
    }

    fn next_unread(&mut self) -> Option<MonitorEvent> {
        while !self.unread.is_empty() {
            let mut datagram = Datagram::new(&self.buffer[self.unread.clone()]);
            let Some(message) = datagram.next() else {
                self.unread = 0..0;
                return None;
            };
            self.unread.start = self.unread.end - datagram.rest();
            let by = message.header.port_number;
            if let Answer::Content(content) = message.answer()
                && let Some(event) = understand(&content, by)
            {
                return Some(event);
            }
        }
        None
    }
}

fn understand(content: &RouteNetlinkMessage, by: u32) -> Option<MonitorEvent> {
    match content {
        RouteNetlinkMessage::NewLink(link) => Link::read(link).map(MonitorEvent::Link),
        RouteNetlinkMessage::DelLink(link) => {
            // A bridge tells of a port that leaves it in the same words, but of its own family.
            let whole = link.header.interface_family == netlink_packet_route::AddressFamily::Unspec;
            whole.then_some(MonitorEvent::LinkGone { index: link.header.index })
        }
        RouteNetlinkMessage::NewAddress(address) => {
            LinkAddress::read(address).map(|address| MonitorEvent::Address(Change { address, by }))
        }
        RouteNetlinkMessage::DelAddress(address) => {
            LinkAddress::read(address).map(|address| MonitorEvent::AddressGone(Change { address, by }))
        }
        _ => None,
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
