//! What the guardian does for a dead agent: the addresses leave, then Priority 0.

use core::num::NonZeroU64;
use std::io;

use vrrp_packet::Sequence;

use crate::config::Config;
use crate::engine::SigningClock;
use crate::guardian::{Cleanup, Table};
use crate::net::wall_nanos;
use crate::{dataplane, engine};

use super::{now, plans};

/// Returns the clock to sign with: the one of the agent before, whatever the wall clock has done since, or a new one.
pub(super) fn signing_clock(table: &Table) -> SigningClock {
    match table.clock_offset() {
        Some(offset) => SigningClock::carry_on(now(), offset),
        None => SigningClock::start(now(), wall_nanos()),
    }
}

/// Cleans up with sockets of its own: whatever held up the agent does not hold up these.
pub struct AfterTheAgent {
    addresses: Vec<dataplane::Plan>,
    election: Vec<engine::Plan>,
}

impl AfterTheAgent {
    /// Takes what it needs from the configuration that the agent runs with.
    pub fn new(config: &Config) -> Self {
        Self { addresses: plans::for_addresses(config), election: plans::for_election(config, &[]) }
    }

    fn known<T>(plans: &[T], router: usize) -> io::Result<&T> {
        plans.get(router).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Cleanup for AfterTheAgent {
    fn withdraw(&mut self, router: usize) -> io::Result<()> {
        dataplane::remove_all(Self::known(&self.addresses, router)?).map_err(io::Error::other)
    }

    fn release(&mut self, router: usize, table: &Table) -> io::Result<()> {
        let plan = Self::known(&self.election, router)?;
        let state = dataplane::survey(&self.addresses, router).map_err(io::Error::other)?;
        let source = state.source(plan.family, plan.source);
        let (Some(index), Some(source)) = (state.index, source) else {
            return Err(io::Error::from_raw_os_error(libc::ENETDOWN));
        };
        let clock = signing_clock(table);
        engine::say_farewell(plan, index, source, |guard| {
            let last = table.sequence(router).map(|bits| Sequence::from_bits(bits.get()));
            let sequence = Sequence::next_to_send(clock.read(now()), last, guard);
            // The agent that is started next must not use it again.
            if let Some(bits) = NonZeroU64::new(sequence.to_bits()) {
                table.set_sequence(router, bits);
            }
            sequence
        })
    }
}
