//! `vipd run`: the agent in the foreground, under its guardian.
//!
//! The process that the user starts is the guardian; it starts this same program again as the agent.

use std::env;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use tracing::warn;

use crate::agent::{self, AfterTheAgent, AgentError};
use crate::config::{Config, Loaded};
use crate::control::BindError;
use crate::guardian::{self, Link};
use crate::logging;
use crate::net::{InstanceLock, LockError, privileges};

use super::args::{Global, LogFormat, RunArgs};
use super::check::show_warnings;
use super::exit::{Exit, Failure, Outcome};

/// Runs the agent until it is told to end.
pub(super) fn execute(_args: &RunArgs, global: &Global) -> Outcome {
    let link = Link::from_environment().map_err(|error| Failure::new(Exit::Failed, error))?;
    let format = match global.log_format {
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
    };
    logging::start(format, global.verbose);
    match link {
        Some(link) => agent::run(Arc::new(link)).map(|()| Exit::Done).map_err(Failure::from),
        None => guard(Config::load(&global.config)?),
    }
}

fn guard(loaded: Loaded) -> Outcome {
    show_warnings(&loaded)?;
    let missing = privileges::missing(&privileges::REQUIRED);
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let error = format!("the agent needs {}, which this process does not have", names.join(" and "));
        return Err(Failure::new(Exit::NotPermitted, error)
            .hint("run it as root, or with AmbientCapabilities= under systemd, or --cap-add in a container"));
    }
    for capability in privileges::missing(&privileges::OPTIONAL) {
        warn!("without {capability} the agent runs, but may be late on a busy host");
    }
    give_up_privileges(&loaded.config)?;
    // Held until the guardian ends: the agent that it starts belongs to the same instance.
    let _lock = InstanceLock::acquire().map_err(|error| {
        let hint = match &error {
            LockError::Held => "`vipd status` shows what it does; one agent serves all virtual routers of a host",
            LockError::Kernel(_) => "see what the kernel says",
        };
        Failure::new(Exit::Failed, error).hint(hint)
    })?;
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    // Below the agent's threads, which must be able to show in time that they run.
    guardian::keep_on_time(loaded.config.realtime.priority().map(|priority| priority.saturating_sub(2).max(1)));
    let places = loaded.config.virtual_routers.len() + agent::SPARE_PLACES;
    let mut cleanup = AfterTheAgent::new(loaded);
    let applied = cleanup.applied().map_err(|error| Failure::new(Exit::Failed, error))?;
    let code = guardian::run(&guardian::Plan::new(arguments, places, applied), &mut cleanup)
        .map_err(|error| Failure::new(Exit::Failed, format_args!("cannot start the agent: {error}")))?;
    Ok(Exit::from_code(code))
}

/// Keeps only what vipd works with; guardian and agent have no more from here on.
fn give_up_privileges(config: &Config) -> Result<(), Failure> {
    if let Some(name) = &config.control_group {
        let number = privileges::group(name).map_err(|error| Failure::new(Exit::Failed, error))?;
        let Some(number) = number else {
            return Err(Failure::new(Exit::BadConfig, format_args!("`control.group`: this host has no group {name}"))
                .hint(format!("make it with `groupadd --system {name}`, or name another one")));
        };
        privileges::join_group(number).map_err(|error| {
            Failure::new(
                Exit::NotPermitted,
                format_args!("cannot give the control socket to the group {name}: {error}"),
            )
            .hint("run vipd as root, or as a member of that group")
        })?;
    }
    privileges::restrict()
        .map_err(|error| Failure::new(Exit::Failed, format_args!("cannot give up privileges: {error}")))
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let exit = match &error {
            AgentError::Control(BindError::NotASocket(_)) => Exit::BadConfig,
            AgentError::Control(BindError::System { source, .. }) | AgentError::Directory { source, .. } => {
                exit_of_path(source)
            }
            AgentError::Drained { source, .. } | AgentError::Sequences { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Exit::NotPermitted
            }
            AgentError::Drained { .. }
            | AgentError::Sequences { .. }
            | AgentError::Control(BindError::Taken(_))
            | AgentError::Applied(_)
            | AgentError::Start { .. }
            | AgentError::Election(_) => Exit::Failed,
        };
        let failure = Self::new(exit, &error);
        match error {
            AgentError::Control(BindError::NotASocket(_)) => {
                failure.hint("remove it, or name another path in `control.socket`")
            }
            AgentError::Control(BindError::System { .. }) | AgentError::Directory { .. } => {
                failure.hint("`control.socket` names the path; the directory must be one that vipd may write to")
            }
            AgentError::Control(BindError::Taken(_)) => {
                failure.hint("name another path in `control.socket`: each network namespace has an agent of its own")
            }
            AgentError::Drained { .. }
            | AgentError::Sequences { .. }
            | AgentError::Applied(_)
            | AgentError::Start { .. }
            | AgentError::Election(_) => failure,
        }
    }
}

/// Tells apart what is wrong with the path of the control socket: the rights to it, the path itself, or the moment.
fn exit_of_path(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Exit::NotPermitted,
        io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::ReadOnlyFilesystem => Exit::BadConfig,
        _ => Exit::Failed,
    }
}
