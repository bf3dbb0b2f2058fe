//! The election thread: drives `election/`, owns its sockets and timers.

mod counters;
mod handle;

pub use counters::{Counter, Counters, Discard};
pub use handle::{Busy, Command, Handle, Inbox, Published, Snapshot, channel};
