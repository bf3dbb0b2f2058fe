//! One deadline that a thread can poll: an absolute timer on the boot clock.

use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

/// Becomes readable when its deadline has passed; a suspended machine finds it expired on waking.
#[derive(Debug)]
pub struct Timer(TimerFd);

impl Timer {
    /// Makes a timer without a deadline.
    ///
    /// # Errors
    /// What the kernel says, in practice only that the process has too many files open.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        Ok(Self(TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?))
    }

    /// Sets the deadline in nanoseconds since boot, in place of any earlier one; `None` leaves the timer without one.
    ///
    /// A deadline in the past fires at once. Never blocks, never allocates.
    ///
    /// # Errors
    /// What the kernel says; it accepts every deadline, so in practice none.
    pub fn arm(&self, deadline: Option<u64>) -> io::Result<()> {
        // An absolute zero would disarm the timer instead of firing it.
        let deadline = deadline.map_or(Duration::ZERO, |deadline| Duration::from_nanos(deadline.max(1)));
        let [never, once] = [Duration::ZERO, deadline].map(|span| *TimeSpec::from_duration(span).as_ref());
        let setting = libc::itimerspec { it_interval: never, it_value: once };
        // The raw call: libfaketime, with which a drill steps the wall clock, takes every absolute timer for one of the wall
        // clock's.
        // SAFETY: the descriptor is open, `setting` lives until the call returns, and no former setting is asked for.
        let set = unsafe {
            libc::syscall(
                libc::SYS_timerfd_settime,
                self.0.as_fd().as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &raw const setting,
                core::ptr::null_mut::<libc::itimerspec>(),
            )
        };
        Ok(Errno::result(set).map(drop)?)
    }

    /// Takes the expiry, so that the timer is no longer readable until it is armed again.
    pub fn drain(&self) {
        // EAGAIN means that it has not fired.
        let _ = self.0.wait();
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::net::boot_nanos;
    use crate::net::testing::{becomes_readable, is_readable};

    #[test]
    fn a_deadline_is_met_and_not_before_it_has_come() {
        let timer = Timer::new().unwrap();
        let deadline = boot_nanos() + 20_000_000;

        timer.arm(Some(deadline)).unwrap();

        assert!(becomes_readable(&timer));
        assert!(boot_nanos() >= deadline);
    }

    #[test]
    fn a_deadline_in_the_past_fires_at_once_even_the_very_first_moment() {
        let timer = Timer::new().unwrap();

        timer.arm(Some(0)).unwrap();

        assert!(becomes_readable(&timer));
    }

    #[test]
    fn a_deadline_beyond_all_time_is_accepted_and_does_not_fire() {
        let timer = Timer::new().unwrap();

        timer.arm(Some(u64::MAX)).unwrap();

        assert!(!is_readable(&timer));
    }

    #[test]
    fn a_drained_or_disarmed_timer_is_silent_until_it_is_armed_again() {
        let timer = Timer::new().unwrap();
        timer.arm(Some(1)).unwrap();
        assert!(becomes_readable(&timer));

        timer.drain();
        assert!(!is_readable(&timer));
        timer.drain();

        timer.arm(Some(1)).unwrap();
        timer.arm(None).unwrap();
        assert!(!is_readable(&timer));
    }
}
