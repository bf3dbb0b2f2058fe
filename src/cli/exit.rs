//! How the program ends: a typed exit code, and for failures a sentence and a hint.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::control::{ClientError, Reason};

/// Tells a script what happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// It was tried and failed.
    Failed = 1,
    /// The command line makes no sense.
    BadUsage = 2,
    /// The configuration cannot be used.
    BadConfig = 3,
    /// No agent answers on the control socket.
    NoAgent = 4,
    /// A permission is missing.
    NotPermitted = 5,
    /// A drill ran and missed its target.
    DrillMissed = 6,
}

impl Exit {
    /// Reads the code that another process of this program ended with.
    pub(super) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Done,
            2 => Self::BadUsage,
            3 => Self::BadConfig,
            4 => Self::NoAgent,
            5 => Self::NotPermitted,
            6 => Self::DrillMissed,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Lists the codes, as every help text ends with them.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  bad usage
  3  bad config
  4  no agent answers
  5  not permitted
  6  a drill missed its target";

/// Says what failed on what, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    exit: Exit,
    message: Message,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Message {
    Sentence { error: String, hint: Option<String> },
    Drawn(String),
}

/// Ends a command: with a code, which may be a failure that is already reported, or with a failure to report.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// Reports `error`, "what failed on what", and ends with `exit`.
    #[expect(clippy::needless_pass_by_value, reason = "callers have an error or a text to give away")]
    pub fn new(exit: Exit, error: impl ToString) -> Self {
        Self { exit, message: Message::Sentence { error: error.to_string(), hint: None } }
    }

    /// Reports a text that already is as it shall look, such as a drawn list of errors.
    pub fn drawn(exit: Exit, text: String) -> Self {
        Self { exit, message: Message::Drawn(text) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        match &mut self.message {
            Message::Sentence { hint, .. } => *hint = Some(text.into()),
            Message::Drawn(drawn) => drawn.push_str(&format!("hint: {}\n", text.into())),
        }
        self
    }

    /// Returns the code that the program ends with.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn report(&self, mut to: impl Write) {
        // Where standard error is closed there is nobody left to tell.
        let _ = match &self.message {
            Message::Sentence { error, hint: Some(hint) } => writeln!(to, "error: {error}\nhint: {hint}"),
            Message::Sentence { error, hint: None } => writeln!(to, "error: {error}"),
            Message::Drawn(text) => write!(to, "{text}"),
        };
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, hint) = match &error {
            ClientError::NoAgent(_) => {
                (Exit::NoAgent, "start it with `vipd run`, or name its socket with --control-socket".to_owned())
            }
            ClientError::Silent(..) => (Exit::NoAgent, "see the agent's log; is its process stopped?".to_owned()),
            ClientError::Denied(_) => {
                (Exit::NotPermitted, "run this as root, or as a member of the group that owns the socket".to_owned())
            }
            ClientError::Refused(problem) => {
                let exit = match problem.reason {
                    Reason::Failed | Reason::Conflict => Exit::Failed,
                    Reason::BadConfig => Exit::BadConfig,
                    Reason::NotPermitted => Exit::NotPermitted,
                };
                if let Some(report) = &problem.report {
                    return Self::drawn(exit, report.clone()).hint(&problem.help);
                }
                (exit, problem.help.clone())
            }
            ClientError::Connection { .. } => (Exit::Failed, "try again; the agent may have just ended".to_owned()),
            ClientError::Protocol { .. } => (Exit::Failed, "use the `vipd` that belongs to the agent".to_owned()),
        };
        Self::new(exit, error).hint(hint)
    }
}

/// Takes the end of writing to standard output: a reader that has gone (`vipd status | head`) is no failure.
pub(super) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_for_others_and_an_agent_that_hangs_have_codes_of_their_own() {
        let socket = std::path::PathBuf::from("/run/vipd/vipd.sock");
        assert_eq!(Failure::from(ClientError::Denied(socket.clone())).exit(), Exit::NotPermitted);
        let patience = core::time::Duration::from_secs(5);
        assert_eq!(Failure::from(ClientError::Silent(socket, patience)).exit(), Exit::NoAgent);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure_but_a_full_disk_is() {
        assert!(written(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(written(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
