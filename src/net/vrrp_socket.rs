//! Raw sockets for IP protocol 112: what the election thread sends through and hears by. Nothing here reads VRRP.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, MsgHdr, Protocol, SockAddr, Socket, Type};
use vrrp_packet::{Family, Vrid};

use super::control_message::ControlMessage;
use super::filter;

/// The IP protocol number of VRRP (RFC 9568 §5.1.1.4).
const VRRP: i32 = 112;
/// Where IPv4 advertisements go over multicast (RFC 9568 §5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Where IPv6 advertisements go over multicast (RFC 9568 §5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// What every advertisement leaves with (RFC 9568 §5.1.1.3).
const HOP_LIMIT: u32 = 255;
/// Internetwork control (RFC 791 §3.1, RFC 2474 §4.2.2.2): switches that queue by class shall not drop elections.
const INTERNETWORK_CONTROL: u32 = 0xc0;
/// The highest queueing priority that needs no privilege.
const PRIORITY: u32 = 6;
/// Holds more than a thousand advertisements, should the election thread not run for a while.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Holds the advertisements of 255 routers that are due together, should the interface take its time.
const SEND_BUFFER: usize = 1 << 20;

/// Carries advertisements of one interface and address family.
#[derive(Debug)]
pub struct VrrpSocket {
    socket: Socket,
    family: Family,
    index: u32,
}

/// Carries one IP packet of protocol 112, and what its IP header said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'b> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom: one of our addresses, or the group.
    pub destination: IpAddr,
    /// TTL or Hop Limit on arrival.
    pub hop_limit: u8,
    /// The interface's index.
    pub interface: u32,
    /// What follows the IP header.
    pub payload: &'b [u8],
}

/// Says why nothing could be received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The packet was longer than the buffer, or its header was incomplete; it is gone, and the next call gets the next one.
    #[error("packet does not fit the receive buffer")]
    Truncated,
    /// The kernel refused.
    #[error("cannot receive on the VRRP socket: {0}")]
    Kernel(#[from] io::Error),
}

impl VrrpSocket {
    /// Opens a non-blocking socket on one interface, and joins the family's group where `multicast` is set.
    ///
    /// It hears nothing until [`Self::set_filter`] has been called. Without `multicast` it may still hear the group, where
    /// another socket of the host has joined it on this interface: [`Datagram::destination`] tells. It stays bound to the
    /// interface that has the name now: where that is made anew, open a new socket.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; else what the kernel says, such as `ENODEV` where the interface is
    /// gone or `ENOBUFS` where the process has joined too many groups.
    pub fn open(interface: &str, index: u32, family: Family, multicast: bool) -> io::Result<Self> {
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(VRRP)))?;
        socket.set_nonblocking(true)?;
        let socket = Self { socket, family, index };
        // From its birth a raw socket hears every interface: mute it, and empty it before it is bound to one.
        socket.set_filter(&[])?;
        socket.discard_all()?;
        socket.socket.bind_device(Some(interface.as_bytes()))?;
        match family {
            Family::Ipv4 => socket.configure_v4(multicast)?,
            Family::Ipv6 => socket.configure_v6(multicast)?,
        }
        // The order matters: setting the traffic class sets a priority of its own.
        socket.socket.set_priority(PRIORITY)?;
        // Beyond the system's maximum only with CAP_NET_ADMIN; a smaller buffer will do too.
        if setsockopt(&socket.socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        if setsockopt(&socket.socket, sockopt::SndBufForce, &SEND_BUFFER).is_err() {
            socket.socket.set_send_buffer_size(SEND_BUFFER)?;
        }
        Ok(socket)
    }

    fn configure_v4(&self, multicast: bool) -> io::Result<()> {
        self.socket.set_ttl_v4(HOP_LIMIT)?;
        self.socket.set_multicast_ttl_v4(HOP_LIMIT)?;
        self.socket.set_multicast_loop_v4(false)?;
        self.socket.set_tos_v4(INTERNETWORK_CONTROL)?;
        if multicast { self.join_group() } else { Ok(()) }
    }

    /// IPV6_CHECKSUM stays off, as it is by default for protocol 112: the parser wants to see and count a wrong checksum.
    fn configure_v6(&self, multicast: bool) -> io::Result<()> {
        self.socket.set_unicast_hops_v6(HOP_LIMIT)?;
        self.socket.set_multicast_hops_v6(HOP_LIMIT)?;
        self.socket.set_multicast_loop_v6(false)?;
        self.socket.set_tclass_v6(INTERNETWORK_CONTROL)?;
        self.socket.set_recv_hoplimit_v6(true)?;
        setsockopt(&self.socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        if multicast { self.join_group() } else { Ok(()) }
    }

    /// Joins the family's group on the socket's interface.
    ///
    /// # Errors
    /// What the kernel says: `EADDRINUSE` where the socket is a member, `ENOBUFS` where it has joined too many groups.
    pub fn join_group(&self) -> io::Result<()> {
        match self.family {
            Family::Ipv4 => self.socket.join_multicast_v4_n(&GROUP_V4, &InterfaceIndexOrAddress::Index(self.index)),
            Family::Ipv6 => self.socket.join_multicast_v6(&GROUP_V6, self.index),
        }
    }

    /// Makes the kernel drop everything but these VRIDs, in place of any earlier filter.
    ///
    /// Packets of other VRIDs cost the election thread nothing, and are therefore not counted either.
    ///
    /// # Errors
    /// What the kernel says, in practice only that there is no memory.
    pub fn set_filter(&self, vrids: &[Vrid]) -> io::Result<()> {
        self.socket.attach_filter(&filter::passing(self.family, vrids)?)
    }

    fn discard_all(&self) -> io::Result<()> {
        loop {
            match self.receive(&mut [0; 64]) {
                Ok(None) => return Ok(()),
                Ok(Some(_)) | Err(ReceiveError::Truncated) => {}
                Err(ReceiveError::Kernel(error)) => return Err(error),
            }
        }
    }

    /// Sends one packet from `source`, which must be an address of this host. Never blocks, never allocates.
    ///
    /// # Errors
    /// `WouldBlock` where the interface's queue is full; `EINVAL` or `EADDRNOTAVAIL` where the source address is not
    /// there or of another family; `ENETDOWN`, `ENETUNREACH` and whatever else the kernel says.
    pub fn send(&self, source: IpAddr, destination: IpAddr, payload: &[u8]) -> io::Result<()> {
        let control = ControlMessage::source(source, self.index);
        let address = SockAddr::from(match destination {
            IpAddr::V4(_) => SocketAddr::new(destination, 0),
            // Link-local addresses mean nothing without the interface; the kernel ignores it for all others.
            IpAddr::V6(destination) => SocketAddr::V6(SocketAddrV6::new(destination, 0, 0, self.index)),
        });
        let buffers = [IoSlice::new(payload)];
        let message = MsgHdr::new().with_addr(&address).with_buffers(&buffers).with_control(control.as_bytes());
        self.socket.sendmsg(&message, libc::MSG_DONTWAIT)?;
        Ok(())
    }

    /// Receives the next packet into `buffer`, or `None` where there is none. Never blocks, never allocates.
    ///
    /// The buffer must hold the longest payload and, for IPv4, the IP header of up to 60 bytes.
    ///
    /// # Errors
    /// [`ReceiveError::Truncated`] where the packet is longer than the buffer; it is dropped.
    pub fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<Option<Datagram<'b>>, ReceiveError> {
        let received = match self.family {
            Family::Ipv4 => self.receive_v4(buffer),
            Family::Ipv6 => self.receive_v6(buffer),
        };
        match received {
            Err(ReceiveError::Kernel(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            other => other.map(Some),
        }
    }

    /// Takes everything from the IP header, which a raw IPv4 socket hands over; no control messages are needed.
    fn receive_v4<'b>(&self, buffer: &'b mut [u8]) -> Result<Datagram<'b>, ReceiveError> {
        let length = {
            let mut buffers = [IoSliceMut::new(buffer)];
            let message = recvmsg::<()>(self.socket.as_raw_fd(), &mut buffers, None, MsgFlags::MSG_DONTWAIT)
                .map_err(io::Error::from)?;
            if message.flags.contains(MsgFlags::MSG_TRUNC) {
                return Err(ReceiveError::Truncated);
            }
            message.bytes
        };
        let packet = &buffer[..length];
        let Some((header, _)) = packet.split_first_chunk::<20>() else {
            return Err(ReceiveError::Truncated);
        };
        let [version_length, _, _, _, _, _, _, _, hop_limit, _, _, _, addresses @ ..] = *header;
        let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
        let payload = packet.get(usize::from(version_length & 0x0f) * 4..).ok_or(ReceiveError::Truncated)?;
        Ok(Datagram {
            source: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
            destination: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
            hop_limit,
            interface: self.index,
            payload,
        })
    }

    fn receive_v6<'b>(&self, buffer: &'b mut [u8]) -> Result<Datagram<'b>, ReceiveError> {
        let mut control = ControlMessage::empty();
        let (source, destination, hop_limit, length) = {
            let mut buffers = [IoSliceMut::new(buffer)];
            let descriptor = self.socket.as_raw_fd();
            let space = Some(control.as_mut_bytes());
            let message = recvmsg::<SockaddrIn6>(descriptor, &mut buffers, space, MsgFlags::MSG_DONTWAIT)
                .map_err(io::Error::from)?;
            if message.flags.contains(MsgFlags::MSG_TRUNC) {
                return Err(ReceiveError::Truncated);
            }
            let (mut destination, mut hop_limit) = (None, None);
            for control in message.cmsgs().map_err(|_| ReceiveError::Truncated)? {
                match control {
                    ControlMessageOwned::Ipv6PacketInfo(info) => {
                        destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                    }
                    ControlMessageOwned::Ipv6HopLimit(limit) => hop_limit = u8::try_from(limit).ok(),
                    _ => {}
                }
            }
            (message.address.map(|address| address.ip()), destination, hop_limit, message.bytes)
        };
        let (Some(source), Some(destination), Some(hop_limit)) = (source, destination, hop_limit) else {
            return Err(ReceiveError::Truncated);
        };
        Ok(Datagram {
            source: IpAddr::V6(source),
            destination: IpAddr::V6(destination),
            hop_limit,
            interface: self.index,
            payload: &buffer[..length],
        })
    }
}

impl AsFd for VrrpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
