//! `vipd drill`: proves failover on this machine.

use super::args::{DrillArgs, Global};
use super::exit::{Exit, Failure, Outcome};

/// Plays the scenarios and reports what a client saw.
pub(super) fn execute(_args: &DrillArgs, _global: &Global) -> Outcome {
    Err(Failure::new(Exit::Failed, "`vipd drill` is not built yet"))
}
