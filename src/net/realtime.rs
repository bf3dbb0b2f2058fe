//! What keeps a thread on time: realtime scheduling and locked memory.

use std::io;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// Gives the calling thread first-in-first-out realtime scheduling at a priority of 1 to 99; its children start without.
///
/// # Errors
/// `PermissionDenied` without `CAP_SYS_NICE` and beyond RLIMIT_RTPRIO; the caller goes on without.
pub fn go_realtime(priority: u8) -> io::Result<()> {
    // Where a limit on realtime CPU time is set, the kernel kills the process that reaches it.
    lift_limit(Resource::RLIMIT_RTTIME)?;
    // SAFETY: all fields of `sched_param` are integers, for which zero is a value.
    let mut parameters: libc::sched_param = unsafe { core::mem::zeroed() };
    parameters.sched_priority = i32::from(priority);
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // The raw call, since musl's `sched_setscheduler` is a stub that fails; 0 names the calling thread.
    // SAFETY: `parameters` lives until the call returns.
    let result = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const parameters) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Keeps every page of the process in memory once it has been touched; untouched ones cost nothing.
///
/// # Errors
/// `PermissionDenied` without `CAP_IPC_LOCK` where RLIMIT_MEMLOCK is not unlimited; the caller goes on without.
pub fn lock_memory() -> io::Result<()> {
    lift_limit(Resource::RLIMIT_MEMLOCK)?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    // Within a finite limit the call may succeed today and let an allocation fail tomorrow. With a limit of zero the
    // kernel decides by the capability alone, and decides now.
    if soft != RLIM_INFINITY {
        setrlimit(Resource::RLIMIT_MEMLOCK, 0, hard)?;
    }
    // nix does not know MCL_ONFAULT, which is what keeps untouched pages out.
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    let result = mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault);
    if soft != RLIM_INFINITY {
        setrlimit(Resource::RLIMIT_MEMLOCK, soft, hard)?;
    }
    Ok(result?)
}

/// Lifts a limit altogether, or, where that is not permitted, as far as it may be lifted.
fn lift_limit(resource: Resource) -> io::Result<()> {
    if setrlimit(resource, RLIM_INFINITY, RLIM_INFINITY).is_err() {
        let (_, hard) = getrlimit(resource)?;
        setrlimit(resource, hard, hard)?;
    }
    Ok(())
}
