//! The boot clock: it never steps and goes on while the machine is suspended.

use nix::time::{ClockId, clock_gettime};

/// Returns nanoseconds since the machine's boot, suspended time included.
pub fn boot_nanos() -> u64 {
    // CLOCK_BOOTTIME exists since Linux 2.6.39; a kernel without it would return 0, and no deadline would ever pass.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |now| {
        u64::try_from(now.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap_or(0)
    })
}
