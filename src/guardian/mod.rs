//! The parent process: starts the agent, and does for it what it can no longer do when it has died or does not run.
//!
//! It starts no thread and no runtime, and uses nothing but `net`: what is this small and this idle outlives the agent.
//! What the agent holds it learns from a [`Table`] in shared memory, which the agent writes before it acts.

mod applied;
mod backoff;
mod cleanup;
mod feeder;
mod link;
mod run;
mod table;
mod vigil;
mod watch;

pub use applied::{Applied, TooLong};
pub use backoff::Backoff;
pub use cleanup::{Cleanup, clean_up};
pub use link::{Link, LinkError};
pub use run::{Plan, keep_on_time, run};
pub use table::{Promise, Table, Thread};
pub use watch::{Verdict, Watch};
