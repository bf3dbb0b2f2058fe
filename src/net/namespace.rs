//! Network namespaces: made, entered by threads and processes, and gone when nobody holds them.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getegid, geteuid};

/// The calling thread's network namespace.
const OWN: &str = "/proc/thread-self/ns/net";
/// How long a joined thread may take to be gone.
const PATIENCE_MS: u32 = 200;

/// Says why a namespace could not be made or entered.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The kernel does not let this process make network namespaces.
    #[error(
        "making a network namespace needs root (CAP_SYS_ADMIN), or a kernel that lets users make user namespaces: {0}"
    )]
    NotPermitted(#[source] io::Error),
    /// Something on the way failed: a thread, a file, a system call.
    #[error("network namespace: {0}")]
    Thread(#[source] io::Error),
}

/// Holds a network namespace open; it ends with the last holder, process or socket in it.
#[derive(Debug)]
pub struct Namespace(File);

impl Namespace {
    /// Makes an empty network namespace; only a loopback interface is in it, and that is down.
    ///
    /// # Errors
    /// [`NamespaceError::NotPermitted`] without CAP_SYS_ADMIN over the user namespace.
    pub fn new() -> Result<Self, NamespaceError> {
        // Only that thread moves; its namespace stays open through the file when the thread ends.
        let made = thread::scope(|scope| {
            let maker = thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, || {
                unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| NamespaceError::NotPermitted(errno.into()))?;
                File::open(OWN).map_err(NamespaceError::Thread)
            });
            finish(maker.map_err(NamespaceError::Thread)?.join())
        });
        made.map(Self)
    }

    /// Holds the namespace that the calling thread is in.
    ///
    /// # Errors
    /// What opening `/proc/thread-self/ns/net` says.
    pub fn current() -> io::Result<Self> {
        File::open(OWN).map(Self)
    }

    /// Runs a closure on a thread of its own inside and waits for it. Sockets that it opens stay inside.
    ///
    /// # Errors
    /// [`NamespaceError`] where the thread cannot be made or not enter.
    pub fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, || {
                setns(&self.0, CloneFlags::CLONE_NEWNET).map_err(|errno| NamespaceError::Thread(errno.into()))?;
                Ok(inside())
            });
            finish(thread.map_err(NamespaceError::Thread)?.join())
        })
    }

    /// Starts a thread inside that outlives the call.
    ///
    /// # Errors
    /// What the kernel says; a thread that cannot enter ends with its error.
    pub fn spawn_thread<T: Send + 'static>(
        &self,
        name: &str,
        inside: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<io::Result<T>>> {
        let file = self.0.try_clone()?;
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET)?;
            drop(file);
            Ok(inside())
        })
    }

    /// Starts a process inside; the kernel kills it when the thread that called this ends, in whatever way.
    ///
    /// # Errors
    /// What the kernel says of entering, or of the program.
    pub fn spawn(&self, mut command: Command) -> io::Result<Child> {
        let fd = self.0.as_raw_fd();
        // SAFETY: between fork and exec only bare system calls run, which neither allocate nor lock; the descriptor is
        // open, as `self` outlives the call.
        unsafe {
            command.pre_exec(move || {
                setns(BorrowedFd::borrow_raw(fd), CloneFlags::CLONE_NEWNET)?;
                Ok(set_pdeathsig(Signal::SIGKILL)?)
            });
        }
        command.spawn()
    }

    pub(super) fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Passes the panic of a thread on to whoever waited for it.
fn finish<T>(result: thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Tries for a while: a thread that was joined may still be on its way out, and the kernel counts it until it is gone.
fn unshare_alone() -> nix::Result<()> {
    let all = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    for _ in 0..PATIENCE_MS {
        match unshare(all) {
            Err(Errno::EINVAL) => thread::sleep(Duration::from_millis(1)),
            outcome => return outcome,
        }
    }
    unshare(all)
}

/// Makes this process root in user, network and mount namespaces of its own, so that it may make more of them.
///
/// The process must have one thread only.
///
/// # Errors
/// [`NamespaceError::NotPermitted`] where the kernel forbids user namespaces or the process has more threads.
pub fn become_root_in_user_namespace() -> Result<(), NamespaceError> {
    let (user, group) = (geteuid(), getegid());
    unshare_alone().map_err(|errno| NamespaceError::NotPermitted(errno.into()))?;
    // user_namespaces(7): an unprivileged process must give up setgroups before it may map its group.
    fs::write("/proc/self/setgroups", "deny").map_err(NamespaceError::NotPermitted)?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1")).map_err(NamespaceError::NotPermitted)?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1")).map_err(NamespaceError::NotPermitted)
}
