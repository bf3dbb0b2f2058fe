//! Sends whole Ethernet frames: gratuitous ARP. It hears nothing.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use socket2::{Domain, Socket, Type};

/// The length of an Ethernet header; a shorter frame is none.
const ETHERNET_HEADER: usize = 14;
/// The highest queueing priority that needs no privilege.
const PRIORITY: u32 = 6;

/// Sends Ethernet frames on any interface of the network namespace it was made in.
#[derive(Debug)]
pub struct FrameSocket(Socket);

impl FrameSocket {
    /// Opens a non-blocking socket.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        // Protocol 0 receives nothing, so that no frame of others is ever copied to us.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        socket.set_priority(PRIORITY)?;
        Ok(Self(socket))
    }

    /// Sends a whole frame, Ethernet header included, on the interface with this index. Never blocks, never allocates.
    ///
    /// # Errors
    /// `InvalidInput` for less than an Ethernet header; else what the kernel says: `ENXIO` where the interface is gone,
    /// `ENETDOWN`, `WouldBlock` where its queue is full.
    pub fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        let Some((header, _)) = frame.split_first_chunk::<ETHERNET_HEADER>() else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        };
        let [.., type_high, type_low] = *header;
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as libc::c_ushort,
            // Queueing disciplines and firewalls go by this, not by the frame.
            sll_protocol: u16::from_ne_bytes([type_high, type_low]),
            sll_ifindex: index.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: `frame` and `address` live until the call returns, and their sizes are given as they are.
        let sent = unsafe {
            libc::sendto(
                self.0.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                libc::MSG_DONTWAIT,
                (&raw const address).cast(),
                size_of_val(&address) as libc::socklen_t,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl From<OwnedFd> for FrameSocket {
    /// Takes a socket that [`FrameSocket::open`] made in another process.
    fn from(descriptor: OwnedFd) -> Self {
        Self(Socket::from(descriptor))
    }
}

impl AsFd for FrameSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use nix::net::if_::if_nametoindex;
    use socket2::Protocol;

    use super::*;
    use crate::net::testing::{Cable, becomes_readable, in_namespace};

    /// An EtherType that is free for experiments (IEEE 802).
    const EXPERIMENT: u16 = 0x88b5;

    #[test]
    fn a_frame_arrives_as_it_was_given() {
        in_namespace(|| {
            let cable = Cable::lay();
            let protocol = Protocol::from(i32::from(EXPERIMENT.to_be()));
            let receiver = cable.at_far_end(|| Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap());
            let mut frame = vec![0xff; 6];
            frame.extend([2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
            frame.extend([7; 46]);

            FrameSocket::open().unwrap().send(if_nametoindex("near").unwrap(), &frame).unwrap();

            assert!(becomes_readable(&receiver));
            let mut heard = [0; 128];
            let length = nix::sys::socket::recv(receiver.as_raw_fd(), &mut heard, nix::sys::socket::MsgFlags::empty());
            assert_eq!(&heard[..length.unwrap()], frame);
        });
    }

    #[test]
    fn less_than_a_header_and_a_missing_interface_are_refused() {
        in_namespace(|| {
            let socket = FrameSocket::open().unwrap();

            assert_eq!(socket.send(1, &[0; 13]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(socket.send(77, &[0; 60]).unwrap_err().raw_os_error(), Some(libc::ENXIO));
        });
    }
}
