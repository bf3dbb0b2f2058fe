//! Stops one thread of a process and lets the others run, as a hang would: what a drill does to an agent.

use std::fs;
use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;

use nix::errno::Errno;

/// Finds a thread of a process by its name, and returns its number.
///
/// # Errors
/// `NotFound` where the process has no such thread.
pub fn find_thread(process: i32, name: &str) -> io::Result<i32> {
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let thread = thread?;
        // A thread may end while it is looked at.
        let found = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        if found.trim_end() == name
            && let Some(number) = thread.file_name().to_str().and_then(|number| number.parse().ok())
        {
            return Ok(number);
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("process {process} has no thread \"{name}\"")))
}

/// Stops a thread for the rest of its life and returns when it stands still; it can still be killed.
///
/// # Errors
/// `PermissionDenied` without `CAP_SYS_PTRACE` over the process, or where a debugger has it.
pub fn hold_thread(thread: i32) -> io::Result<()> {
    let (held, holds) = sync_channel(1);
    // Only the thread that seizes another can stop it, and it must be there to see it die: the process stays a zombie until
    // then.
    thread::Builder::new().name("hold".to_owned()).spawn(move || {
        let outcome = seize(thread);
        let failed = outcome.is_err();
        // The caller waits for this one message, so it cannot be lost.
        let _ = held.send(outcome);
        while !failed && matches!(next_change(thread), Ok(Change::Stopped)) {}
    })?;
    holds.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that holds another did not start")))
}

/// Says what became of a seized thread.
enum Change {
    Stopped,
    Ended,
}

fn seize(thread: i32) -> io::Result<()> {
    let nothing = core::ptr::null_mut::<libc::c_void>();
    for request in [libc::PTRACE_SEIZE, libc::PTRACE_INTERRUPT] {
        // SAFETY: both requests take a thread's number and two null pointers, and touch no memory of ours.
        Errno::result(unsafe { libc::ptrace(request, thread, nothing, nothing) })?;
    }
    match next_change(thread)? {
        Change::Stopped => Ok(()),
        Change::Ended => Err(Errno::ESRCH.into()),
    }
}

fn next_change(thread: i32) -> io::Result<Change> {
    let mut status = 0;
    loop {
        // SAFETY: `status` lives until the call returns.
        match Errno::result(unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) }) {
            Ok(_) if libc::WIFSTOPPED(status) => return Ok(Change::Stopped),
            Ok(_) => return Ok(Change::Ended),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::process::Command;

    use nix::sys::signal::Signal;

    use super::*;
    use crate::net::Child;
    use crate::net::testing::becomes_readable;

    #[test]
    fn a_held_thread_stands_still_and_can_be_killed() {
        let mut child = Child::spawn(Command::new("sleep").arg("30"), &[]).unwrap();
        let process = child.id().cast_signed();

        hold_thread(find_thread(process, "sleep").unwrap()).unwrap();

        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        assert!(stat.contains(") t "), "not stopped by a tracer: {stat}");
        child.kill(Signal::SIGKILL).unwrap();
        assert!(becomes_readable(&child));
        child.wait().unwrap();
    }

    #[test]
    fn a_thread_that_is_not_there_cannot_be_held() {
        let this = std::process::id().cast_signed();

        assert_eq!(find_thread(this, "no such name").unwrap_err().kind(), io::ErrorKind::NotFound);
        // A thread of the own process cannot be traced.
        assert!(hold_thread(this).is_err());
    }
}
