//! The connections of the control socket: so many at once and no more, and none that says nothing for long.
//!
//! Whoever may reach the socket can open connections as fast as the kernel makes them; descriptors are for the election.

use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, Sleep};

/// How many connections there are at once; people and monitoring need a handful.
pub(super) const MOST: usize = 64;
/// How long a connection may neither say nor take anything.
const IDLE: Duration = Duration::from_secs(30);
/// What a connection is told that makes room for another one.
pub(super) const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    content-type: application/json\r\ncontent-length: 114\r\n\r\n\
    {\"reason\":\"failed\",\"error\":\"the agent serves 64 connections at once\",\"help\":\"close connections that are not used\"}";

/// Accepts connections; where there are too many, the one that has been quiet longest makes room.
pub(super) struct Connections {
    listener: UnixListener,
    open: Arc<Mutex<Open>>,
}

/// Lists the connections that are open.
#[derive(Default)]
struct Open {
    last: u64,
    slots: BTreeMap<u64, Slot>,
}

/// Says what is known of one connection.
struct Slot {
    /// Whether it has said something that is not answered yet.
    is_asking: bool,
    active: Instant,
    /// Wakes whoever waits for it to say something.
    reader: Option<Waker>,
}

/// Is one connection.
pub(super) struct Connection {
    stream: UnixStream,
    number: u64,
    open: Arc<Mutex<Open>>,
    idle: Pin<Box<Sleep>>,
}

impl Connections {
    pub(super) fn new(listener: UnixListener) -> Self {
        Self { listener, open: Arc::default() }
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let has_evicted = lock(&self.open).make_room();
        if has_evicted {
            // Its task closes it, and must get to do so before the next one is accepted.
            tokio::task::yield_now().await;
        }
        let number = lock(&self.open).register();
        let (open, idle) = (Arc::clone(&self.open), Box::pin(tokio::time::sleep(IDLE)));
        (Connection { stream, number, open, idle }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Open {
    /// Takes the quietest connection off the list where that is full; it closes when it is looked at next.
    fn make_room(&mut self) -> bool {
        let quietest =
            self.slots.iter().min_by_key(|(_, slot)| (slot.is_asking, slot.active)).map(|(number, _)| *number);
        let Some(slot) = quietest.filter(|_| self.slots.len() >= MOST).and_then(|number| self.slots.remove(&number))
        else {
            return false;
        };
        if let Some(reader) = slot.reader {
            reader.wake();
        }
        true
    }

    fn register(&mut self) -> u64 {
        self.last += 1;
        self.slots.insert(self.last, Slot { is_asking: false, active: Instant::now(), reader: None });
        self.last
    }
}

impl Connection {
    /// Returns the socket, to ask who is at its other end.
    pub(super) const fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Notes that it has said or taken something.
    fn note(&mut self, is_asking: bool) {
        let now = Instant::now();
        self.idle.as_mut().reset(now + IDLE);
        if let Some(slot) = lock(&self.open).slots.get_mut(&self.number) {
            (slot.is_asking, slot.active) = (is_asking, now);
        }
    }

    /// Tells whether it is still on the list, and remembers whom to wake when it no longer is.
    fn is_listed(&self, context: &Context<'_>) -> bool {
        let mut open = lock(&self.open);
        let slot = open.slots.get_mut(&self.number);
        slot.map(|slot| slot.reader = Some(context.waker().clone())).is_some()
    }

    fn is_idle(&mut self, context: &mut Context<'_>) -> bool {
        self.idle.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.is_listed(context) {
            // Whoever does not read it has nothing to say either.
            let _ = self.stream.try_write(REFUSAL.as_bytes());
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, into) {
            Poll::Pending if self.is_idle(context) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(read) => {
                if into.filled().len() > before {
                    self.note(true);
                }
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending if self.is_idle(context) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(written) => {
                self.note(false);
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(ready!(Pin::new(&mut self.stream).poll_shutdown(context)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.open).slots.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let (head, body) = REFUSAL.split_once("\r\n\r\n").unwrap_or_default();

        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
        assert!(body.contains(&format!("{MOST} connections")));
    }

    #[test]
    fn who_has_said_nothing_longest_makes_room_and_who_waits_for_an_answer_does_not() {
        let mut open = Open::default();
        for _ in 0..MOST {
            open.register();
        }
        open.slots.values_mut().next().into_iter().for_each(|slot| slot.is_asking = true);

        assert!(open.make_room());
        assert!(!open.make_room());

        let left: Vec<u64> = open.slots.keys().copied().take(2).collect();
        assert_eq!(left, [1, 3]);
    }
}
