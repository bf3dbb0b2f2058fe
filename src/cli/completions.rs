//! `vipd completions`: a script for the shell that the user names.

use std::io::{self, Write};

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::exit::{Exit, Outcome, written};

pub(super) fn execute(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vipd", &mut script);
    written(io::stdout().lock().write_all(&script))?;
    Ok(Exit::Done)
}
