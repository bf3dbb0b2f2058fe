//! The election thread: drives `election/`, owns its sockets and timers.
//!
//! Others reach it through [`Handle`], hear of it through [`Notices`], and never touch a router.

use std::io;
use std::thread::{self, JoinHandle};

use crate::dataplane::DataplaneHandle;
use crate::net;

mod acting;
mod agenda;
mod answers;
mod changing;
mod counters;
mod dating;
mod election_thread;
mod handle;
mod hearing;
mod inspect;
mod ledger;
mod member;
mod notice;
mod plan;
mod pulse;
mod rhythm;
mod signatures;
mod signing_clock;
mod sockets;
mod voice;

pub use answers::{AnswerSender, Answers, answers};
pub use changing::{Change, Newcomer};
pub use counters::{Counter, Counters, Discard};
pub use handle::{Busy, Command, Handle, Inbox, Published, Signing, Snapshot, channel};
pub use ledger::Ledger;
pub use notice::{News, Notice, Notices};
pub use plan::Plan;
pub use rhythm::{Rhythm, is_unrenewed, was_away};
pub use signatures::{Authentication, Mark, Marks, Memory, SENDERS};
pub use signing_clock::SigningClock;
pub use voice::say_farewell;

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
    /// Tells the time that advertisements are signed with.
    pub clock: SigningClock,
}

/// Is the running election thread.
pub struct Running {
    /// Ends when every router has left its role after [`Handle::shut_down`].
    pub thread: JoinHandle<io::Result<()>>,
    /// Tells what happens.
    pub notices: Notices,
    /// Says why the thread has no realtime priority, where one was asked for and refused.
    pub realtime: Result<(), io::Error>,
}

/// Starts the election thread, with SCHED_FIFO of this priority where one is given and permitted.
///
/// # Errors
/// What the kernel says where a descriptor or the thread cannot be had.
pub fn start(plans: Vec<Plan>, connections: Connections, realtime: Option<u8>) -> io::Result<Running> {
    let Connections { inbox, answers, dataplane, ledger, clock } = connections;
    let (teller, notices) = notice::ring()?;
    let members = plans.into_iter().zip(inbox.routers.iter()).enumerate();
    let members =
        members.map(|(index, (plan, published))| member::Member::new(index, plan, published.clone())).collect();
    let engine = election_thread::Engine::new(members, inbox, answers, dataplane, teller, ledger, clock)?;
    let (promoted, promotion) = std::sync::mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("election".to_owned()).spawn(move || {
        // The starter waits for this one message, so it cannot be lost.
        let promotion = realtime.map_or(Ok(()), net::go_realtime);
        if realtime.is_none() || promotion.is_err() {
            // Without permission for either it takes its turn as everybody does.
            let _ = net::go_first();
        }
        let _ = promoted.send(promotion);
        net::privileges::settle()?;
        engine.run()
    })?;
    let realtime = promotion.recv().unwrap_or_else(|_| Err(io::Error::other("the election thread did not start")));
    Ok(Running { thread, notices, realtime })
}
