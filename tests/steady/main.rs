//! When nothing changes, the election asks for no memory: neither its core, nor the thread that hears, decides and sends.
//!
//! A binary of its own, since the allocator that counts is everybody's.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod allocator;

mod engine;
mod router;
