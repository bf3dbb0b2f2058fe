//! The VRRP state machine, pure: no socket, no thread, no clock.
//!
//! [`Router::handle`] is the whole protocol of one Virtual Router: it takes the time and an event and appends actions.
//! [`Router::next_deadline`] says when it wants to hear [`Event::Timeout`]. Both run unchanged under the engine, the
//! simulator and the model checker.

mod active;
mod backup;
mod canonical;
mod event;
mod opening;
mod operator;
mod probing;
mod reconfigure;
mod releasing;
mod router;
mod settings;
mod state;
mod time;
mod view;
mod words;

pub use event::{Action, Cause, Drain, Effective, Epoch, Event, Fault, Heard, StateName, Transition};
pub use router::Router;
pub(crate) use router::earliest;
pub use settings::{Gate, Probe, Settings};
pub use time::Instant;
pub use view::{Peer, View};

#[cfg(test)]
mod tests;
