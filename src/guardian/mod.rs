//! The parent process: starts the agent, and does for it what it can no longer do when it has died.
//!
//! It starts no thread and no runtime, and uses nothing but `net`: what is this small and this idle outlives the agent.
//! What the agent holds it learns from a [`Table`] in shared memory, which the agent writes before it acts.

mod applied;
mod backoff;
mod link;
mod run;
mod table;

pub use applied::{Applied, TooLong};
pub use backoff::Backoff;
pub use link::{Link, LinkError};
pub use run::{Cleanup, Plan, run};
pub use table::{Table, Thread};
