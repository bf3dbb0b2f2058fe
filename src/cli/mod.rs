//! The command line: arguments, one file a subcommand, rendering, exit codes.
//!
//! Only this layer prints and chooses exit codes; everything below returns values and errors.

mod args;
mod completions;
mod decode;
mod drain;
mod drill;
mod exit;
mod paint;
mod resume;
mod run;
mod status;
mod table;

use core::future::Future;
use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::control::Client;

pub use args::{Cli, DrillArgs, Global, LogFormat, RunArgs};
pub use exit::{Exit, Failure, Outcome};

use args::Command;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    // clap ends the process itself on bad usage, with code 2.
    let cli = Cli::parse();
    match dispatch(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report(io::stderr().lock());
            failure.exit().into()
        }
    }
}

fn dispatch(cli: &Cli) -> Outcome {
    let global = &cli.global;
    match &cli.command {
        Command::Run(args) => run::execute(args, global),
        Command::Check(_) => Err(Failure::new(Exit::Failed, "x")),
        Command::Status(args) => wait(status::execute(args, &client(global))),
        Command::Drain(args) => wait(drain::execute(args, &client(global))),
        Command::Resume(args) => wait(resume::execute(args, &client(global))),
        Command::Decode(args) => decode::execute(args),
        Command::Drill(args) => drill::execute(args, global),
        Command::Completions(args) => completions::execute(args),
    }
}

fn client(global: &Global) -> Client {
    Client::new(global.control_socket.as_deref().unwrap_or(std::path::Path::new(crate::control::DEFAULT_SOCKET)))
}

fn wait(outcome: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("start the runtime: {error}")))?
        .block_on(outcome)
}
