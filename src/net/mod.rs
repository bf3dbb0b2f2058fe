//! Sockets, netlink, clocks and namespaces: the only place that talks to the kernel directly, and the only one with `unsafe`.
#![allow(unsafe_code)]

mod capture;
mod clock;
mod control_message;
mod filter;
mod frame_socket;
mod freezer;
mod held_thread;
mod instance_lock;
pub mod link;
pub mod namespace;
pub mod netlink;
mod peer;
pub mod privileges;
mod process;
mod readable;
mod realtime;
mod sentry;
mod shared;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
pub(crate) mod testing;
mod thread_state;
mod timer;
mod vrrp_socket;
mod wake;

pub use capture::{Capture, Frame};
pub use clock::{boot_nanos, clock_is_synchronised, wall_nanos};
pub use frame_socket::FrameSocket;
pub use freezer::{Freezer, Hierarchy};
pub use held_thread::hold_thread;
pub use instance_lock::{InstanceLock, LockError};
pub use namespace::Namespace;
pub use netlink::Netlink;
pub use peer::Peer;
pub use process::{Child, Signals, inherited, leave_open, to_be_closed_first};
pub use readable::Readable;
pub use realtime::{go_first, go_realtime, lock_memory};
pub use sentry::{Mac, Sentry, Sighting};
pub use shared::Table;
pub use thread_state::{ThreadState, find_thread, thread_state};
pub use timer::Timer;
pub use vrrp_socket::{Datagram, GROUP_V4, GROUP_V6, ReceiveError, VrrpSocket};
pub use wake::Wake;
