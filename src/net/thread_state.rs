//! What the kernel says of the threads of a process: which there are, and what each is doing.

use std::fs;
use std::io;

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

/// Says what keeps a thread from running, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadState {
    /// It runs, or would if it had a CPU.
    Runnable,
    /// It waits inside the kernel, for a lock or a disk, or is frozen.
    InKernel,
    /// It sleeps, or is stopped.
    Idle,
}

/// Returns what a thread is doing.
///
/// # Errors
/// `NotFound` where there is no such thread.
pub fn thread_state(process: i32, thread: i32) -> io::Result<ThreadState> {
    let stat = fs::read_to_string(format!("/proc/{process}/task/{thread}/stat"))?;
    Ok(state(&stat))
}

/// Reads the state from proc_pid_stat(5): the name before it stands in parentheses and may hold any character.
fn state(stat: &str) -> ThreadState {
    match stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()) {
        Some('R') => ThreadState::Runnable,
        Some('D') => ThreadState::InKernel,
        _ => ThreadState::Idle,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::process::Command;

    use nix::sys::signal::Signal;

    use super::*;
    use crate::net::Child;

    #[test]
    fn a_name_in_parentheses_does_not_hide_the_state() {
        assert_eq!(state("17 (a) S (b)) R 1 17"), ThreadState::Runnable);
        assert_eq!(state("17 (addresses) D 1 17"), ThreadState::InKernel);
        assert_eq!(state(""), ThreadState::Idle);
    }

    #[test]
    fn a_thread_that_runs_is_told_from_one_that_is_stopped() {
        let mut child =
            Child::spawn(Command::new("/bin/sh").args(["-c", "while kill -0 $PPID; do :; done"]), &[]).unwrap();
        let process = child.id().cast_signed();
        let is_runnable = || thread_state(process, process).unwrap() == ThreadState::Runnable;
        while !is_runnable() {}

        child.kill(Signal::SIGSTOP).unwrap();

        while is_runnable() {}
        child.kill(Signal::SIGKILL).unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_thread_is_found_by_its_name() {
        let this = std::process::id().cast_signed();
        let named = std::thread::Builder::new().name("find me".to_owned());

        named.spawn(move || assert!(find_thread(this, "find me").unwrap() > 0)).unwrap().join().unwrap();

        assert_eq!(find_thread(this, "no such name").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
