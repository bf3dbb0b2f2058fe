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

/// Gives the calling thread what comes next to realtime, the ordinary scheduling with niceness -20; its children start
/// without.
///
/// # Errors
/// `PermissionDenied` without `CAP_SYS_NICE` and beyond RLIMIT_NICE; the caller goes on without.
pub fn go_first() -> io::Result<()> {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: libc::SCHED_FLAG_RESET_ON_FORK as u64,
        sched_nice: -20,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: `attributes` lives until the call returns, and tells its own size; 0 names the calling thread.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Keeps every page of the process in memory once it has been touched; untouched ones cost nothing.
///
/// # Errors
/// `PermissionDenied` without `CAP_IPC_LOCK` where RLIMIT_MEMLOCK is not unlimited; the caller goes on without.
pub fn lock_memory() -> io::Result<()> {
    give_back();
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

/// Gives memory back that was only needed for a moment: once locked it would stay for good.
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches no memory that is in use, and other threads may allocate meanwhile.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Lifts, as far as that is permitted, the limits within which a thread may become realtime and lock its memory.
pub(super) fn lift_limits() {
    for resource in [Resource::RLIMIT_RTPRIO, Resource::RLIMIT_RTTIME, Resource::RLIMIT_MEMLOCK] {
        // Where a limit stays, a capability is needed in its place.
        let _ = lift_limit(resource);
    }
}

/// Lifts a limit altogether, or, where that is not permitted, as far as it may be lifted.
fn lift_limit(resource: Resource) -> io::Result<()> {
    if setrlimit(resource, RLIM_INFINITY, RLIM_INFINITY).is_err() {
        let (_, hard) = getrlimit(resource)?;
        setrlimit(resource, hard, hard)?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::thread;

    use super::*;
    use crate::net::privileges::{OPTIONAL, missing};

    fn require_privileges() {
        if let Some(missing) = missing(&OPTIONAL).first() {
            panic!("this test needs {missing}: run it as root");
        }
    }

    fn policy() -> i32 {
        // SAFETY: takes a number; 0 names the calling thread.
        unsafe { libc::sched_getscheduler(0) }
    }

    #[test]
    fn the_calling_thread_becomes_realtime_and_its_children_do_not() {
        require_privileges();
        let observed = thread::spawn(|| {
            go_realtime(10).unwrap();
            (policy(), thread::spawn(policy).join().unwrap())
        });

        let (own, child) = observed.join().unwrap();

        assert_eq!(own, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK);
        assert_eq!(child, libc::SCHED_OTHER);
    }

    #[test]
    fn the_calling_thread_comes_first_and_its_children_do_not() {
        require_privileges();
        let niceness = || {
            // SAFETY: takes numbers; 0 names the calling thread.
            unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
        };
        let before = niceness();
        let observed = thread::spawn(move || {
            go_first().unwrap();
            (niceness(), thread::spawn(niceness).join().unwrap())
        });

        let (own, child) = observed.join().unwrap();

        assert_eq!(own, -20);
        assert!(child >= before.min(0), "{child}");
    }

    #[test]
    fn an_impossible_priority_is_refused() {
        require_privileges();

        let error = thread::spawn(|| go_realtime(100).unwrap_err()).join().unwrap();

        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    fn resident_kilobytes() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn locked_memory_takes_no_room_before_it_is_touched() {
        require_privileges();
        lock_memory().unwrap();
        let before = resident_kilobytes();

        let untouched = Vec::<u8>::with_capacity(256 << 20);

        let after = resident_kilobytes();
        assert!(after < before + (128 << 10), "grew from {before} to {after} kB");
        drop(untouched);
    }
}
