//! The yardstick of `starve` and `hijack`: a bare realtime loop that does nothing but keep time.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vrrp_packet::Interval;

use super::DrillError;
use super::plan::nanos;
use crate::net::{Timer, Wake, boot_nanos, go_realtime};

/// The agents' own, which is what they are compared with.
const REALTIME_PRIORITY: u8 = 50;

/// Ticks until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct Metronome {
    stop: Arc<Wake>,
    thread: Option<JoinHandle<io::Result<Vec<u64>>>>,
}

impl Metronome {
    pub(super) fn start(interval: Interval) -> Result<Self, DrillError> {
        let failed = |source| DrillError::System { doing: "start the metronome", source };
        let stop = Arc::new(Wake::new().map_err(failed)?);
        let told = Arc::clone(&stop);
        let thread = thread::Builder::new().name("metronome".to_owned());
        let thread = thread.spawn(move || tick(&told, nanos(interval.duration()))).map_err(failed)?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Stops it and returns when it ticked, in nanoseconds since boot.
    pub(super) fn finish(mut self) -> Result<Vec<u64>, DrillError> {
        self.stop.notify();
        let Some(thread) = self.thread.take() else { return Ok(Vec::new()) };
        let ticks = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        ticks.map_err(|source| DrillError::System { doing: "keep the metronome's time", source })
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.stop.notify();
    }
}

fn tick(stop: &Wake, period: u64) -> io::Result<Vec<u64>> {
    // Without permission the agents have none either.
    let _ = go_realtime(REALTIME_PRIORITY);
    let timer = Timer::new()?;
    let mut ticks = Vec::new();
    let mut due = boot_nanos();
    loop {
        due += period;
        timer.arm(Some(due))?;
        let mut sources = [PollFd::new(stop.as_fd(), PollFlags::POLLIN), PollFd::new(timer.as_fd(), PollFlags::POLLIN)];
        poll(&mut sources, PollTimeout::NONE)?;
        if sources[0].any().unwrap_or(false) {
            return Ok(ticks);
        }
        ticks.push(boot_nanos());
        timer.drain();
    }
}
