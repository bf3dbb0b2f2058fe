//! `vipd check`: what is wrong with a configuration, and what it would do on this host.

use std::io::{self, Write};

use crate::agent::host;
use crate::config::{self, Config, HostFacts, LoadError, Loaded};

use super::args::{CheckArgs, Global};
use super::exit::{Exit, Failure, Outcome, written};
use super::paint;

pub(super) fn execute(args: &CheckArgs, global: &Global) -> Outcome {
    let file = args.file.as_ref().unwrap_or(&global.config);
    let loaded = Config::load(file)?;
    let facts = show_warnings(&loaded)?;
    written(io::stdout().lock().write_all(config::describe(&loaded.config, &facts).as_bytes()))?;
    Ok(Exit::Done)
}

/// Shows on standard error what is doubtful about a configuration, by itself and on this host.
///
/// Returns what the host looks like.
///
/// # Errors
/// A failure with [`Exit::BadConfig`] where the configuration cannot work on this host.
pub(super) fn show_warnings(loaded: &Loaded) -> Result<HostFacts, Failure> {
    let facts = host::facts()
        .map_err(|error| Failure::new(Exit::Failed, format!("list the interfaces of this host: {error}")))?;
    let on_host = config::check_host(loaded, &facts);
    let colour = paint::coloured(&io::stderr());
    // Where standard error is closed there is nobody left to warn.
    let _ = write!(io::stderr().lock(), "{}", loaded.warnings.render(colour));
    if on_host.errors() > 0 {
        return Err(Failure::drawn(Exit::BadConfig, on_host.render(colour)));
    }
    let _ = write!(io::stderr().lock(), "{}", on_host.render(colour));
    Ok(facts)
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Invalid(report) => Self::drawn(Exit::BadConfig, report.render(paint::coloured(&io::stderr()))),
            LoadError::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Self::new(Exit::NotPermitted, error).hint("run this as root")
            }
            LoadError::Unreadable { .. } => Self::new(Exit::BadConfig, error)
                .hint("name the configuration with --config FILE; examples/pair.yaml is one to start from"),
            LoadError::NotText { .. } => Self::new(Exit::BadConfig, error).hint("a configuration is YAML in UTF-8"),
        }
    }
}
