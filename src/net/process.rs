//! A child process and signals, both as something that can be polled.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Above what the program opens, below what it may open by default (1024).
const HIGH: RawFd = 1000;

/// Watches over a child process.
///
/// Dropped, it leaves the process alone.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    descriptor: OwnedFd,
}

impl Child {
    /// Starts a command with no signal blocked and with these file descriptors open under the same numbers.
    ///
    /// # Errors
    /// What the kernel says: no such program, no memory, too many processes, a kernel before 5.3.
    pub fn spawn(command: &mut Command, inherited: &[BorrowedFd<'_>]) -> io::Result<Self> {
        let inherited: Vec<RawFd> = inherited.iter().map(AsRawFd::as_raw_fd).collect();
        let prepare = move || {
            for &descriptor in &inherited {
                // SAFETY: changes a flag of a file descriptor of the new process only.
                if unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) } < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            // What `Signals` blocked here would else stay blocked there.
            Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?)
        };
        // SAFETY: between fork and exec only system calls are made: no lock, no allocation.
        unsafe { command.pre_exec(prepare) };
        let mut process = command.spawn()?;
        match open_descriptor(process.id()) {
            Ok(descriptor) => Ok(Self { process, descriptor }),
            Err(error) => {
                // Nobody could watch over it.
                let _ = process.kill().and_then(|()| process.wait());
                Err(error)
            }
        }
    }

    /// Returns the process's number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal to the process, never to another one that got its number.
    ///
    /// # Errors
    /// `ESRCH` where it has ended and was waited for.
    pub fn kill(&self, signal: Signal) -> io::Result<()> {
        let descriptor = self.descriptor.as_raw_fd();
        let no_details = core::ptr::null::<libc::siginfo_t>();
        // SAFETY: takes numbers and a null pointer, which stands for the default details.
        let result =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, descriptor, signal as libc::c_int, no_details, 0) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits until the process ends; returns at once where [`AsFd`] polls readable.
    ///
    /// # Errors
    /// `ECHILD` where somebody else has waited for it.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait()
    }
}

impl AsFd for Child {
    /// Becomes readable when the process ends.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn open_descriptor(process: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only. The child has not been waited for, so its number is still its own.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = RawFd::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it, with close-on-exec set, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Takes a file descriptor that the parent process left open under a number, and keeps it from our own children.
///
/// # Errors
/// `EBADF` where nothing is open under that number.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // A copy, since nothing proves that the number is not somebody else's here.
    // SAFETY: takes numbers; a number that is not open is refused.
    let copy = unsafe {
        libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
        libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0)
    };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Leaves a file descriptor open that the parent process left open under a number, until this process dies; our own children do
/// not get it.
///
/// # Errors
/// `EBADF` where nothing is open under that number.
pub fn leave_open(number: RawFd) -> io::Result<()> {
    // SAFETY: changes a flag of a file descriptor; a number that is not open is refused.
    let result = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Copies a file descriptor to so high a number that the kernel closes it first in a process that inherits it and dies.
///
/// Linux closes what a dead process had open in the opposite order of the numbers (`task_work_run`), and may wait in
/// between: 10 ms or more for each packet socket. Whoever holds the other end of this one need not.
///
/// # Errors
/// What the kernel says: too many files open.
pub fn to_be_closed_first(descriptor: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let high = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, HIGH) };
    if high < 0 {
        // A process that may not have so many files open is noticed a little later.
        return descriptor.try_clone_to_owned();
    }
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}

/// Receives signals as something to poll, in place of being interrupted by them.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Blocks these signals for the calling thread and the threads that it starts later, and collects them.
    ///
    /// # Errors
    /// What the kernel says, in practice only that the process has too many files open.
    pub fn collect(signals: &[Signal]) -> io::Result<Self> {
        let mask: SigSet = signals.iter().copied().collect();
        mask.thread_block()?;
        Ok(Self(SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
    }

    /// Returns the next signal, or `None` where there is none.
    ///
    /// # Errors
    /// What the kernel says; in practice none.
    pub fn next(&self) -> io::Result<Option<Signal>> {
        let Some(details) = self.0.read_signal()? else { return Ok(None) };
        Ok(details.ssi_signo.try_into().ok().and_then(|number: i32| Signal::try_from(number).ok()))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    use std::thread;

    use super::*;
    use crate::net::testing::{becomes_readable, is_readable};

    fn shell(script: &str, inherited: &[BorrowedFd<'_>]) -> Child {
        Child::spawn(Command::new("/bin/sh").args(["-c", script]), inherited).unwrap()
    }

    #[test]
    fn the_end_of_a_child_can_be_polled() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut child = shell(&format!("echo started > /dev/fd/{}; sleep 30", writer.as_raw_fd()), &[writer.as_fd()]);
        reader.read_exact(&mut [0; 8]).unwrap();
        assert!(!is_readable(&child));

        child.kill(Signal::SIGKILL).unwrap();

        assert!(becomes_readable(&child));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(child.kill(Signal::SIGKILL).unwrap_err().raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn a_child_has_only_the_file_descriptors_that_it_was_given() {
        let (mut given, given_writer) = std::io::pipe().unwrap();
        let (mut kept, kept_writer) = std::io::pipe().unwrap();
        let [first, second] = [&given_writer, &kept_writer].map(AsRawFd::as_raw_fd);
        let script = format!("echo given > /dev/fd/{first}; {{ echo kept > /dev/fd/{second}; }} 2> /dev/null");

        shell(&script, &[given_writer.as_fd()]).wait().unwrap();

        drop((given_writer, kept_writer));
        let (mut heard, mut not_heard) = (String::new(), String::new());
        given.read_to_string(&mut heard).unwrap();
        kept.read_to_string(&mut not_heard).unwrap();
        assert_eq!((heard.as_str(), not_heard.as_str()), ("given\n", ""));
    }

    #[test]
    fn what_is_to_be_closed_first_has_the_highest_number() {
        let (reader, _writer) = std::io::pipe().unwrap();

        let high = to_be_closed_first(reader.as_fd()).unwrap();

        assert!(high.as_raw_fd() >= HIGH);
        leave_open(high.as_raw_fd()).unwrap();
        assert_eq!(leave_open(-1).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }

    #[test]
    fn a_collected_signal_can_be_polled_and_does_not_interrupt() {
        thread::spawn(|| {
            let signals = Signals::collect(&[Signal::SIGHUP, Signal::SIGTERM]).unwrap();
            assert_eq!(signals.next().unwrap(), None);

            nix::sys::signal::raise(Signal::SIGHUP).unwrap();

            assert!(becomes_readable(&signals));
            assert_eq!(signals.next().unwrap(), Some(Signal::SIGHUP));
            assert_eq!(signals.next().unwrap(), None);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_child_does_not_inherit_blocked_signals() {
        let status = thread::spawn(|| {
            let _signals = Signals::collect(&[Signal::SIGTERM]).unwrap();
            let mut child = Child::spawn(Command::new("sleep").arg("30"), &[]).unwrap();
            child.kill(Signal::SIGTERM).unwrap();
            child.wait().unwrap()
        })
        .join()
        .unwrap();

        assert_eq!(status.signal(), Some(libc::SIGTERM));
    }
}
