//! The system calls of a netlink socket.

use core::time::Duration;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, connect, getsockname, recv,
    send as send_to, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::monitor::Groups;

/// Holds the largest datagram of a dump (32 KiB) twice over.
pub(super) const BUFFER: usize = 64 * 1024;

/// What a burst of notifications or refusals may fill before the kernel reports an overrun.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;

pub(super) fn open(groups: Groups, non_blocking: bool) -> io::Result<OwnedFd> {
    let mut flags = SockFlag::SOCK_CLOEXEC;
    flags.set(SockFlag::SOCK_NONBLOCK, non_blocking);
    let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
    // Beyond net.core.rmem_max only with CAP_NET_ADMIN in the namespace's owner; else what is allowed.
    if setsockopt(&fd, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        setsockopt(&fd, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
    }
    enable(&fd, libc::NETLINK_EXT_ACK)?;
    // The refused request need not come back with the refusal: it is known by its number.
    enable(&fd, libc::NETLINK_CAP_ACK)?;
    bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups.bits()))?;
    if groups.is_empty() {
        connect(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    }
    Ok(fd)
}

fn enable(fd: &OwnedFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the pointer and the length describe `on`, which lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_NETLINK,
            option,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    Ok(Errno::result(result).map(drop)?)
}

pub(super) fn set_receive_timeout(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<()> {
    let millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
    Ok(setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::milliseconds(millis))?)
}

pub(super) fn port(fd: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(getsockname::<NetlinkAddr>(fd.as_raw_fd())?.pid())
}

pub(super) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), Errno> {
    loop {
        match send_to(fd.as_raw_fd(), bytes, MsgFlags::empty()) {
            // The kernel takes a netlink datagram as a whole or not at all.
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

pub(super) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    recv(fd.as_raw_fd(), buffer, MsgFlags::empty())
}
