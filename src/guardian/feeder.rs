//! Tells systemd's watchdog that all is well, without ever waiting for systemd.

use core::cell::Cell;
use core::time::Duration;
use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Feeds the watchdog twice in the time that systemd allows.
#[derive(Debug)]
pub(super) struct Feeder {
    socket: UnixDatagram,
    every: u64,
    next: Cell<u64>,
}

impl Feeder {
    /// Finds the watchdog of the service that this process is the main process of; `None` where there is none.
    pub(super) fn from_environment() -> Option<Self> {
        let (timeout, path) = (sd_notify::watchdog_enabled()?, env::var_os("NOTIFY_SOCKET")?);
        match Self::new(&path, timeout) {
            Ok(feeder) => Some(feeder),
            Err(error) => {
                tracing::warn!(%error, "cannot reach systemd's watchdog, which will restart the service");
                None
            }
        }
    }

    fn new(path: &OsStr, timeout: Duration) -> io::Result<Self> {
        let address = match path.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(path)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // Whoever waits for systemd cannot watch over the agent.
        socket.set_nonblocking(true)?;
        let every = u64::try_from(timeout.as_nanos() / 2).unwrap_or(u64::MAX);
        Ok(Self { socket, every, next: Cell::new(0) })
    }

    /// Feeds the watchdog where it is time to, and returns when it is next.
    pub(super) fn feed(&self, now: u64) -> u64 {
        if now >= self.next.get() {
            // What finds no room now is said again in time.
            let _ = self.socket.send(b"WATCHDOG=1\n");
            self.next.set(now.saturating_add(self.every));
        }
        self.next.get()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time_and_not_more_often() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let feeder = Feeder::new(path.as_os_str(), Duration::from_secs(10)).unwrap();
        let fed = || systemd.recv(&mut [0; 64]).is_ok();

        assert_eq!(feeder.feed(SECOND), 6 * SECOND);
        assert!(fed());
        assert_eq!(feeder.feed(3 * SECOND), 6 * SECOND);
        assert!(!fed());
        feeder.feed(6 * SECOND);
        assert!(fed());
    }

    #[test]
    fn a_systemd_that_does_not_listen_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let _systemd = UnixDatagram::bind(&path).unwrap();
        let feeder = Feeder::new(path.as_os_str(), Duration::ZERO).unwrap();

        // More than a datagram socket's queue holds.
        for now in 0..10_000 {
            feeder.feed(now);
        }
    }
}
