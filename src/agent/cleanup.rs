//! What the guardian does for a dead agent: the addresses leave, then Priority 0.

use std::io;

use crate::config::Config;
use crate::guardian::Cleanup;
use crate::{dataplane, engine};

use super::plans;

/// Cleans up with sockets of its own: whatever held up the agent does not hold up these.
pub struct AfterTheAgent {
    addresses: Vec<dataplane::Plan>,
    election: Vec<engine::Plan>,
}

impl AfterTheAgent {
    /// Takes what it needs from the configuration that the agent runs with.
    pub fn new(config: &Config) -> Self {
        Self { addresses: plans::for_addresses(config), election: plans::for_election(config, |_| false) }
    }

    fn known<T>(plans: &[T], router: usize) -> io::Result<&T> {
        plans.get(router).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Cleanup for AfterTheAgent {
    fn withdraw(&mut self, router: usize) -> io::Result<()> {
        dataplane::remove_all(Self::known(&self.addresses, router)?).map_err(io::Error::other)
    }

    fn release(&mut self, router: usize) -> io::Result<()> {
        let plan = Self::known(&self.election, router)?;
        let state = dataplane::survey(&self.addresses, router).map_err(io::Error::other)?;
        let source = state.source(plan.family, plan.source);
        let (Some(index), Some(source)) = (state.index, source) else {
            return Err(io::Error::from_raw_os_error(libc::ENETDOWN));
        };
        engine::say_farewell(plan, index, source)
    }
}
