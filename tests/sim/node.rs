//! A host: its agent's two threads, its kernel, its guardian, and what is wrong with it.

use vipd::election::{Effective, Event, Fault, Instant, Settings};
use vrrp_packet::Priority;

use crate::addresses::{Addresses, Kernel};
use crate::agent::{Agent, Inbound};
use crate::guard::Guard;
use crate::outside::Outside;
use crate::queue::{Answer, Item};
use crate::setup::NodeSetup;

/// What is wrong with a node at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Ills {
    pub(crate) down: bool,
    pub(crate) frozen: bool,
    pub(crate) cgroup: bool,
    pub(crate) guardian_frozen: bool,
    pub(crate) election_wedged: bool,
    pub(crate) addresses_wedged: bool,
    pub(crate) slow_kernel: u64,
    pub(crate) claims_fail: bool,
    pub(crate) withdrawals_fail: bool,
    pub(crate) address_taken: bool,
    pub(crate) unready: bool,
    pub(crate) priority: Option<Priority>,
    pub(crate) check_fails: bool,
    pub(crate) link_down: bool,
    pub(crate) gate_refuses: bool,
    pub(crate) sends_fail: bool,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) index: usize,
    pub(crate) setup: NodeSetup,
    /// What the configuration says now.
    pub(crate) settings: Settings,
    pub(crate) ills: Ills,
    /// Counts agents: what belonged to an earlier one reaches nobody.
    pub(crate) life: u32,
    pub(crate) agent: Option<Agent>,
    pub(crate) addresses: Addresses,
    pub(crate) kernel: Kernel,
    pub(crate) guard: Guard,
    /// Whether the next agent begins drained (ownership rule 9).
    pub(crate) drained: bool,
    /// When something of this node is due, in the world's time.
    pub(crate) due: u64,
}

impl Node {
    pub(crate) fn new(index: usize, setup: &NodeSetup, guard: Guard) -> Self {
        Self {
            index,
            settings: setup.settings,
            setup: setup.clone(),
            ills: Ills::default(),
            life: 0,
            agent: None,
            addresses: Addresses::default(),
            kernel: Kernel::default(),
            guard,
            drained: false,
            due: u64::MAX,
        }
    }

    /// What its clock says.
    pub(crate) fn clock(&self, out: &Outside) -> u64 {
        self.setup.clock.read(out.now)
    }

    pub(crate) fn instant(&self, out: &Outside) -> Instant {
        Instant::from_nanos(self.clock(out))
    }

    pub(crate) fn election_runs(&self) -> bool {
        self.agent.is_some() && !self.ills.frozen && !self.ills.election_wedged
    }

    pub(crate) fn addresses_run(&self) -> bool {
        self.agent.is_some() && !self.ills.frozen && !self.ills.addresses_wedged
    }

    /// Whether clients could reach the addresses here.
    pub(crate) fn holds(&self) -> bool {
        if self.settings.priority.is_owner() {
            return self.agent.as_ref().is_some_and(Agent::speaks) && !self.ills.frozen;
        }
        self.kernel.address.is_some()
    }

    pub(crate) fn effective(&self) -> Effective {
        if self.ills.link_down {
            Effective::Fault(Fault::Deaf)
        } else if self.agent.as_ref().is_some_and(|agent| agent.unrenewed) {
            Effective::Fault(Fault::Unrenewed)
        } else if self.ills.check_fails {
            Effective::Fault(Fault::Check)
        } else {
            Effective::Priority(self.ills.priority.unwrap_or(self.settings.priority))
        }
    }

    /// Whether the node could serve if it became Active.
    pub(crate) fn ready(&self) -> bool {
        !self.ills.address_taken && !self.ills.unready
    }

    /// Starts the agent; the election begins once the address thread has looked around.
    pub(crate) fn start(&mut self, out: &mut Outside) {
        if self.ills.down || self.agent.is_some() {
            return;
        }
        self.life += 1;
        out.note(|| format!("node {}: the agent starts", self.index));
        let settings = Settings { drained: self.drained, ..self.settings };
        let now = self.clock(out);
        self.agent = Some(Agent::new(settings, now));
        self.addresses = Addresses::starting();
        self.guard.watch_anew(now);
        self.work(out);
        self.turn(out);
    }

    /// Tells the election something that came from outside.
    pub(crate) fn tell(&mut self, event: Event, out: &mut Outside) {
        if let Some(agent) = &mut self.agent {
            agent.inbox.push(Inbound::Told(event));
            self.turn(out);
        }
    }

    pub(crate) fn tell_effective(&mut self, out: &mut Outside) {
        let effective = self.effective();
        self.tell(Event::EffectivePriority(effective), out);
    }

    pub(crate) fn tell_readiness(&mut self, out: &mut Outside) {
        let ready = self.ready();
        self.tell(Event::Readiness(ready), out);
    }

    /// An answer to the election thread, a little later.
    pub(crate) fn answer(&self, answer: Answer, out: &mut Outside) {
        let at = out.now + out.random.within(5_000..60_000);
        out.queue.push(at, Item::Answers { node: self.index, life: self.life, answer });
    }

    /// The agent is gone; what its kernel calls had begun is done all the same.
    pub(crate) fn die(&mut self, out: &mut Outside) {
        if self.agent.take().is_none() {
            return;
        }
        out.note(|| format!("node {}: the agent is dead", self.index));
        self.finish_in_the_kernel(out);
        self.addresses = Addresses::default();
        // The next one is another process.
        (self.ills.frozen, self.ills.election_wedged, self.ills.addresses_wedged) = (false, false, false);
        let at = out.now + out.random.within(200_000..2_000_000);
        out.queue.push(at, Item::AgentDied { node: self.index, life: self.life });
    }

    /// Its threads run again.
    pub(crate) fn thaw(&mut self, out: &mut Outside) {
        if self.guard.is_condemned() {
            self.die(out);
            return;
        }
        // Which of the two comes first is the scheduler's choice.
        if out.random.percent(50) {
            self.work(out);
            self.turn(out);
        } else {
            self.turn(out);
            self.work(out);
        }
    }

    /// Computes when something is due.
    pub(crate) fn plan(&mut self) {
        let clock = self.setup.clock;
        let late = self.setup.lateness;
        let local = |at: u64| clock.when(at).saturating_add(late);
        let mut due = self.kernel.expires().unwrap_or(u64::MAX);
        if self.election_runs()
            && let Some(agent) = &self.agent
        {
            due = due.min(local(agent.armed));
        }
        if self.addresses_run()
            && let Some(at) = self.addresses.deadline(self.lease())
        {
            due = due.min(local(at));
        }
        if !self.ills.guardian_frozen
            && let Some(at) = self.guard.deadline()
        {
            due = due.min(local(at));
        }
        self.due = due;
    }

    /// Does what is due.
    pub(crate) fn time_out(&mut self, out: &mut Outside) {
        if self.kernel.expire(out.now) {
            out.note(|| format!("node {}: the lease has ended", self.index));
            self.addresses.gone = true;
        }
        self.work(out);
        if self.election_runs() {
            let now = self.clock(out);
            if self.agent.as_ref().is_some_and(|agent| agent.armed <= now) {
                self.turn(out);
            }
        }
        self.watch(out);
    }

    pub(crate) fn lease(&self) -> Option<u32> {
        (!self.settings.priority.is_owner()).then_some(self.setup.lease)
    }
}
