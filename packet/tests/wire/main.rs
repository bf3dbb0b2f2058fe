//! The crate from outside: recorded packets, every refusal, and properties of what it emits.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod announcements;
mod authentication;
mod checksums;
mod emission;
mod parsing;
mod properties;
mod recorded;
mod replay;
mod support;
mod timers;
mod words;
