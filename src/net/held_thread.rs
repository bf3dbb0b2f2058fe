//! Stops one thread of a process and lets the others run, as a hang would: what a drill does to an agent.

use std::io;
use std::sync::mpsc::sync_channel;
use std::thread;

use nix::errno::Errno;

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
    use std::fs;
    use std::process::Command;

    use nix::sys::signal::Signal;

    use super::*;
    use crate::net::testing::becomes_readable;
    use crate::net::{Child, find_thread};

    #[test]
    fn a_held_thread_stands_still_and_can_be_killed() {
        let child = Child::spawn(Command::new("sleep").arg("30"), &[]).unwrap();
        let process = child.id().cast_signed();

        hold_thread(find_thread(process, "sleep").unwrap()).unwrap();

        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        assert!(stat.contains(") t "), "not stopped by a tracer: {stat}");
        child.kill(Signal::SIGKILL).unwrap();
        // Whoever holds it waits for its end, and has no parent's claim to spare here.
        assert!(becomes_readable(&child));
    }

    #[test]
    fn a_thread_of_the_own_process_cannot_be_held() {
        let this = std::process::id().cast_signed();

        assert!(hold_thread(this).is_err());
    }
}
