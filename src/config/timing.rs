//! Which spans of time can be an Advertisement_Interval.

use core::time::Duration;

use vrrp_packet::{Interval, Version};

/// Applies where the file says nothing (RFC 9568 §6.1).
pub(super) const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// Converts a span of time; `None` where the version's field cannot carry it exactly.
pub(super) fn interval(version: Version, span: Duration) -> Option<Interval> {
    let interval = match version {
        Version::V2 => Interval::from_seconds(u8::try_from(span.as_secs()).ok()?),
        Version::V3 => Interval::from_centis(u16::try_from(span.as_millis() / 10).ok()?),
    };
    interval.filter(|interval| interval.duration() == span)
}

/// Returns the span nearest to the given one that the version's field can carry.
pub(super) fn nearest(version: Version, span: Duration) -> Duration {
    let (step, most) = match version {
        Version::V2 => (1_000, u64::from(u8::MAX)),
        Version::V3 => (10, u64::from(Interval::MAX_CENTIS)),
    };
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let steps = (millis.saturating_add(step / 2) / step).clamp(1, most);
    Duration::from_millis(steps * step)
}

/// Says what the version's field can carry.
pub(super) const fn limits(version: Version) -> &'static str {
    match version {
        Version::V2 => "whole seconds from 1s to 255s",
        Version::V3 => "10ms to 40s950ms in steps of 10ms",
    }
}
