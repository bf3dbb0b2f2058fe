//! Two nodes on one wire, and the agents that run on them: what the interoperability tests and the take-over
//! measurement share.
//!
//! Everything lives in network namespaces and a temporary directory; nothing outlives the values made here.

mod agent;
pub(crate) mod frr;
mod keepalived;
pub(crate) mod lab;
mod setting;
mod vipd;

use core::time::Duration;
use std::thread;
use std::time::Instant;

pub(crate) use agent::{Agent, Product};
pub(crate) use lab::{Lab, Side};
pub(crate) use setting::{Cast, Credentials, Setting};

/// Asks again and again, every few milliseconds, until there is an answer or the time is up.
pub(crate) fn poll_until<T>(within: Duration, mut question: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = question() {
            return Some(answer);
        }
        if begun.elapsed() >= within {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}
