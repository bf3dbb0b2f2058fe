//! Waits in an async task until a file descriptor is readable.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Owns something with a file descriptor and tells a task when it becomes readable.
#[derive(Debug)]
pub struct Readable<T: AsFd>(AsyncFd<Owned<T>>);

#[derive(Debug)]
struct Owned<T>(T);

impl<T: AsFd> AsRawFd for Owned<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> Readable<T> {
    /// Registers the file descriptor with the runtime that runs the calling task.
    ///
    /// # Errors
    /// What the kernel says, such as `EPERM` for a regular file, which is always readable.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(inner: T) -> io::Result<Self> {
        // SAFETY: what is registered is owned by the registration and never lent mutably, so that its descriptor stays
        // open, and the same one, until it is taken out again.
        let registered = unsafe { AsyncFd::register_with_interest(Owned(inner), Interest::READABLE) };
        registered.map(Self).map_err(|error| error.into_parts().1)
    }

    /// Waits until there is something to read, or until the other end is closed.
    ///
    /// # Errors
    /// What the runtime says where it is shutting down.
    pub async fn wait(&self) -> io::Result<()> {
        // The readiness is taken back at once: the caller reads until there is nothing left, and waits again.
        self.0.readable().await?.clear_ready();
        Ok(())
    }

    /// Returns what was registered.
    pub fn get_ref(&self) -> &T {
        &self.0.get_ref().0
    }
}
