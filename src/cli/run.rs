//! `vipd run`: the agent in the foreground, under its guardian.
//!
//! The process that the user starts is the guardian; it starts this same program again as the agent.

use std::env;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use tracing::warn;

use crate::agent::{self, AfterTheAgent, AgentError};
use crate::config::{Config, LoadError, Loaded};
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
    let text = match &link {
        // A file that was edited since would name other routers than those that the guardian looks after.
        Some(link) => link.configuration().map_err(|error| {
            Failure::new(Exit::Failed, format_args!("cannot read the configuration that the guardian holds: {error}"))
        })?,
        None => Config::read(&global.config)?,
    };
    let loaded = Config::parse(&text, &global.config).map_err(LoadError::Invalid)?;
    let format = match global.log_format {
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
    };
    logging::start(format, global.verbose);
    match link {
        Some(link) => agent::run(loaded.config, Arc::new(link)).map(|()| Exit::Done).map_err(Failure::from),
        None => guard(&loaded, text),
    }
}

fn guard(loaded: &Loaded, text: String) -> Outcome {
    show_warnings(loaded)?;
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
    let plan = guardian::Plan::new(arguments, loaded.config.virtual_routers.len(), text);
    let code = guardian::run(&plan, &mut AfterTheAgent::new(&loaded.config))
        .map_err(|error| Failure::new(Exit::Failed, format_args!("cannot start the agent: {error}")))?;
    Ok(Exit::from_code(code))
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let exit = match &error {
            AgentError::Control(BindError::System { source, .. })
            | AgentError::Directory { source, .. }
            | AgentError::Drained { source, .. }
            | AgentError::Sequences { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Exit::NotPermitted
            }
            AgentError::Directory { .. }
            | AgentError::Drained { .. }
            | AgentError::Sequences { .. }
            | AgentError::Control(_)
            | AgentError::Start { .. }
            | AgentError::Election(_) => Exit::Failed,
        };
        Self::new(exit, error)
    }
}
