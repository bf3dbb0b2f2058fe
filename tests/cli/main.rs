//! What a user sees: standard output, standard error and exit code of the real binary.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agent;
mod check;
mod client;
mod decode;
mod help;
mod run;
