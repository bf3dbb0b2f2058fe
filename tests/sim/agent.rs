//! The election thread of a node: it drives the real router, in the order in which the engine does.

use vipd::election::{Action, Cause, Event, Heard, Instant, Router, Settings, StateName, Transition};
use vipd::engine::{Rhythm, is_unrenewed, was_away};

use crate::addresses::Order;
use crate::clock::MS;
use crate::laws::{Laws, Step};
use crate::node::Node;
use crate::outside::{Outside, Takeover};
use crate::queue::{Answer, Item};
use crate::setup::{MOST, address_of, nanos};

/// How long a silent host is asked.
const QUESTIONS: u64 = 20 * MS;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Inbound {
    Heard(Heard),
    Answered(Answer),
    Told(Event),
}

#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) router: Router,
    actions: Vec<Action>,
    /// What waits for the thread to run.
    pub(crate) inbox: Vec<Inbound>,
    /// What its timer is armed for, by the node's clock.
    pub(crate) armed: u64,
    /// When it last advertised.
    pub(crate) vouched: u64,
    /// The interval that its last advertisement carried: the peers count by it.
    pledged: u64,
    /// When the address thread last renewed the lease.
    pub(crate) renewed: Option<u64>,
    pub(crate) unrenewed: bool,
    pub(crate) laws: Laws,
    gate_ticket: u32,
    pub(crate) gate_open: bool,
    /// When an agent that was told to leave ends at the latest.
    pub(crate) stop_by: Option<u64>,
}

impl Agent {
    pub(crate) fn new(settings: Settings, now: u64) -> Self {
        Self {
            router: Router::new(settings),
            actions: Vec::with_capacity(16),
            inbox: Vec::new(),
            armed: now,
            vouched: 0,
            pledged: 0,
            renewed: None,
            unrenewed: false,
            laws: Laws::new(settings),
            gate_ticket: 0,
            gate_open: false,
            stop_by: None,
        }
    }

    /// Whether the peers hold this node for Active.
    pub(crate) fn speaks(&self) -> bool {
        speaks(self.router.view().state)
    }
}

pub(crate) fn speaks(state: StateName) -> bool {
    match state {
        StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
        StateName::Initialize | StateName::Backup | StateName::Aside => false,
    }
}

impl Node {
    /// One turn of the election thread: hear, decide, act, and wait again.
    pub(crate) fn turn(&mut self, out: &mut Outside) {
        if !self.election_runs() {
            return;
        }
        let now = self.clock(out);
        let interval = self.settings.interval.duration();
        let Some(agent) = &mut self.agent else { return };
        let late = Instant::from_nanos(now).since(Instant::from_nanos(agent.armed));
        if was_away(late, interval) {
            // Packets that were queued meanwhile are old news.
            agent.inbox.retain(|inbound| !matches!(inbound, Inbound::Heard(_)));
            self.handle(Event::Stalled { by: late }, out);
        }
        let mut inbox = self.agent.as_mut().map(|agent| core::mem::take(&mut agent.inbox)).unwrap_or_default();
        for inbound in inbox.drain(..) {
            match inbound {
                Inbound::Heard(heard) => self.handle(Event::Advertisement(heard), out),
                Inbound::Answered(answer) => self.take_answer(answer, out),
                Inbound::Told(event) => self.take_command(event, out),
            }
        }
        self.watch_renewal(out);
        let due = |agent: &Agent| agent.router.next_deadline().is_some_and(|at| at.as_nanos() <= now);
        if self.agent.as_ref().is_some_and(due) {
            self.handle(Event::Timeout, out);
        }
        if let Some(agent) = self.agent.as_mut().filter(|agent| agent.inbox.is_empty()) {
            agent.inbox = inbox;
        }
        self.rest(out);
    }

    /// Promises to run again, and arms the timer for it.
    fn rest(&mut self, out: &mut Outside) {
        let now = self.clock(out);
        let Some(agent) = &mut self.agent else { return };
        let left = agent.router.view().state == StateName::Initialize;
        if agent.stop_by.is_some_and(|at| left || now >= at) {
            self.leave_service(out);
            return;
        }
        let interval = agent.speaks().then(|| self.settings.interval.duration());
        let rhythm = Rhythm::of(interval);
        let beat = now + nanos(rhythm.within);
        let deadline = agent.router.next_deadline().map_or(u64::MAX, Instant::as_nanos);
        agent.armed = beat.min(deadline).min(agent.stop_by.unwrap_or(u64::MAX));
        self.promise_election(rhythm, out);
    }

    fn take_answer(&mut self, answer: Answer, out: &mut Outside) {
        let event = match answer {
            Answer::Claimed(epoch) => Event::AddressesClaimed { epoch },
            Answer::ClaimFailed(epoch) => Event::ClaimFailed { epoch },
            Answer::Withdrawn(epoch) => {
                self.guard.table.set_claimed(0, None);
                Event::AddressesWithdrawn { epoch }
            }
            Answer::Lost(epoch) => Event::AddressesLost { epoch },
            Answer::GateOpened(epoch) => Event::GateOpened { epoch },
            Answer::GateRefused(epoch) => Event::GateRefused { epoch },
            Answer::GateClosed(epoch) => Event::GateClosed { epoch },
            Answer::Claimable => Event::Readiness(self.ready()),
            Answer::Started => {
                self.handle(Event::EffectivePriority(self.effective()), out);
                Event::Started
            }
        };
        self.handle(event, out);
    }

    fn take_command(&mut self, event: Event, out: &mut Outside) {
        let now = self.clock(out);
        out.told += 1;
        let Some(agent) = &mut self.agent else { return };
        if event == Event::Shutdown {
            agent.stop_by = Some(now + nanos(self.settings.longest_leave()));
        }
        self.handle(event, out);
        if matches!(event, Event::Settings(_)) {
            self.handle(Event::EffectivePriority(self.effective()), out);
        }
    }

    /// Ownership rule 13.
    fn watch_renewal(&mut self, out: &mut Outside) {
        let now = self.instant(out);
        let lease = self.lease().map(|seconds| core::time::Duration::from_secs(seconds.into()));
        let Some(agent) = &mut self.agent else { return };
        let renewed = agent.renewed.map(Instant::from_nanos).zip(lease);
        let unrenewed = renewed.is_some_and(|(at, lease)| is_unrenewed(now, at, lease));
        if core::mem::replace(&mut agent.unrenewed, unrenewed) != unrenewed {
            self.handle(Event::EffectivePriority(self.effective()), out);
        }
    }

    /// Hands an event to the router and does what it asks for, in order.
    fn handle(&mut self, event: Event, out: &mut Outside) {
        let now = self.instant(out);
        let Some(agent) = &mut self.agent else { return };
        agent.actions.clear();
        self.hand_over(now, event, out);
        let mut next = 0;
        while let Some(action) = self.agent.as_ref().and_then(|agent| agent.actions.get(next)).copied() {
            next += 1;
            self.act(now, action, out);
        }
    }

    /// The router decides, and the laws judge.
    fn hand_over(&mut self, now: Instant, event: Event, out: &mut Outside) {
        let Some(agent) = &mut self.agent else { return };
        let first = agent.actions.len();
        let before = agent.router.view();
        agent.router.handle(now, event, &mut agent.actions);
        let after = agent.router.view();
        let step = Step { now, event, before, after, actions: &agent.actions[first..] };
        if let Err(broken) = agent.laws.judge(&step) {
            out.broke(|| format!("node {}: {broken}; {event:?} made of {before:?} this: {after:?}", self.index));
        }
    }

    fn act(&mut self, now: Instant, action: Action, out: &mut Outside) {
        let node = self.index;
        match action {
            Action::SendAdvertisement { priority } => self.send(now, priority, out),
            Action::Claim { epoch } => {
                self.guard.table.set_claimed(0, core::num::NonZeroU64::new(epoch.0));
                let gate = self.settings.gate.is_none() || self.agent.as_ref().is_some_and(|agent| agent.gate_open);
                out.check(gate, || format!("node {node} claims past its gate"));
                if let Some(agent) = &mut self.agent {
                    agent.vouched = now.as_nanos();
                    agent.pledged = nanos(self.settings.interval.duration());
                }
                self.order(Order::Claim(epoch), out);
            }
            Action::Withdraw { epoch } => self.order(Order::Withdraw(epoch), out),
            Action::Announce => self.announce(out),
            Action::OpenGate { epoch } | Action::CloseGate { epoch } => {
                let opens = matches!(action, Action::OpenGate { .. });
                let Some(agent) = &mut self.agent else { return };
                agent.gate_ticket += 1;
                let ticket = agent.gate_ticket;
                let gate = self.settings.gate.map_or(1, |gate| nanos(gate.bound));
                let at = out.now + out.random.within(gate / 8..gate.max(8));
                out.queue.push(at, Item::GateDone { node, life: self.life, ticket, epoch, opens });
            }
            Action::Probe { peer, silence } => {
                let asked = (0..MOST).find(|&node| u8::try_from(node).is_ok_and(|node| address_of(node) == peer));
                let host = asked.unwrap_or(MOST);
                let answered = out.network.answers(host, node);
                let at = out.now + QUESTIONS;
                out.queue.push(at, Item::Asked { node, life: self.life, host, answered, silence: silence.as_nanos() });
            }
            Action::Report(transition) => self.report(transition, out),
        }
    }

    fn announce(&mut self, out: &mut Outside) {
        let node = self.index;
        let here = self.holds();
        out.note(|| format!("node {node}: announces{}", if here { "" } else { ", but the addresses are not here" }));
        if here && !self.ills.link_down {
            out.network.announcer = Some(node);
        }
    }

    /// The gate answers at once, unless something else was asked of it since.
    pub(crate) fn gate_done(&mut self, ticket: u32, answer: [Answer; 3], opens: bool, out: &mut Outside) {
        let refuses = self.ills.gate_refuses;
        let Some(agent) = self.agent.as_mut().filter(|agent| agent.gate_ticket == ticket) else { return };
        let [opened, refused, closed] = answer;
        agent.gate_open = opens && !refuses;
        let answer = if !opens {
            closed
        } else if refuses {
            refused
        } else {
            opened
        };
        agent.inbox.push(Inbound::Answered(answer));
        self.turn(out);
    }

    fn report(&mut self, transition: Transition, out: &mut Outside) {
        let Transition { from, to, cause, .. } = transition;
        let node = self.index;
        out.transitions += 1;
        out.note(|| format!("node {node}: {from:?} -> {to:?}, {cause:?}"));
        self.guard.table.set_active(0, speaks(to));
        match cause {
            Cause::Drained => self.drained = true,
            Cause::Resumed | Cause::DrainRefused => self.drained = false,
            _ => {}
        }
        if speaks(to) && !speaks(from) {
            out.takeovers.push(Takeover { at: out.now, by: node });
        }
    }

    fn send(&mut self, now: Instant, priority: vrrp_packet::Priority, out: &mut Outside) {
        if self.ills.link_down || self.ills.sends_fail {
            return;
        }
        let node = self.index;
        let heard = Heard { source: self.settings.source, priority, interval: self.settings.interval };
        self.check_speech(now, priority, out);
        out.sent += 1;
        let Outside { now: at, queue, random, network, .. } = out;
        network.send(*at, node, heard, queue, random);
        if let Some(agent) = &mut self.agent
            && !priority.is_release()
        {
            agent.vouched = now.as_nanos();
            agent.pledged = nanos(self.settings.interval.duration());
        }
        self.hand_over(now, Event::Sent, out);
    }

    /// What may never be said.
    fn check_speech(&mut self, now: Instant, priority: vrrp_packet::Priority, out: &mut Outside) {
        let node = self.index;
        let here = self.kernel.address.is_some() && !self.kernel.is_leftover;
        let open = self.agent.as_ref().is_some_and(|agent| agent.gate_open);
        if priority.is_release() {
            out.check(!here, || format!("rule 8: node {node} says Priority 0 and has the addresses"));
            out.check(!open, || format!("rule 8: node {node} says Priority 0 before its gate is closed"));
        } else if let Some(agent) = &self.agent {
            let silent = now.as_nanos().saturating_sub(agent.vouched);
            let bearable = agent.pledged * 3;
            let began = now.since(agent.router.view().since).is_zero();
            let away = here && !began && agent.vouched > 0 && silent >= bearable;
            out.check(!away, || format!("rule 11: node {node} speaks after {silent} ns and has the addresses"));
        }
    }

    /// The agent has left in order: its guardian follows it.
    fn leave_service(&mut self, out: &mut Outside) {
        out.note(|| format!("node {}: the service has ended", self.index));
        self.finish_in_the_kernel(out);
        if !self.ills.withdrawals_fail {
            self.kernel.address = None;
        }
        self.agent = None;
        self.guard.end();
    }
}
