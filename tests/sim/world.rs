//! The world: what is next happens, and after each step every promise is looked at.

use std::rc::Rc;

use vipd::election::{Event, Heard, Instant};
use vipd::guardian::Table;
use vrrp_packet::Priority;

use crate::agent::Inbound;
use crate::bounds::Bounds;
use crate::fault::{Fault, Trouble};
use crate::guard::Guard;
use crate::invariants::Invariants;
use crate::network::Network;
use crate::node::Node;
use crate::outside::Outside;
use crate::queue::{Answer, Item, Queue};
use crate::random::Random;
use crate::setup::{MOST, Setup, address_of};

/// So many steps at one moment mean that a deadline does not move.
const STEPS_AT_ONCE: u32 = 2_000;

pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) out: Outside,
    pub(crate) troubles: Vec<Trouble>,
    /// The numbers of the troubles that last.
    pub(crate) lasting: Vec<usize>,
    pub(crate) bounds: Bounds,
    pub(crate) invariants: Invariants,
    pub(crate) steps: u64,
}

pub(crate) type Outcome = Result<(), String>;

/// The shared tables of the guardians: made once, since each costs some system calls.
pub(crate) struct Tables(Vec<Rc<Table>>);

impl Tables {
    pub(crate) fn new() -> Self {
        Self((0..MOST).map(|_| Rc::new(Table::create(1).expect("a table needs a page of memory"))).collect())
    }
}

impl World {
    /// Makes a world in which these troubles will come, and starts its nodes.
    pub(crate) fn new(setup: &Setup, troubles: &[Trouble], random: Random, tables: &Tables, tells: bool) -> Self {
        let nodes = setup.nodes.iter().zip(&tables.0).enumerate();
        let nodes: Vec<Node> =
            nodes.map(|(index, (node, table))| Node::new(index, node, Guard::new(Rc::clone(table)))).collect();
        let bounds = Bounds::of(setup, troubles);
        let out = Outside {
            now: 0,
            queue: Queue::default(),
            network: Network::new(nodes.len(), setup.way.clone()),
            random,
            timeline: tells.then(Vec::new),
            broken: None,
            takeovers: Vec::new(),
            sent: 0,
            transitions: 0,
            told: 0,
        };
        let mut world = Self {
            invariants: Invariants::new(nodes.len()),
            nodes,
            out,
            troubles: troubles.to_vec(),
            lasting: Vec::new(),
            bounds,
            steps: 0,
        };
        for (number, trouble) in troubles.iter().enumerate() {
            world.out.queue.push(trouble.at, Item::Begins { trouble: number });
            world.out.queue.push(trouble.at + trouble.lasts, Item::Ends { trouble: number });
        }
        for node in &mut world.nodes {
            node.guard.begin();
            node.start(&mut world.out);
            node.plan();
        }
        world
    }

    pub(crate) fn now(&self) -> u64 {
        self.out.now
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().filter(|node| node.holds()).map(|node| node.index)
    }

    /// The only node that has the addresses.
    pub(crate) fn owner(&self) -> Option<usize> {
        let mut holders = self.holders();
        holders.next().filter(|_| holders.next().is_none())
    }

    /// Runs until `end`.
    ///
    /// # Errors
    /// Names the promise that was broken.
    pub(crate) fn run(&mut self, end: u64) -> Outcome {
        let mut at_once = 0;
        loop {
            let timer = self.nodes.iter().map(|node| (node.due, node.index)).min().unwrap_or((u64::MAX, 0));
            let item = self.out.queue.next().unwrap_or(u64::MAX);
            let next = timer.0.min(item).max(self.out.now);
            if next > end {
                break;
            }
            at_once = if next == self.out.now { at_once + 1 } else { 0 };
            if at_once > STEPS_AT_ONCE {
                self.out.broke(|| "time stands still: a deadline does not move".to_owned());
            }
            self.out.now = next;
            self.steps += 1;
            if item <= timer.0 {
                self.happen();
            } else {
                let node = &mut self.nodes[timer.1];
                node.time_out(&mut self.out);
                node.plan();
            }
            self.audit();
            if let Some(broken) = self.out.broken.take() {
                return Err(broken);
            }
        }
        self.out.now = end;
        Ok(())
    }

    fn happen(&mut self) {
        let Some(item) = self.out.queue.pop() else { return };
        let out = &mut self.out;
        let index = match item {
            Item::Begins { trouble } => return self.strike(trouble, true),
            Item::Ends { trouble } => return self.strike(trouble, false),
            Item::Flaps { trouble, up } => return self.flap(trouble, up),
            Item::Delivery { to, message } => {
                let heard = out.queue.read(message);
                let node = &mut self.nodes[to];
                if let Some(agent) = node.agent.as_mut().filter(|_| !node.ills.link_down) {
                    agent.inbox.push(Inbound::Heard(heard));
                    node.turn(out);
                }
                to
            }
            Item::KernelDone { node, life, work } => {
                self.nodes[node].kernel_done(life, work, out);
                node
            }
            Item::Answers { node, life, answer } => {
                let to = &mut self.nodes[node];
                if let Some(agent) = to.agent.as_mut().filter(|_| to.life == life) {
                    agent.inbox.push(Inbound::Answered(answer));
                    to.turn(out);
                }
                node
            }
            Item::GateDone { node, life, ticket, epoch, opens } => {
                if self.nodes[node].life == life {
                    let answers = [Answer::GateOpened(epoch), Answer::GateRefused(epoch), Answer::GateClosed(epoch)];
                    self.nodes[node].gate_done(ticket, answers, opens, out);
                }
                node
            }
            Item::Asked { node, life, host, answered, silence } => {
                if self.nodes[node].life == life && !answered && !out.network.answers(host, node) {
                    self.nodes[node].tell(Event::HostGone { silence: Instant::from_nanos(silence) }, out);
                }
                node
            }
            Item::AgentDied { node, life } => {
                if self.nodes[node].life == life {
                    self.nodes[node].bury(out);
                }
                node
            }
            Item::CleansUp { node, life } => {
                if self.nodes[node].life == life {
                    self.nodes[node].clean_up(out);
                }
                node
            }
            Item::StartsAgent { node, life } => {
                if self.nodes[node].life == life && self.nodes[node].guard.runs() {
                    self.nodes[node].start(out);
                }
                node
            }
        };
        self.nodes[index].plan();
    }

    /// Priorities and readiness that go up and down, and what a stranger says.
    fn flap(&mut self, trouble: usize, up: bool) {
        if !self.lasting.contains(&trouble) {
            return;
        }
        let out = &mut self.out;
        let every = match self.troubles[trouble].fault {
            Fault::Flapping { node, priority, every } => {
                self.nodes[node].ills.priority = up.then_some(priority);
                self.nodes[node].tell_effective(out);
                self.nodes[node].plan();
                every
            }
            Fault::Fluttering { node, every } => {
                self.nodes[node].ills.unready = up;
                self.nodes[node].tell_readiness(out);
                self.nodes[node].plan();
                every
            }
            Fault::Stranger { priority, every } => {
                let last = u8::try_from(MOST).unwrap_or(5);
                let said = if up { priority } else { Priority::RELEASE };
                let heard =
                    Heard { source: address_of(last), priority: said, interval: self.nodes[0].settings.interval };
                out.told += 1;
                let Outside { now, queue, random, network, .. } = out;
                network.send(*now, MOST, heard, queue, random);
                every
            }
            _ => return,
        };
        self.out.queue.push(self.out.now + every, Item::Flaps { trouble, up: !up });
    }
}
