//! The guardian of a node: the real watch, the real backoff, the real order of cleaning up, the real shared table.

use core::time::Duration;
use std::io;
use std::rc::Rc;

use vipd::dataplane::lease::promised_within;
use vipd::election::Heard;
use vipd::engine::Rhythm;
use vipd::guardian::{Backoff, Cleanup, Promise, Table, Thread, Verdict, Watch, clean_up};
use vrrp_packet::Priority;

use crate::clock::MS;
use crate::node::Node;
use crate::outside::Outside;
use crate::queue::Item;
use crate::setup::nanos;

/// How often the addresses of an agent that does not die are looked for, and a thread that the kernel holds up.
const SWEEP: u64 = 250 * MS;

#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) table: Rc<Table>,
    watch: Watch,
    backoff: Backoff,
    runs: bool,
    started: u64,
    look_at: Option<u64>,
    /// Whether the kernel did not remove what a dead agent held: the next agent will try again.
    pub(crate) has_failed: bool,
    /// Set when it has given up on an agent that is not dead yet.
    condemned: Option<Condemned>,
}

#[derive(Clone, Copy, Debug)]
struct Condemned {
    held: bool,
    sweep_at: u64,
}

impl Guard {
    pub(crate) fn new(table: Rc<Table>) -> Self {
        Self {
            table,
            watch: Watch::default(),
            backoff: Backoff::default(),
            runs: false,
            started: 0,
            look_at: None,
            has_failed: false,
            condemned: None,
        }
    }

    /// Begins anew, as after its own start.
    pub(crate) fn begin(&mut self) {
        *self = Self::new(Rc::clone(&self.table));
        self.runs = true;
        self.table.set_claimed(0, None);
        self.table.set_active(0, false);
    }

    pub(crate) fn end(&mut self) {
        self.runs = false;
        self.look_at = None;
        self.condemned = None;
    }

    pub(crate) fn runs(&self) -> bool {
        self.runs
    }

    pub(crate) fn is_condemned(&self) -> bool {
        self.condemned.is_some()
    }

    /// Watches an agent from its start.
    pub(crate) fn watch_anew(&mut self, now: u64) {
        for thread in [Thread::Election, Thread::Address] {
            self.table.promise(thread, None);
        }
        (self.watch, self.look_at, self.condemned, self.started) = (Watch::default(), None, None, now);
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        let sweep = self.condemned.map(|condemned| condemned.sweep_at);
        if self.runs { self.look_at.into_iter().chain(sweep).min() } else { None }
    }
}

/// What the guardian can do with the addresses and the wire.
struct Hands<'n, 'o> {
    node: &'n mut Node,
    out: &'o mut Outside,
}

impl Cleanup for Hands<'_, '_> {
    fn follow(&mut self, _applied: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn longest_leave(&self) -> Duration {
        self.node.settings.longest_leave()
    }

    fn renumber(&mut self) {}

    fn withdraw(&mut self, _router: usize) -> io::Result<()> {
        if self.node.ills.withdrawals_fail {
            self.node.guard.has_failed = true;
            return Err(io::ErrorKind::Other.into());
        }
        self.node.kernel.address = None;
        Ok(())
    }

    fn release(&mut self, _router: usize, _table: &Table) -> io::Result<()> {
        let Self { node, out } = self;
        if node.ills.link_down || node.ills.sends_fail {
            return Err(io::ErrorKind::NetworkDown.into());
        }
        let index = node.index;
        out.check(node.kernel.address.is_none(), || format!("rule 8: the guardian of node {index} says Priority 0"));
        let settings = node.settings;
        let heard = Heard { source: settings.source, priority: Priority::RELEASE, interval: settings.interval };
        let Outside { now, queue, random, network, .. } = &mut **out;
        network.send(*now, index, heard, queue, random);
        Ok(())
    }
}

impl Node {
    pub(crate) fn promise_election(&mut self, rhythm: Rhythm, out: &Outside) {
        let Rhythm { again_within, at_last_within, .. } = rhythm;
        self.promise(Thread::Election, again_within, at_last_within, out);
    }

    pub(crate) fn promise_addresses(&mut self, out: &Outside) {
        self.promise(Thread::Address, promised_within(self.addresses.has_addresses()), None, out);
    }

    fn promise(&mut self, thread: Thread, within: Duration, at_last: Option<Duration>, out: &Outside) {
        let now = self.clock(out);
        let until = now + nanos(within);
        let at_last = at_last.map_or(u64::MAX, |at_last| now + nanos(at_last));
        self.guard.table.promise(thread, Some(Promise { until, at_last }));
        // The guardian is woken where something is promised for sooner than before.
        self.guard.look_at = Some(self.guard.look_at.map_or(until, |at| at.min(until)));
    }

    /// Does what is due of the guardian.
    pub(crate) fn watch(&mut self, out: &mut Outside) {
        let now = self.clock(out);
        if self.ills.guardian_frozen || self.guard.deadline().is_none_or(|at| now < at) {
            return;
        }
        if let Some(condemned) = &mut self.guard.condemned {
            condemned.sweep_at = now + SWEEP;
            if condemned.held && !self.ills.withdrawals_fail {
                self.kernel.address = None;
            }
            self.guard.look_at = None;
            return;
        }
        let held_up = self.addresses_run() && self.addresses.is_in_the_kernel();
        let promise = |thread| {
            let Promise { until, at_last } = self.guard.table.promised(thread)?;
            let excused = thread == Thread::Address && held_up && now >= until;
            Some(if excused { at_last.min(now + SWEEP) } else { until })
        };
        let promises = [Thread::Election, Thread::Address].map(promise);
        match self.guard.watch.look(now, promises) {
            Verdict::Alive(next) => self.guard.look_at = next,
            Verdict::Stuck(thread) => self.condemn(thread, out),
        }
    }

    /// Gives up on the agent: kills it, and cleans up without waiting for its death.
    fn condemn(&mut self, thread: Thread, out: &mut Outside) {
        out.note(|| format!("node {}: the guardian gives up on the agent: {thread:?}", self.index));
        self.guard.table.supersede();
        let sweep_at = self.clock(out) + SWEEP;
        self.guard.look_at = None;
        self.guard.condemned = Some(Condemned { held: self.guard.table.claimed(0).is_some(), sweep_at });
        self.clean_up_soon(out);
        // What its control group has frozen dies when it thaws.
        if !(self.ills.frozen && self.ills.cgroup) {
            self.die(out);
        }
    }

    fn clean_up_soon(&mut self, out: &mut Outside) {
        let slowest = self.setup.kernel.max(self.ills.slow_kernel);
        let at = out.now + out.random.within(20_000..slowest.max(20_001));
        out.queue.push(at, Item::CleansUp { node: self.index, life: self.life });
    }

    pub(crate) fn clean_up(&mut self, out: &mut Outside) {
        if !self.guard.runs || self.ills.guardian_frozen {
            return;
        }
        let table = Rc::clone(&self.guard.table);
        clean_up(&table, &mut Hands { node: self, out });
    }

    /// The guardian learns that its agent is dead: cleans up, and starts the next one after a wait.
    pub(crate) fn bury(&mut self, out: &mut Outside) {
        if !self.guard.runs || self.ills.guardian_frozen || self.agent.is_some() {
            return;
        }
        if let Some(Condemned { held: true, .. }) = self.guard.condemned.take() {
            self.guard.table.set_claimed(0, Some(core::num::NonZeroU64::MIN));
        }
        self.guard.look_at = None;
        self.clean_up_soon(out);
        let lived = Duration::from_nanos(self.clock(out) - self.guard.started);
        let wait = nanos(self.guard.backoff.after(lived));
        out.queue.push(out.now + wait, Item::StartsAgent { node: self.index, life: self.life });
    }
}
