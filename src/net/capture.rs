//! Overhears VRRP over IPv4 and ARP on one interface, both ways, with the kernel's own timestamps.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, SockFilter, Socket, Type};
use vrrp_packet::IP_PROTOCOL;

use super::boot_nanos;

/// Longer than every frame that passes, but for advertisements with dozens of addresses, which are cut.
const SNAP_LENGTH: usize = 256;

/// Holds the announcements of thousands of addresses.
const RECEIVE_BUFFER: usize = 32 << 20;

/// How far apart two readings of the clocks may lie, in nanoseconds, to be taken as one moment.
const CLOCKS_APART: u64 = 2_000;
/// How often the clocks are read before the closest pair of readings must do.
const CLOCK_READINGS: usize = 8;

/// Overhears one interface of the network namespace that it was opened in; never blocks.
#[derive(Debug)]
pub struct Capture {
    socket: Socket,
    buffer: [u8; SNAP_LENGTH],
}

/// Holds one frame that came or left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// When the kernel saw it, in nanoseconds since boot.
    pub at: u64,
    /// The frame from its Ethernet header on, up to 256 bytes.
    pub bytes: &'a [u8],
}

impl Capture {
    /// Begins to overhear the interface with this index.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; `ENODEV` where there is no such interface.
    pub fn open(index: u32) -> io::Result<Self> {
        // Protocol 0 hears nothing: without it, frames of all interfaces would queue until the filter is there.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        // Beyond the system's maximum only with CAP_NET_ADMIN outside of user namespaces; the default will do for a drill.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
        socket.attach_filter(&FILTER)?;
        // Only a socket for every protocol hears what leaves.
        bind(&socket, index, libc::ETH_P_ALL)?;
        Ok(Self { socket, buffer: [0; SNAP_LENGTH] })
    }

    /// Leaves out what comes from one Ethernet address, or another one that ends in the same four bytes.
    ///
    /// # Errors
    /// What the kernel says, in practice only that there is no memory.
    pub fn ignore(&self, mac: [u8; 6]) -> io::Result<()> {
        let [_, _, end @ ..] = mac;
        let mut program = vec![load(libc::BPF_W, 8), jump_if(u32::from_be_bytes(end), 0, 1), answer(0)];
        program.extend(FILTER);
        self.socket.attach_filter(&program)
    }

    /// Returns the next frame; `None` where there is none now.
    ///
    /// # Errors
    /// What the kernel says, such as `ENETDOWN` where the interface has gone down.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame<'_>>> {
        let mut space = nix::cmsg_space!(TimeSpec);
        let mut parts = [IoSliceMut::new(&mut self.buffer)];
        let received = loop {
            match recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_DONTWAIT) {
                Ok(received) => break received,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        };
        let stamp = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
            _ => None,
        });
        let length = received.bytes;
        let at = stamp.map_or_else(boot_nanos, since_boot);
        Ok(Some(Frame { at, bytes: &self.buffer[..length] }))
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Moves a timestamp of the wall clock, which may step at any time, to the boot clock.
fn since_boot(stamp: TimeSpec) -> u64 {
    let mut narrowest = u64::MAX;
    let mut moved = 0;
    for _ in 0..CLOCK_READINGS {
        let before = boot_nanos();
        let age = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |now| nanos(now).saturating_sub(nanos(stamp)));
        // A thread that lost the processor between the clocks would move the stamp by as much.
        let apart = boot_nanos().saturating_sub(before);
        if apart < narrowest {
            narrowest = apart;
            moved = (before + apart / 2).saturating_sub(age);
        }
        if apart < CLOCKS_APART {
            break;
        }
    }
    moved
}

fn nanos(time: TimeSpec) -> u64 {
    u64::try_from(time.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap_or(0)
}

/// Lets a packet socket hear one protocol (`ETH_P_*`) on one interface.
pub(super) fn bind(socket: &Socket, index: u32, protocol: libc::c_int) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::c_ushort,
        // Every EtherType fits.
        sll_protocol: (protocol as u16).to_be(),
        sll_ifindex: index.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: `address` lives until the call returns, and its size is given as it is.
    let result = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Passes ARP, and IPv4 with VRRP in it.
const FILTER: [SockFilter; 7] = [
    load(libc::BPF_H, 12),
    jump_if(libc::ETH_P_ARP as u32, 3, 0),
    jump_if(libc::ETH_P_IP as u32, 0, 3),
    load(libc::BPF_B, 23),
    jump_if(IP_PROTOCOL as u32, 0, 1),
    answer(SNAP_LENGTH as u32),
    answer(0),
];

pub(super) const fn load(size: u32, offset: u32) -> SockFilter {
    SockFilter::new((libc::BPF_LD | size | libc::BPF_ABS) as u16, 0, 0, offset)
}

pub(super) const fn jump_if(value: u32, then: u8, otherwise: u8) -> SockFilter {
    SockFilter::new((libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, then, otherwise, value)
}

pub(super) const fn answer(length: u32) -> SockFilter {
    SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, length)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::net::Ipv4Addr;

    use nix::net::if_::if_nametoindex;
    use vrrp_packet::arp::gratuitous_request;

    use super::*;
    use crate::net::FrameSocket;
    use crate::net::testing::{Cable, becomes_readable, in_namespace, is_readable};

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

    fn ipv4(protocol: u8) -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend(MAC);
        frame.extend([8, 0, 0x45, 0, 0, 21, 0, 0, 0, 0, 255, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9, 7]);
        frame
    }

    #[test]
    fn what_leaves_and_what_arrives_is_overheard_with_the_moment() {
        in_namespace(|| {
            let cable = Cable::lay();
            let near = if_nametoindex("near").unwrap();
            let mut here = Capture::open(near).unwrap();
            let mut there = cable.at_far_end(|| Capture::open(if_nametoindex("far").unwrap()).unwrap());
            let announcement = gratuitous_request(MAC, Ipv4Addr::new(10, 0, 0, 9));
            let before = boot_nanos();

            FrameSocket::open().unwrap().send(near, &announcement).unwrap();

            assert!(becomes_readable(&there));
            let left = here.next_frame().unwrap().unwrap();
            let arrived = there.next_frame().unwrap().unwrap();
            assert_eq!((left.bytes, arrived.bytes), (&announcement[..], &announcement[..]));
            // Two clocks were read in turn: that may cost some microseconds.
            assert!(left.at + 1_000_000 >= before && arrived.at <= boot_nanos() + 1_000_000);
        });
    }

    #[test]
    fn only_vrrp_and_arp_pass() {
        in_namespace(|| {
            let cable = Cable::lay();
            let near = if_nametoindex("near").unwrap();
            let mut there = cable.at_far_end(|| Capture::open(if_nametoindex("far").unwrap()).unwrap());
            let sender = FrameSocket::open().unwrap();

            sender.send(near, &ipv4(17)).unwrap();
            sender.send(near, &ipv4(IP_PROTOCOL)).unwrap();

            assert!(becomes_readable(&there));
            assert_eq!(there.next_frame().unwrap().unwrap().bytes, ipv4(IP_PROTOCOL));
            assert!(!is_readable(&there));
        });
    }
}
