//! What the tests of this module share: throw-away network namespaces and bounded waiting.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::thread::JoinHandleExt;
use std::process::Command;
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::Signal;

use super::privileges::{Capability, missing};

/// Runs a test on a thread with a network namespace of its own, in which `lo` is up.
pub(crate) fn in_namespace<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    let wanted = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
    if let Some(missing) = missing(&wanted).first() {
        panic!("this test makes a network namespace and needs {missing}: run it as root");
    }
    let finished = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            ip("link set lo up");
            test()
        });
        thread.join()
    });
    finished.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Joins two namespaces by a cable: `near` lies in the one that the thread is in, `far` in the other.
pub(crate) struct Cable {
    near: File,
    far: File,
}

impl Cable {
    /// Lays a cable; the near end has 10.0.0.1/24 and fe80::1, the far end 10.0.0.2/24 and fe80::2.
    pub(crate) fn lay() -> Self {
        let near = current_namespace();
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let far = current_namespace();
        setns(&near, CloneFlags::CLONE_NEWNET).unwrap();
        let path = format!("/proc/{}/fd/{}", std::process::id(), far.as_raw_fd());
        ip(&format!("link add near type veth peer name far netns {path}"));
        let cable = Self { near, far };
        configure("near", 1);
        cable.at_far_end(|| configure("far", 2));
        wait_until_active("near");
        cable.at_far_end(|| wait_until_active("far"));
        cable
    }

    /// Does something in the namespace of the far end; what it opens stays there.
    pub(crate) fn at_far_end<T>(&self, action: impl FnOnce() -> T) -> T {
        setns(&self.far, CloneFlags::CLONE_NEWNET).unwrap();
        let result = action();
        setns(&self.near, CloneFlags::CLONE_NEWNET).unwrap();
        result
    }
}

fn configure(interface: &str, host: u8) {
    // Without generated addresses and duplicate detection the link is ready at once.
    ip(&format!("link set {interface} addrgenmode none up"));
    ip(&format!("address add 10.0.0.{host}/24 dev {interface}"));
    ip(&format!("address add fe80::{host}/64 dev {interface} nodad"));
}

/// Waits until frames no longer vanish: a worker of the kernel sets up the queue some time after both ends are up.
fn wait_until_active(interface: &str) {
    while !ip(&format!("link show {interface}")).contains("state UP") {
        thread::yield_now();
    }
    // The worker holds the lock that this change takes, so it has finished.
    ip(&format!("link set {interface} mtu 1500"));
}

fn current_namespace() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

/// Runs `ip` in the thread's network namespace, and returns what it prints.
pub(crate) fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Waits at most two seconds until something can be read.
pub(crate) fn becomes_readable(source: &impl AsFd) -> bool {
    poll_for(source, 2000)
}

/// Tells whether something can be read now.
pub(crate) fn is_readable(source: &impl AsFd) -> bool {
    poll_for(source, 0)
}

fn poll_for(source: &impl AsFd, milliseconds: u16) -> bool {
    let mut descriptors = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
    poll(&mut descriptors, PollTimeout::from(milliseconds)).unwrap() == 1
}

/// Sends a signal to one thread, which must have it blocked, not to the whole test process.
pub(crate) fn interrupt<T>(thread: &JoinHandle<T>, signal: Signal) {
    // SAFETY: the thread has not been joined, so its handle is still valid.
    let result = unsafe { libc::pthread_kill(thread.as_pthread_t(), signal as libc::c_int) };
    assert_eq!(result, 0, "the thread has ended");
}
