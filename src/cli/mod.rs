//! The command line: arguments, one file a subcommand, rendering, exit codes.
//!
//! Only this layer prints and chooses exit codes; everything below returns values and errors.

mod args;
mod check;
mod completions;
pub(crate) mod decode;
mod drain;
mod drill;
mod exit;
mod paint;
mod reload;
mod resume;
mod run;
mod status;
mod table;

use core::future::Future;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::config::{Config, DEFAULT_SOCKET};
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
        Command::Check(args) => check::execute(args, global),
        Command::Status(args) => wait(status::execute(args, &client(global)?)),
        Command::Drain(args) => wait(drain::execute(args, &client(global)?)),
        Command::Reload(args) => wait(reload::execute(args, &client(global)?)),
        Command::Resume(args) => wait(resume::execute(args, &client(global)?)),
        Command::Decode(args) => decode::execute(args),
        Command::Drill(args) => drill::execute(args),
        Command::Completions(args) => completions::execute(args),
    }
}

/// Finds the agent: where the command line says, else where the configuration says, else at the usual place.
fn client(global: &Global) -> Result<Client, Failure> {
    if let Some(socket) = &global.control_socket {
        return Ok(Client::new(socket));
    }
    match Config::load(&global.config) {
        Ok(loaded) => Ok(Client::new(loaded.config.control_socket)),
        // Whoever names a file means the agent of that file, not whichever runs at the usual place.
        Err(error) if global.config != Path::new(args::DEFAULT_CONFIG) => Err(Failure::from(error)
            .hint("name the agent's socket with --control-socket, or a configuration that can be used")),
        Err(_) => Ok(Client::new(DEFAULT_SOCKET)),
    }
}

fn wait(outcome: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("start the runtime: {error}")))?
        .block_on(outcome)
}
