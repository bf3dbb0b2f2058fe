//! The measurements, one function for each letter of docs/performance.md.

mod cost;
mod many;
mod pace;
mod start;

use core::time::Duration;
use std::thread;
use std::time::Instant;

pub(crate) use cost::{authentication, memory, per_advertisement};
pub(crate) use many::{announcements, fast, fleet, wires};
pub(crate) use pace::jitter;
pub(crate) use start::{reload, start};

/// Says how much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often what is over soon is repeated.
    pub(crate) runs: usize,
    /// How long a load is watched.
    pub(crate) watch: Duration,
    /// How long a product may take to get as far as a figure begins.
    pub(crate) patience: Duration,
}

impl Effort {
    /// Is enough for the document: some twenty minutes.
    pub(crate) const FULL: Self = Self { runs: 5, watch: Duration::from_secs(60), patience: Duration::from_secs(60) };
    /// Is enough to see whether something went wrong.
    pub(crate) const QUICK: Self = Self { runs: 1, watch: Duration::from_secs(5), patience: Duration::from_secs(15) };
}

/// Asks again and again until there is an answer or the time is up.
pub(crate) fn poll_until<T>(
    within: Duration,
    mut question: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let begun = Instant::now();
    loop {
        let answer = question()?;
        if answer.is_some() || begun.elapsed() >= within {
            return Ok(answer);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
