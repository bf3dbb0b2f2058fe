//! The election thread: drives `election/`, owns its sockets and timers.
//!
//! Others reach it through [`Handle`], hear of it through [`Notices`], and never touch a router.

use std::io;
use std::thread::{self, JoinHandle};

use crate::dataplane::DataplaneHandle;
use crate::net;

mod answers;
mod counters;
mod handle;
mod inspect;
mod ledger;
mod member;
mod notice;
mod plan;
mod sockets;
mod thread_loop;

pub use answers::{AnswerSender, Answers, answers};
pub use counters::{Counter, Counters, Discard};
pub use handle::{Busy, Command, Handle, Inbox, Published, Snapshot, channel};
pub use ledger::Ledger;
pub use notice::{News, Notice, Notices};
pub use plan::Plan;

/// Holds what the election thread is connected to.
pub struct Connections {
    /// Takes commands and publishes snapshots; one published router for each plan, in their order.
    pub inbox: Inbox,
    /// Brings the address thread's answers.
    pub answers: Answers,
    /// Takes orders for the address thread.
    pub dataplane: DataplaneHandle,
    /// Takes the record for the guardian.
    pub ledger: Box<dyn Ledger>,
}

/// Is the running election thread.
pub struct Running {
    /// Ends when every router has left its role after [`Command::Shutdown`].
    pub thread: JoinHandle<io::Result<()>>,
    /// Tells what happens.
    pub notices: Notices,
    /// Says why the thread has no realtime priority, where one was asked for and refused.
    pub realtime: Result<(), io::Error>,
}
