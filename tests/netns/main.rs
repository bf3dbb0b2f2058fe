//! The real binary in network namespaces: what the wire, the kernel and the user see.
//!
//! It needs root. Every test has a network of its own, so that all of them can run at the same time.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod authentication;
mod bad_input;
mod contention;
mod crash;
mod drill;
mod election;
mod families;
mod freeze;
mod keys;
mod lab;
mod leaving;
mod links;
mod many;
mod memory;
mod ownership;
mod privileges;
mod probing;
mod refusals;
mod reload;
