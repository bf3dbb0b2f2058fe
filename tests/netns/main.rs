//! The whole program on real interfaces, in network namespaces of its own.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod drill;
