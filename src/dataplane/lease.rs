//! When a lease may and must be renewed, and how often the address thread runs. No I/O, no clock.
//!
//! Times are nanoseconds since boot and always an argument.

use core::time::Duration;

const SECOND: u64 = 1_000_000_000;
/// How much of a lease must be left when it is renewed (ownership rule 12).
const MARGIN: u64 = SECOND / 2;
/// How many renewals a second all routers together may cost (ownership rule 18).
const RENEWALS_PER_SECOND: u64 = 64;
/// How soon the thread runs again at the latest while it has addresses, and else.
const BEAT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// How long the kernel may hold it up beyond that. Together they end before the election thread would call a lease of 3 s
/// unrenewed (ownership rule 13), so that the guardian can withdraw in order.
const HELD_UP: Duration = Duration::from_millis(1750);

/// How soon something that the kernel did not do is tried again, in nanoseconds.
pub const RETRY: u64 = 50_000_000;
/// How long an order to claim may lie before it says nothing any more about who owns the addresses, in nanoseconds.
pub const STALE: u64 = SECOND;

/// Says whether a lease may be renewed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// It is young enough.
    Allowed,
    /// The last renewal is this old, in nanoseconds: another node may own the addresses by now.
    Overrun(u64),
}

/// Tells whether a lease of so many seconds, last renewed at `renewed`, may be renewed or its addresses put back
/// (ownership rule 12).
pub fn renewal(lease: u32, renewed: u64, now: u64) -> Renewal {
    let age = now.saturating_sub(renewed);
    let limit = (u64::from(lease) * SECOND).saturating_sub(MARGIN);
    if age < limit { Renewal::Allowed } else { Renewal::Overrun(age) }
}

/// Returns when such a lease is to be renewed, where all routers together hold `leased` addresses.
pub fn renew_at(lease: u32, renewed: u64, leased: usize) -> u64 {
    let leased = u64::try_from(leased).unwrap_or(u64::MAX);
    let affordable = leased.saturating_mul(SECOND) / RENEWALS_PER_SECOND;
    renewed + (u64::from(lease) * SECOND / 3).min(affordable.max(SECOND / 2))
}

/// Tells whether the node that advertised last at `vouched` may have been replaced since (ownership rule 11).
pub fn is_silent(silence: Duration, vouched: u64, now: u64) -> bool {
    Duration::from_nanos(now.saturating_sub(vouched)) >= silence
}

/// Returns how soon the thread runs again at the latest.
pub fn beat_within(has_addresses: bool) -> Duration {
    if has_addresses { BEAT.0 } else { BEAT.1 }
}

/// Returns within what span it promises to have run again.
pub fn promised_within(has_addresses: bool) -> Duration {
    beat_within(has_addresses) + HELD_UP
}
