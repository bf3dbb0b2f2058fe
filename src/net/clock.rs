//! The boot clock, which never steps and goes on while the machine is suspended, and the wall clock, which steps.

use nix::time::{ClockId, clock_gettime};

/// Returns nanoseconds since the machine's boot, suspended time included.
pub fn boot_nanos() -> u64 {
    // CLOCK_BOOTTIME exists since Linux 2.6.39; a kernel without it would return 0, and no deadline would ever pass.
    nanos(ClockId::CLOCK_BOOTTIME)
}

/// Returns nanoseconds since 1970 by the wall clock, which people and time sources step: only signing looks at it.
pub fn wall_nanos() -> u64 {
    nanos(ClockId::CLOCK_REALTIME)
}

/// Tells whether the kernel says that the wall clock follows a time source.
///
/// Setting the clock by hand makes this false until a time source confirms or corrects it. False, too, where a sandbox
/// does not let the process ask.
pub fn clock_is_synchronised() -> bool {
    // SAFETY: all fields of `timex` are integers, for which zero is a value.
    let mut facts: libc::timex = unsafe { core::mem::zeroed() };
    // With no mode set, nothing is changed and no privilege is needed. The raw call, since glibc makes another one of it
    // that Docker forbids.
    // SAFETY: `facts` is writable and lives until the call returns.
    let state = unsafe { libc::syscall(libc::SYS_adjtimex, &raw mut facts) };
    state >= 0 && state != libc::c_long::from(libc::TIME_ERROR)
}

fn nanos(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |now| {
        u64::try_from(now.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap_or(0)
    })
}
