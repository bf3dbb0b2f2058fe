//! Sequences of signed advertisements: which one to send next, and which ones to take.
//!
//! Pure: the time is an argument, and the marks of what was sent or accepted belong to the caller, who keeps them.

use core::fmt;
use core::time::Duration;

use crate::AuthenticationError;

/// Names a moment of the signing clock as time since the Unix epoch (ownership rule 27).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// Wraps the time since 1970-01-01 00:00 UTC.
    pub const fn new(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// Returns the time since 1970-01-01 00:00 UTC.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }
}

/// Orders the signed packets of one sender: 32 bits of seconds, 16 of 1/65536 s, 16 of a counter.
///
/// The 64 bits wrap in 2106, so two sequences compare as serial numbers (RFC 1982) and there is no `Ord`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// Wraps the 64 bits that stand on the wire or in a state file.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the 64 bits that stand on the wire.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns the first sequence of a moment, its counter zero.
    pub const fn at(now: UnixTime) -> Self {
        let seconds = now.0.as_secs() as u32 as u64;
        let fraction = ((now.0.subsec_nanos() as u64) << 16) / 1_000_000_000;
        Self(seconds << 32 | fraction << 16)
    }

    /// Tells whether this sequence is greater than another in serial-number arithmetic (RFC 1982 §3.2).
    pub const fn is_after(self, other: Self) -> bool {
        self.distance_from(other) > 0
    }

    /// Returns the sequence's time less the clock's, in nanoseconds: positive where the sender's clock is ahead.
    pub const fn offset_nanos(self, now: UnixTime) -> i64 {
        // 2^-32 s to nanoseconds; the result is at most 2^31 s, which i64 holds.
        ((self.distance_from(Self::at(now)) as i128 * 1_000_000_000) >> 32) as i64
    }

    /// Returns the sequence for the next packet: the clock, or the last one plus one, whichever is greater.
    ///
    /// In time mode a last one that is ahead of the clock by more than the window is forgotten: no receiver would take
    /// its successors (ownership rule 28). In monotonic mode a sequence never goes back.
    pub const fn next_to_send(now: UnixTime, last: Option<Self>, guard: ReplayGuard) -> Self {
        let clock = Self::at(now);
        let Some(last) = last else { return clock };
        let forgotten = match guard.mode {
            AntiReplay::Time => last.offset_nanos(now) > guard.window_nanos(),
            AntiReplay::Monotonic => false,
        };
        if forgotten || clock.is_after(last) { clock } else { Self(last.0.wrapping_add(1)) }
    }

    const fn distance_from(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0) as i64
    }
}

impl fmt::Display for Sequence {
    /// Writes seconds, fraction and counter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:05}+{}", self.0 >> 32, self.0 >> 16 & 0xffff, self.0 & 0xffff)
    }
}

/// Says what protects from recorded packets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum AntiReplay {
    /// The clocks of the routers agree within the window.
    #[default]
    Time,
    /// Clocks may disagree: only the order of each sender's sequences counts.
    Monotonic,
}

/// Decides whether a sequence is fresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayGuard {
    /// What protects.
    pub mode: AntiReplay,
    /// How far a sender's clock may be from ours, in either direction; not used in monotonic mode.
    pub window: Duration,
}

impl ReplayGuard {
    /// Checks a sequence against the clock and the mark: the last one accepted from the same sender.
    ///
    /// The mark moves to `heard` only once the tag is verified: [`crate::authentication::admit`] has that order.
    ///
    /// # Errors
    /// `OutsideWindow` in time mode; `Replayed` where `heard` is not after a mark that has not expired.
    pub const fn check(
        &self,
        last: Option<Sequence>,
        heard: Sequence,
        now: UnixTime,
    ) -> Result<(), AuthenticationError> {
        if let Err(error) = self.check_window(heard, now) {
            return Err(error);
        }
        self.check_order(last, heard, now)
    }

    pub(crate) const fn check_window(&self, heard: Sequence, now: UnixTime) -> Result<(), AuthenticationError> {
        if self.is_inside(heard, now) {
            Ok(())
        } else {
            Err(AuthenticationError::OutsideWindow { offset_nanos: heard.offset_nanos(now) })
        }
    }

    pub(crate) const fn check_order(
        &self,
        last: Option<Sequence>,
        heard: Sequence,
        now: UnixTime,
    ) -> Result<(), AuthenticationError> {
        match last {
            // A mark outside the window was made before a clock was stepped: it must not lock the sender out (rule 28).
            Some(last) if self.is_inside(last, now) && !heard.is_after(last) => Err(AuthenticationError::Replayed),
            Some(_) | None => Ok(()),
        }
    }

    const fn is_inside(&self, sequence: Sequence, now: UnixTime) -> bool {
        match self.mode {
            AntiReplay::Time => sequence.offset_nanos(now).unsigned_abs() <= self.window_nanos() as u64,
            AntiReplay::Monotonic => true,
        }
    }

    const fn window_nanos(&self) -> i64 {
        let nanos = self.window.as_nanos();
        if nanos > i64::MAX as u128 { i64::MAX } else { nanos as i64 }
    }
}
