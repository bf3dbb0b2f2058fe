//! Wakes a thread that polls: an eventfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Wakes whoever polls it; notifications that come before it is drained count as one.
#[derive(Debug)]
pub struct Wake(EventFd);

impl Wake {
    /// Makes one.
    ///
    /// # Errors
    /// What the kernel says, in practice only that the process has too many files open.
    pub fn new() -> io::Result<Self> {
        Ok(Self(EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?))
    }

    /// Wakes a poller in another process, which made this one and left it open.
    pub fn from_fd(descriptor: OwnedFd) -> Self {
        // SAFETY: nothing but reads and writes is done to it, which any other descriptor refuses or bears.
        Self(unsafe { EventFd::from_owned_fd(descriptor) })
    }

    /// Wakes the poller. Never blocks, never allocates.
    pub fn notify(&self) {
        // EAGAIN means that 2^64 - 1 notifications wait: the poller will wake all the same.
        let _ = self.0.write(1);
    }

    /// Takes all notifications that have come so far.
    pub fn drain(&self) {
        // EAGAIN means that there were none.
        let _ = self.0.read();
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
