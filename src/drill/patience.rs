//! Bounded waiting that an interrupt cuts short.

use core::time::Duration;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::DrillError;
use super::plan::nanos;
use crate::net::{Signals, boot_nanos};

/// How often a condition is looked at.
const STEP_MS: u16 = 5;

/// Waits for conditions, and ends every wait when the drill is interrupted.
#[derive(Debug)]
pub(super) struct Patience(Signals);

impl Patience {
    /// Takes SIGINT, SIGTERM and SIGHUP from now on; threads that exist already must not.
    pub(super) fn new() -> Result<Self, DrillError> {
        Signals::collect(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])
            .map(Self)
            .map_err(|source| DrillError::System { doing: "collect signals", source })
    }

    /// Waits until `condition` returns something; `Ok(None)` where that takes longer than `bound`.
    pub(super) fn until<T>(
        &self,
        bound: Duration,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>, DrillError> {
        let deadline = boot_nanos().saturating_add(nanos(bound));
        loop {
            if let Some(met) = condition() {
                return Ok(Some(met));
            }
            if boot_nanos() >= deadline {
                return Ok(None);
            }
            self.pause(STEP_MS)?;
        }
    }

    /// Lets this much time pass.
    pub(super) fn rest(&self, span: Duration) -> Result<(), DrillError> {
        self.until(span, || None::<()>).map(|_| ())
    }

    fn pause(&self, milliseconds: u16) -> Result<(), DrillError> {
        let mut signals = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        // An error of the poll can only shorten the pause.
        let _ = poll(&mut signals, PollTimeout::from(milliseconds));
        match self.0.next() {
            Ok(Some(signal)) => Err(DrillError::Interrupted(signal)),
            Ok(None) => Ok(()),
            Err(source) => Err(DrillError::System { doing: "read a signal", source }),
        }
    }
}
