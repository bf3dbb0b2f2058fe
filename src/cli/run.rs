//! `vipd run`: the agent in the foreground.

use super::args::{Global, RunArgs};
use super::exit::{Exit, Failure, Outcome};

/// Runs the agent until it is told to end.
pub(super) fn execute(_args: &RunArgs, _global: &Global) -> Outcome {
    Err(Failure::new(Exit::Failed, "`vipd run` is not built yet"))
}
