//! The world of the model: nodes with real routers, a LAN, address threads; and each step that it can take.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use vipd::election::{Action, Drain, Effective, Event, Fault, Heard, Instant, Settings, StateName};
use vrrp_packet::{Interval, Priority, Version};

use crate::audit::{self, Audit, Violation};
use crate::node::{Life, Node, Order};
use crate::setup::{Kind, Setup};
use crate::step::Step;

/// What the clock shows in every state of the world: time passes by moving everything else.
pub(crate) const NOW: Instant = Instant::from_nanos(1 << 50);
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// Three intervals without an advertisement: nobody is heard for that long by chance (ownership rule 11).
pub(crate) const ABSENCE: Duration = Duration::from_secs(3);
/// How long the kernel keeps addresses whose lease nobody renews; a call that hangs is over by then, too.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
/// A node that is frozen for this long never comes back. Before that every threshold of the router has been passed.
pub(crate) const BURIAL: Duration = Duration::from_millis(5_500);

/// An advertisement on its way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Message {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) priority: Priority,
    /// It arrives within this span.
    pub(crate) within: Duration,
}

/// Which of a node's messages a cut cable holds back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Ways {
    Out,
    In,
    Both,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) messages: Vec<Message>,
    pub(crate) cut: Option<(usize, Ways)>,
    /// How many faults may still happen.
    pub(crate) faults_left: u8,
    /// How long until the clock stands on a multiple of the tick.
    pub(crate) to_tick: Duration,
    pub(crate) audit: Audit,
}

impl World {
    /// Returns the world just after every node has started.
    pub(crate) fn new(setup: &Setup) -> Self {
        let nodes = (0..setup.priorities.len()).map(|index| Node::new(settings(setup, index))).collect();
        let mut world = Self {
            nodes,
            messages: Vec::new(),
            cut: None,
            faults_left: setup.faults,
            to_tick: setup.tick,
            audit: Audit::default(),
        };
        for index in 0..world.nodes.len() {
            // Nobody has a role that could be broken yet.
            let _ = world.tell(setup, index, Event::Started);
        }
        world
    }

    /// Takes a step and says what it broke, if anything.
    pub(crate) fn take(&mut self, setup: &Setup, step: Step) -> Result<(), Violation> {
        if step.is_fault() {
            self.faults_left -= 1;
        }
        self.audit.expect(setup, step);
        match step {
            Step::Deliver(message) => self.arrive(setup, message)?,
            Step::Lose(message) => self.remove(message),
            Step::Read { node, from, priority } => {
                self.nodes[node].inbox.remove(0);
                self.hear(setup, node, from, priority)?;
            }
            Step::Timeout { node } => self.tell(setup, node, Event::Timeout)?,
            Step::Answer { node } => {
                let event = self.nodes[node].next_answer();
                self.tell(setup, node, event)?;
            }
            Step::Carry { node } => self.carry_order(setup, node, false)?,
            Step::Refuse { node } => self.carry_order(setup, node, true)?,
            Step::Hang { node } => self.nodes[node].hang(),
            Step::Remove { node } | Step::Lapse { node } => self.nodes[node].lapse(),
            Step::Freeze { node, deaf } => self.nodes[node].freeze(deaf),
            Step::Thaw { node } => {
                let deaf = matches!(self.nodes[node].life, Life::Frozen { deaf: true, .. });
                if deaf && !self.nodes[node].distrusts_its_timer() {
                    // It cannot know that it has missed what would have held it back.
                    self.audit.doubt();
                }
                if let Some(event) = self.nodes[node].thaw() {
                    self.tell(setup, node, event)?;
                }
            }
            Step::Bury { node } => self.nodes[node].bury(settings(setup, node)),
            Step::Crash { node } => self.nodes[node].crash(settings(setup, node), setup.kernel),
            Step::Restart { node } => {
                self.nodes[node].life = Life::Runs;
                self.tell(setup, node, Event::Started)?;
            }
            Step::Cut { node, ways } => self.cut = Some((node, ways)),
            Step::Mend => self.cut = None,
            Step::Tell { node, event } => self.tell(setup, node, event)?,
            Step::Wait => self.wait(setup),
        }
        self.settle();
        audit::examine(self, setup)
    }

    /// Brings what has no order into one, so that equal worlds look equal.
    fn settle(&mut self) {
        // Stable: what one node sends to another stays in its order.
        self.messages.sort_by_key(|message| (message.from, message.to));
        for node in &mut self.nodes {
            // Equal advertisements that wait in a socket one after the other count as one.
            node.inbox.dedup();
        }
    }

    fn tell(&mut self, setup: &Setup, index: usize, event: Event) -> Result<(), Violation> {
        let mut actions = Vec::with_capacity(8);
        let node = &mut self.nodes[index];
        let epoch = node.router.view().epoch;
        node.router.handle(NOW, event, &mut actions);
        if node.router.view().epoch != epoch {
            node.outdate_answers();
        }
        let mut next = 0;
        while let Some(&action) = actions.get(next) {
            next += 1;
            audit::examine_action(self, setup, index, action)?;
            match action {
                Action::SendAdvertisement { priority } => {
                    self.send(setup, index, priority);
                    if !priority.is_release() {
                        self.nodes[index].vouched = Duration::ZERO;
                    }
                    self.nodes[index].router.handle(NOW, Event::Sent, &mut actions);
                }
                Action::Claim { .. } => {
                    self.nodes[index].vouched = Duration::ZERO;
                    self.nodes[index].begin(Order::Claim, setup.kernel);
                }
                Action::Withdraw { .. } => self.nodes[index].begin(Order::Withdraw, setup.kernel),
                Action::OpenGate { .. } | Action::CloseGate { .. } => unreachable!("no node has a gate"),
                Action::Probe { .. } => unreachable!("no node probes"),
                Action::Announce | Action::Report(_) => {}
            }
        }
        let router = &mut self.nodes[index].router;
        *router = router.canonical(NOW, NOW);
        Ok(())
    }

    fn send(&mut self, setup: &Setup, from: usize, priority: Priority) {
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            let cut = self.cut.is_some_and(|(node, ways)| match ways {
                Ways::Out => node == from,
                Ways::In => node == to,
                Ways::Both => node == from || node == to,
            });
            if !cut && !matches!(self.nodes[to].life, Life::Down { .. }) {
                self.messages.push(Message { from, to, priority, within: setup.way });
            }
        }
    }

    fn remove(&mut self, message: Message) {
        if let Some(at) = self.messages.iter().position(|other| *other == message) {
            self.messages.remove(at);
        }
    }

    fn arrive(&mut self, setup: &Setup, message: Message) -> Result<(), Violation> {
        self.remove(message);
        let Message { from, to, priority, within: _ } = message;
        match self.nodes[to].life {
            Life::Runs if self.nodes[to].inbox.is_empty() => self.hear(setup, to, from, priority)?,
            Life::Runs | Life::Frozen { deaf: false, .. } => self.nodes[to].inbox.push((from, priority)),
            Life::Frozen { deaf: true, .. } | Life::Down { .. } => {}
        }
        Ok(())
    }

    fn hear(&mut self, setup: &Setup, node: usize, from: usize, priority: Priority) -> Result<(), Violation> {
        self.tell(setup, node, Event::Advertisement(Heard { source: source(from), priority, interval: interval() }))
    }

    /// An address thread has done what it was told, or could not; or the guardian has, for an agent that died.
    fn carry_order(&mut self, setup: &Setup, index: usize, refuses: bool) -> Result<(), Violation> {
        let spoke = self.nodes[index].carry(refuses);
        if self.nodes[index].held {
            self.audit.begin_again();
        }
        if spoke {
            self.send(setup, index, Priority::RELEASE);
        }
        Ok(())
    }

    /// Lets time pass until something is due, or the next tick.
    fn wait(&mut self, setup: &Setup) {
        let span = self.next_stop();
        for node in &mut self.nodes {
            node.age(span);
            node.router = node.router.canonical(NOW + span, NOW);
        }
        for message in &mut self.messages {
            message.within -= span;
        }
        self.to_tick -= span;
        if self.to_tick.is_zero() {
            self.to_tick = setup.tick;
        }
        self.audit.age(span);
    }

    /// Returns how long nothing has to happen; zero where something must happen first.
    pub(crate) fn next_stop(&self) -> Duration {
        let messages = self.messages.iter().map(|message| message.within);
        let nodes = self.nodes.iter().map(Node::patience);
        messages.chain(nodes).fold(self.to_tick, Duration::min)
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.held).map(|(index, _)| index)
    }

    pub(crate) fn state(&self, node: usize) -> StateName {
        self.nodes[node].router.view().state
    }

    /// Lists every step that can come next, each once.
    pub(crate) fn steps(&self, setup: &Setup) -> Vec<Step> {
        let mut steps = Vec::with_capacity(16);
        let may = |kind: Kind| self.faults_left > 0 && setup.kinds.contains(&kind);
        let mut path = None;
        for message in self.messages.iter().copied() {
            // No message overtakes another of its path.
            if path.replace((message.from, message.to)) != Some((message.from, message.to)) {
                steps.push(Step::Deliver(message));
                if may(Kind::Loss) {
                    steps.push(Step::Lose(message));
                }
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            node.steps(index, Priority::new(setup.priorities[index]), may, &mut steps);
        }
        match self.cut {
            Some(_) => steps.push(Step::Mend),
            None if may(Kind::Cut) => {
                // With two nodes it does not matter at which end a cable is cut.
                let ends = if self.nodes.len() == 2 { 1 } else { self.nodes.len() };
                for node in 0..ends {
                    steps.extend([Ways::Out, Ways::In, Ways::Both].map(|ways| Step::Cut { node, ways }));
                }
            }
            None => {}
        }
        if !self.next_stop().is_zero() {
            steps.push(Step::Wait);
        }
        steps
    }
}

/// What the operator and the checks say.
pub(crate) const DRAIN: Event = Event::Drain(Drain::Watched);
pub(crate) const FAULT: Event = Event::EffectivePriority(Effective::Fault(Fault::Check));

pub(crate) fn source(node: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(node + 1).unwrap_or(u8::MAX)))
}

fn interval() -> Interval {
    Interval::from_seconds(1).expect("1 is in range")
}

fn settings(setup: &Setup, node: usize) -> Settings {
    Settings {
        version: Version::V3,
        priority: Priority::new(setup.priorities[node]),
        interval: interval(),
        preempt: setup.preempt,
        preempt_delay: Duration::ZERO,
        startup_delay: Duration::ZERO,
        fast_handover: setup.priorities.len() == 2,
        probe: None,
        gate: None,
        source: source(node),
        drained: false,
    }
}
