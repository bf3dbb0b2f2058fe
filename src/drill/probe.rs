//! The client: asks the service on the virtual address every half millisecond and records each answer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Socket, Type};

use super::DrillError;
use super::lab::Lab;
use super::observed::Answer;
use super::plan::{SERVICE, Side};
use crate::net::{Timer, Wake, boot_nanos, go_realtime};

/// From one datagram to the next.
const PERIOD_NANOS: u64 = 500_000;
/// Below the agents' own threads: the client must not keep them from their work.
const REALTIME_PRIORITY: u8 = 30;

/// Probes until it is finished or dropped.
#[derive(Debug)]
pub(super) struct Probe {
    answers: Arc<Mutex<Vec<Answer>>>,
    stop: Arc<Wake>,
    threads: Vec<JoinHandle<io::Result<io::Result<()>>>>,
}

impl Probe {
    /// Opens the service on both hosts and begins to ask.
    pub(super) fn start(lab: &Lab) -> Result<Self, DrillError> {
        let failed = |source| DrillError::System { doing: "start the probe", source };
        let stop = Arc::new(Wake::new().map_err(failed)?);
        let mut probe = Self { answers: Arc::default(), stop: Arc::clone(&stop), threads: Vec::new() };
        for side in Side::BOTH {
            let stop = Arc::clone(&stop);
            let thread = lab.host(side).namespace.spawn_thread("service", move || serve(side, &stop));
            probe.threads.push(thread.map_err(failed)?);
        }
        let answers = Arc::clone(&probe.answers);
        let thread = lab.client().namespace.spawn_thread("probe", move || ask(&answers, &stop));
        probe.threads.push(thread.map_err(failed)?);
        Ok(probe)
    }

    /// Tells whether a host has answered since a moment.
    pub(super) fn answered(&self, by: Side, since: u64) -> bool {
        lock(&self.answers).iter().rev().take_while(|answer| answer.at >= since).any(|answer| answer.by == by)
    }

    /// Stops asking and returns every answer, in the order in which they came.
    pub(super) fn finish(mut self) -> Result<Vec<Answer>, DrillError> {
        self.stop.notify();
        for thread in self.threads.drain(..) {
            let ended = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            ended.flatten().map_err(|source| DrillError::System { doing: "probe the virtual address", source })?;
        }
        Ok(core::mem::take(&mut *lock(&self.answers)))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.notify();
    }
}

fn lock(answers: &Mutex<Vec<Answer>>) -> MutexGuard<'_, Vec<Answer>> {
    // A list is complete at every moment, so a panic elsewhere leaves nothing that is half written.
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers every datagram with the name of the host.
fn serve(side: Side, stop: &Wake) -> io::Result<()> {
    // Without permission the noise that the probe measures tells.
    let _ = go_realtime(REALTIME_PRIORITY);
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    // The host need not hold the virtual address yet.
    socket.set_freebind_v4(true)?;
    socket.bind(&SocketAddr::from(SERVICE).into())?;
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from(socket);
    while !wait(stop, &[&socket])? {
        while let Ok((_, client)) = socket.recv_from(&mut [0; 16]) {
            // An answer that cannot leave is one that the client waits for, as it should.
            let _ = socket.send_to(side.name().as_bytes(), client);
        }
    }
    Ok(())
}

/// Sends a datagram every period and records what comes back.
fn ask(answers: &Mutex<Vec<Answer>>, stop: &Wake) -> io::Result<()> {
    let _ = go_realtime(REALTIME_PRIORITY);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_nonblocking(true)?;
    let timer = Timer::new()?;
    let mut due = boot_nanos();
    timer.arm(Some(due))?;
    while !wait(stop, &[socket.as_fd(), timer.as_fd()])? {
        receive(&socket, answers);
        if boot_nanos() >= due {
            timer.drain();
            // A datagram that cannot leave is one without an answer.
            let _ = socket.send_to(b"?", SERVICE);
            // What was missed is not made up for: a burst would tell nothing that one datagram does not.
            due = (due + PERIOD_NANOS).max(boot_nanos());
            timer.arm(Some(due))?;
        }
    }
    Ok(())
}

fn receive(socket: &UdpSocket, answers: &Mutex<Vec<Answer>>) {
    let mut datagram = [0; 16];
    // An error here is the network's answer to a datagram that was lost.
    while let Ok(length) = socket.recv(&mut datagram) {
        let by = Side::BOTH.into_iter().find(|side| side.name().as_bytes() == &datagram[..length]);
        lock(answers).extend(by.map(|by| Answer { at: boot_nanos(), by }));
    }
}

/// Sleeps until something can be read, and tells whether it is time to stop.
fn wait<const N: usize>(stop: &Wake, sources: &[impl AsFd; N]) -> io::Result<bool> {
    let mut polled = vec![PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
    polled.extend(sources.iter().map(|source| PollFd::new(source.as_fd(), PollFlags::POLLIN)));
    poll(&mut polled, PollTimeout::NONE)?;
    Ok(polled[0].any().unwrap_or(false))
}
