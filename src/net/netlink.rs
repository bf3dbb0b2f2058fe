//! The conversation with the kernel's routing tables: one request, many requests in one send, dumps, and notifications.
//!
//! It owns the netlink sockets and the framing of messages; what the messages say is `netlink-packet-route`'s business
//! and their meaning the caller's. Nothing here waits longer than [`DEADLINE`].

mod batch;
mod codec;
mod error;
mod monitor;
mod socket;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use nix::errno::Errno;

pub use batch::{Batch, Failure};
pub use error::{NetlinkError, Refusal};
pub use monitor::{Change, Groups, Monitor, MonitorEvent};

use codec::{Answer, Datagram};

use super::boot_nanos;
use super::namespace::{Namespace, NamespaceError};

/// Bounds the wait for the kernel's answer to one request, batch or dump.
pub const DEADLINE: Duration = Duration::from_secs(2);

/// How often a dump that the kernel calls inconsistent is begun again before it is taken as it is.
const DUMP_ATTEMPTS: usize = 5;

/// Talks to one network namespace's routing tables.
#[derive(Debug)]
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens a socket in the network namespace of the calling thread, where it stays.
    ///
    /// # Errors
    /// What the kernel says, in practice only that the process has too many files open.
    pub fn open() -> io::Result<Self> {
        let socket = socket::open(Groups::empty(), false)?;
        socket::set_receive_timeout(socket.as_fd(), DEADLINE)?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; socket::BUFFER] })
    }

    /// Opens a socket in another network namespace.
    ///
    /// # Errors
    /// [`NamespaceError`] where the namespace cannot be entered or the socket not be opened.
    pub fn open_in(namespace: &Namespace) -> Result<Self, NamespaceError> {
        namespace.enter(Self::open)?.map_err(NamespaceError::Thread)
    }

    /// Returns the number that marks this socket's changes in [`Change::by`].
    ///
    /// # Errors
    /// What the kernel says.
    pub fn port(&self) -> io::Result<u32> {
        socket::port(self.socket.as_fd())
    }

    /// Sends one request and waits until the kernel has carried it out. `flags` are `NLM_F_*` beside REQUEST and ACK.
    ///
    /// # Errors
    /// [`NetlinkError`]: refused, no answer in time, or the socket failed.
    pub fn request(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), NetlinkError> {
        self.batch(&[(message, flags)])
    }

    /// Sends many requests in one go. All are carried out, also those behind a refused one.
    ///
    /// # Errors
    /// [`NetlinkError`], which names the first request that was refused.
    pub fn batch(&mut self, requests: &[(RouteNetlinkMessage, u16)]) -> Result<(), NetlinkError> {
        let mut batch = Batch::default();
        for (message, flags) in requests {
            batch.push(message.clone(), *flags);
        }
        let mut failures = self.submit(&mut batch)?;
        let Some(Failure { index, refusal }) = failures.drain(..).next() else { return Ok(()) };
        let doing = requests.get(index).map_or_else(String::new, |(message, _)| codec::describe(message));
        Err(NetlinkError::Refused { doing, refusal })
    }

    /// Sends a prepared batch and returns what the kernel refused of it; nothing means that all was carried out.
    ///
    /// # Errors
    /// [`NetlinkError`] where the outcome of the batch is unknown: no answer in time, or the socket failed.
    pub fn submit(&mut self, batch: &mut Batch) -> Result<Vec<Failure>, NetlinkError> {
        let mut failures = Vec::new();
        for chunk in 0..batch.chunks() {
            let first = self.sequence.wrapping_add(1);
            let (bytes, count, base) = batch.prepare(chunk, first);
            self.sequence = self.sequence.wrapping_add(count);
            socket::send(self.socket.as_fd(), bytes).map_err(|error| self.failed(error))?;
            self.collect(first, count, base, &mut failures)?;
        }
        Ok(failures)
    }

    /// Reads until the acknowledgement of the last of `count` requests.
    fn collect(
        &mut self,
        first: u32,
        count: u32,
        base: usize,
        failures: &mut Vec<Failure>,
    ) -> Result<(), NetlinkError> {
        let deadline = deadline();
        loop {
            let length = self.receive(deadline)?;
            for message in Datagram::new(&self.buffer[..length]) {
                // An answer to a request whose deadline has passed comes with an older number.
                let offset = message.header.sequence_number.wrapping_sub(first);
                if offset >= count {
                    continue;
                }
                if let Answer::Status(status) = message.answer() {
                    if let Some(refusal) = status {
                        failures.push(Failure { index: base + offset as usize, refusal });
                    }
                    if offset + 1 == count {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Asks for a whole table, such as all links or all addresses.
    ///
    /// # Errors
    /// [`NetlinkError`]: refused, no answer in time, or the socket failed.
    pub fn dump(&mut self, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        let doing = codec::describe(&message);
        let bytes = codec::encode(message, NLM_F_REQUEST | NLM_F_DUMP);
        let mut table = Vec::new();
        for _ in 0..DUMP_ATTEMPTS {
            table.clear();
            if self.dump_once(&doing, bytes.clone(), &mut table)? {
                break;
            }
        }
        Ok(table)
    }

    /// Returns whether the table was the same from the first message to the last.
    fn dump_once(
        &mut self,
        doing: &str,
        mut bytes: Vec<u8>,
        table: &mut Vec<RouteNetlinkMessage>,
    ) -> Result<bool, NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        codec::number(&mut bytes, self.sequence);
        socket::send(self.socket.as_fd(), &bytes).map_err(|error| self.failed(error))?;
        let deadline = deadline();
        let mut consistent = true;
        loop {
            let length = self.receive(deadline)?;
            for message in Datagram::new(&self.buffer[..length]) {
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                consistent &= message.header.flags & NLM_F_DUMP_INTR == 0;
                match message.answer() {
                    Answer::Content(content) => table.push(content),
                    // A kernel newer than the codec may say what the codec does not know: no reason to stop.
                    Answer::Unknown => {}
                    Answer::Done | Answer::Status(None) => return Ok(consistent),
                    Answer::Status(Some(refusal)) => {
                        return Err(NetlinkError::Refused { doing: doing.to_owned(), refusal });
                    }
                }
            }
        }
    }

    fn receive(&mut self, deadline: u64) -> Result<usize, NetlinkError> {
        loop {
            if boot_nanos() >= deadline {
                return Err(NetlinkError::TimedOut);
            }
            match socket::receive(self.socket.as_fd(), &mut self.buffer) {
                Ok(length) => return Ok(length),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(NetlinkError::TimedOut),
                Err(errno) => return Err(NetlinkError::Socket(errno.into())),
            }
        }
    }

    fn failed(&self, errno: Errno) -> NetlinkError {
        NetlinkError::Socket(errno.into())
    }
}

fn deadline() -> u64 {
    boot_nanos().saturating_add(u64::try_from(DEADLINE.as_nanos()).unwrap_or(u64::MAX))
}

/// Marks a request whose success the kernel confirms.
const ACKNOWLEDGED: u16 = NLM_F_REQUEST | NLM_F_ACK;
