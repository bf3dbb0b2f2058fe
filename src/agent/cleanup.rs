//! What the guardian does for a dead agent: the addresses leave, then Priority 0.

use core::num::NonZeroU64;
use core::time::Duration;
use std::io;

use vrrp_packet::Sequence;

use crate::config::Loaded;
use crate::engine::SigningClock;
use crate::guardian::{Cleanup, Table};
use crate::net::wall_nanos;
use crate::{dataplane, engine};

use super::applied::{AppliedConfig, AppliedError};
use super::ledger::form_of_word;
use super::{now, plans};

/// Returns the clock to sign with: the one of the agent before, whatever the wall clock has done since, or a new one.
pub(super) fn signing_clock(table: &Table) -> SigningClock {
    match table.clock() {
        Some((offset, confirmed)) => SigningClock::carry_on(now(), offset, confirmed),
        None => SigningClock::start(now(), wall_nanos()),
    }
}

/// Cleans up with sockets of its own: whatever held up the agent does not hold up these.
pub struct AfterTheAgent {
    loaded: Loaded,
    /// What was in each place last: a router that leaves is not configured any more, but may still hold its addresses.
    places: Vec<Option<(dataplane::Plan, engine::Plan)>>,
}

impl AfterTheAgent {
    /// Begins with the configuration that the first agent runs with.
    pub fn new(loaded: Loaded) -> Self {
        let mut cleanup = Self { loaded, places: Vec::new() };
        cleanup.renumber();
        cleanup
    }

    /// Returns what the first agent is told.
    ///
    /// # Errors
    /// None that could happen: a configuration can always be written.
    pub fn applied(&self) -> Result<Vec<u8>, AppliedError> {
        AppliedConfig::first(&self.loaded).encode()
    }

    fn place(&mut self, places: &[usize]) {
        let config = &self.loaded.config;
        let plans = plans::for_addresses(config).into_iter().zip(plans::for_election(config, &[]));
        for (&place, (mut addresses, election)) in places.iter().zip(plans) {
            if self.places.len() <= place {
                self.places.resize_with(place + 1, || None);
            }
            if let Some((former, _)) = self.places[place].take() {
                // What is not planned any more may not have gone yet.
                let gone = former.addresses.into_iter().filter(|it| !addresses.addresses.contains(it));
                let gone: Vec<_> = gone.collect();
                addresses.addresses.extend(gone);
            }
            self.places[place] = Some((addresses, election));
        }
    }

    fn known(&self, router: usize) -> io::Result<&(dataplane::Plan, engine::Plan)> {
        self.places.get(router).and_then(Option::as_ref).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Cleanup for AfterTheAgent {
    fn follow(&mut self, applied: &[u8]) -> io::Result<()> {
        let (applied, loaded) = AppliedConfig::decode(applied).map_err(io::Error::other)?;
        self.loaded = loaded;
        self.place(&applied.places);
        Ok(())
    }

    fn longest_leave(&self) -> Duration {
        plans::longest_leave(&self.loaded.config)
    }

    fn renumber(&mut self) {
        self.places.clear();
        let places: Vec<usize> = (0..self.loaded.config.virtual_routers.len()).collect();
        self.place(&places);
    }

    fn withdraw(&mut self, router: usize) -> io::Result<()> {
        dataplane::remove_all(&self.known(router)?.0).map_err(io::Error::other)
    }

    fn release(&mut self, router: usize, table: &Table) -> io::Result<()> {
        let (addresses, election) = self.known(router)?;
        let plans = self.places.iter().flatten().map(|(plan, _)| plan);
        let state = dataplane::survey(plans, addresses).map_err(io::Error::other)?;
        let source = state.source(election.family, election.source);
        let (Some(index), Some(source)) = (state.index, source) else {
            return Err(io::Error::from_raw_os_error(libc::ENETDOWN));
        };
        let clock = signing_clock(table);
        let form = table.form(router).map(form_of_word);
        engine::say_farewell(election, index, source, form, |guard| {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::config::Config;

    fn loaded(routers: &[(&str, &str)]) -> Loaded {
        let entry = |(index, (name, addresses)): (usize, &(&str, &str))| {
            format!("  - {{ name: {name}, interface: eth0, vrid: {}, addresses: {addresses} }}\n", index + 1)
        };
        let entries: String = routers.iter().enumerate().map(entry).collect();
        Config::parse(&format!("virtual_routers:\n{entries}"), "vipd.yaml".as_ref()).unwrap()
    }

    fn addresses(cleanup: &AfterTheAgent, place: usize) -> Vec<String> {
        let (plan, _) = cleanup.known(place).unwrap();
        plan.addresses.iter().map(|planned| planned.address.to_string()).collect()
    }

    fn follow(cleanup: &mut AfterTheAgent, loaded: &Loaded, places: &[usize]) {
        let applied = AppliedConfig { places: places.to_vec(), ..AppliedConfig::first(loaded) };
        cleanup.follow(&applied.encode().unwrap()).unwrap();
    }

    #[test]
    fn a_router_that_is_leaving_is_cleaned_up_by_what_it_was() {
        let mut cleanup = AfterTheAgent::new(loaded(&[("a", "[10.0.0.1]"), ("b", "[10.0.0.2]")]));

        // a starts anew in a place of its own, b is removed.
        follow(&mut cleanup, &loaded(&[("a", "[10.0.0.3]")]), &[2]);

        assert_eq!(addresses(&cleanup, 0), ["10.0.0.1"]);
        assert_eq!(addresses(&cleanup, 1), ["10.0.0.2"]);
        assert_eq!(addresses(&cleanup, 2), ["10.0.0.3"]);
    }

    #[test]
    fn an_address_that_was_just_taken_out_is_removed_too() {
        let mut cleanup = AfterTheAgent::new(loaded(&[("a", "[10.0.0.1, 10.0.0.2]")]));

        follow(&mut cleanup, &loaded(&[("a", "[10.0.0.2, 10.0.0.3]")]), &[0]);

        assert_eq!(addresses(&cleanup, 0), ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
    }

    #[test]
    fn leaving_takes_as_long_as_the_slowest_router_may_need() {
        let slow = "virtual_routers: [{ name: a, interface: eth0, vrid: 1, addresses: [10.0.0.1], advertisement_interval: 40s }]";
        let mut cleanup = AfterTheAgent::new(loaded(&[("a", "[10.0.0.1]")]));
        assert_eq!(cleanup.longest_leave(), Duration::from_micros(3_609_375));

        follow(&mut cleanup, &Config::parse(slow, "vipd.yaml".as_ref()).unwrap(), &[0]);

        assert!(cleanup.longest_leave() > Duration::from_secs(120), "{:?}", cleanup.longest_leave());
    }

    #[test]
    fn the_next_agent_numbers_its_routers_from_the_start() {
        let mut cleanup = AfterTheAgent::new(loaded(&[("a", "[10.0.0.1]")]));
        follow(&mut cleanup, &loaded(&[("b", "[10.0.0.2]")]), &[1]);

        cleanup.renumber();

        assert_eq!(addresses(&cleanup, 0), ["10.0.0.2"]);
        assert!(cleanup.known(1).is_err());
    }
}
