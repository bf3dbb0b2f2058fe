//! Spans of time as a report shows them.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Serialize, Serializer};

/// Holds a span in milliseconds; negative where the later of two events came first.
#[derive(Clone, Copy, PartialEq, PartialOrd, Default, Debug)]
pub struct Millis(f64);

impl Millis {
    pub(super) const fn new(milliseconds: f64) -> Self {
        Self(milliseconds)
    }

    /// Converts nanoseconds.
    pub(super) fn from_nanos(nanos: u64) -> Self {
        // Exact up to 2^53 ns, which are 104 days.
        Self(nanos as f64 / 1e6)
    }

    /// Returns the span from one moment to another, both in nanoseconds.
    pub(super) fn between(from: u64, to: u64) -> Self {
        if to >= from { Self::from_nanos(to - from) } else { Self(-Self::from_nanos(from - to).0) }
    }

    /// Returns the middle of the spans, or the mean of the two in the middle; `None` where there are none.
    pub(super) fn median(spans: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut spans: Vec<f64> = spans.into_iter().map(|span| span.0).collect();
        spans.sort_by(f64::total_cmp);
        let upper = *spans.get(spans.len() / 2)?;
        let lower = if spans.len().is_multiple_of(2) { spans[spans.len() / 2 - 1] } else { upper };
        Some(Self(f64::midpoint(lower, upper)))
    }

    /// Returns the longest of the spans; `None` where there are none.
    pub(super) fn longest(spans: impl IntoIterator<Item = Self>) -> Option<Self> {
        spans.into_iter().max_by(|one, other| one.0.total_cmp(&other.0))
    }
}

impl From<Duration> for Millis {
    fn from(span: Duration) -> Self {
        Self(span.as_secs_f64() * 1e3)
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Millis {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.0)
    }
}

impl Serialize for Millis {
    /// Writes the number, rounded to microseconds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0 * 1e3).round() / 1e3)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order_and_the_number() {
        let of = |spans: &[f64]| Millis::median(spans.iter().copied().map(Millis));

        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0, 1.0, 9.0]), Some(Millis(3.0)));
        assert_eq!(of(&[3.0, 1.0, 9.0, 5.0]), Some(Millis(4.0)));
    }

    #[test]
    fn an_event_that_came_too_early_is_negative() {
        assert_eq!(Millis::between(3_000_000, 1_500_000), Millis(-1.5));
    }

    #[test]
    fn json_holds_microseconds() {
        assert_eq!(serde_json::to_string(&Millis(1.234_567)).unwrap(), "1.235");
    }
}
