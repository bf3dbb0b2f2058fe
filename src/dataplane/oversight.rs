//! Whoever watches over the address thread, as far as the thread knows.

use core::fmt::Debug;
use core::time::Duration;

/// Hears that the thread runs, and tells it when it may not touch an address any more. Nothing here may block.
pub trait Oversight: Debug + Send {
    /// The thread runs. Where it does not do so again within this time it hangs; `None`: it ends.
    fn promise(&self, again_within: Option<Duration>);

    /// Tells whether another process has taken charge of the addresses (ownership rule 12).
    fn is_superseded(&self) -> bool;
}
