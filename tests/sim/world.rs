//! Nodes on a LAN: real routers, a kernel and a gate that answer late, and faults.
//!
//! Time is nanoseconds since the start of the world. Nothing here is random except through [`Random`].

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use vipd::election::{
    Action, Drain, Effective, Epoch, Event, Fault, Gate, Heard, Instant, Router, Settings, StateName, Transition,
};
use vrrp_packet::{Interval, Priority, Version};

use crate::random::Random;

pub(crate) const MS: u64 = 1_000_000;
const INTERVAL: u64 = 10 * MS;
/// How long the kernel keeps the addresses of a process that does not renew them.
const LEASE: u64 = 300 * MS;
/// The longest that the fake kernel takes for a claim or a withdrawal.
const SLOWEST_KERNEL: u64 = 50 * MS;
/// The longest that the fake gate takes.
const SLOWEST_GATE: u64 = 30 * MS;
/// A message's longest way: with priorities 50 apart Skew_Time leaves a successor 1.95 ms to be heard by the next,
/// and that is the way of two messages.
const QUIET_LAN: u64 = 900_000;
/// The same where nothing is promised of who takes over.
pub(crate) const CONGESTED_LAN: u64 = 5 * MS;
/// The longest that a take-over takes beyond Active_Down_Interval.
pub(crate) const SLOWEST_TAKEOVER: u64 = QUIET_LAN + SLOWEST_KERNEL + SLOWEST_GATE;
/// Two holders must be one again this long after messages flow and processes run: an advertisement, its way, and the
/// withdrawal that it provokes.
const DUAL_BOUND: u64 = INTERVAL + CONGESTED_LAN + SLOWEST_KERNEL;

/// What happens to the world from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    Crash {
        node: usize,
        guarded: bool,
    },
    Restart {
        node: usize,
    },
    Freeze {
        node: usize,
    },
    Thaw {
        node: usize,
    },
    Cut {
        from: usize,
        to: usize,
    },
    Mend {
        from: usize,
        to: usize,
    },
    Loss {
        once_in: u64,
    },
    Tell {
        node: usize,
        event: Event,
    },
    /// The gate and the kernel of a node refuse, or serve again.
    Refuse {
        node: usize,
        refuses: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Happening(Happening),
    Deliver { to: usize, heard: Heard },
    Kernel { node: usize, life: u32, epoch: Epoch, wanted: bool },
    GateAnswers { node: usize, life: u32, event: Event },
    Cleanup { node: usize, life: u32 },
}

pub(crate) struct Node {
    router: Router,
    settings: Settings,
    running: bool,
    frozen_since: Option<u64>,
    /// Counts restarts: what belonged to an earlier process reaches nobody.
    life: u32,
    held: Option<Epoch>,
    /// The last order to the address thread; an older one is void.
    ordered: Option<(Epoch, bool)>,
    gate_open: bool,
    refuses: bool,
    spoke: Option<(Epoch, u64)>,
    inbox: Vec<Item>,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) takeovers: Vec<(u64, usize)>,
    pub(crate) timeline: Vec<String>,
    queue: BTreeMap<(u64, u64), Item>,
    numbered: u64,
    random: Random,
    cut: Vec<(usize, usize)>,
    loss: Option<u64>,
    pub(crate) longest_way: u64,
    /// Until when dual ownership is somebody else's fault.
    disturbed_until: u64,
    dual_since: Option<u64>,
    steps_now: u32,
    tells: bool,
}

pub(crate) type Outcome = Result<(), String>;

impl World {
    pub(crate) fn new(seed: u64, count: usize, tells: bool) -> Self {
        let mut random = Random::new(seed);
        let gated = random.once_in(3);
        let preempt = random.once_in(2);
        // Three equals may all take over in the same millisecond: the protocol tells only two of them apart in time.
        let equal = count == 2 && random.once_in(4);
        let nodes = (0..count).map(|index| {
            let last = u8::try_from(index).unwrap_or(u8::MAX);
            let settings = Settings {
                version: Version::V3,
                priority: Priority::new(if equal { 100 } else { 200 - 50 * last }),
                interval: Interval::from_centis(1).expect("1 is in range"),
                preempt,
                preempt_delay: Duration::ZERO,
                startup_delay: Duration::ZERO,
                fast_handover: count == 2,
                probe: None,
                gate: gated.then_some(Gate { bound: Duration::from_millis(40) }),
                source: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last + 1)),
                drained: false,
            };
            Node::new(settings)
        });
        let nodes = nodes.collect();
        let mut world = Self {
            now: 0,
            nodes,
            takeovers: Vec::new(),
            timeline: Vec::new(),
            queue: BTreeMap::new(),
            numbered: 0,
            random,
            cut: Vec::new(),
            loss: None,
            longest_way: QUIET_LAN,
            disturbed_until: 0,
            dual_since: None,
            steps_now: 0,
            tells,
        };
        for node in 0..count {
            world.at(0, Happening::Restart { node });
        }
        world
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub(crate) fn at(&mut self, time: u64, happening: Happening) {
        self.schedule(time, Item::Happening(happening));
    }

    fn schedule(&mut self, time: u64, item: Item) {
        self.numbered += 1;
        self.queue.insert((time, self.numbered), item);
    }

    pub(crate) fn holders(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].held.is_some()).collect()
    }

    /// Runs until `end`.
    ///
    /// # Errors
    /// Names the promise that was broken.
    pub(crate) fn run(&mut self, end: u64) -> Outcome {
        loop {
            let timer = (0..self.nodes.len()).filter_map(|node| Some((self.nodes[node].deadline()?, node))).min();
            let item = self.queue.first_key_value().map(|((time, _), _)| *time);
            let next = item.into_iter().chain(timer.map(|(time, _)| time)).min().map(|time| time.max(self.now));
            let Some(next) = next.filter(|time| *time <= end) else { break };
            self.steps_now = if next == self.now { self.steps_now + 1 } else { 0 };
            self.now = next;
            if self.steps_now > 1_000 {
                return Err("time stands still: a deadline does not move".to_owned());
            }
            if item.is_some_and(|time| time <= next) {
                if let Some((_, item)) = self.queue.pop_first() {
                    self.happens(item)?;
                }
            } else if let Some((_, node)) = timer {
                self.tell(node, Event::Timeout)?;
            }
            self.audit()?;
        }
        self.now = end;
        self.audit()
    }

    fn happens(&mut self, item: Item) -> Outcome {
        match item {
            Item::Happening(Happening::Tell { node, .. })
            | Item::Deliver { to: node, .. }
            | Item::Kernel { node, .. }
            | Item::GateAnswers { node, .. }
                if self.nodes[node].frozen_since.is_some() =>
            {
                self.nodes[node].inbox.push(item);
            }
            Item::Happening(happening) => return self.strike(happening),
            Item::Deliver { to, heard } => return self.tell(to, Event::Advertisement(heard)),
            Item::Kernel { node, life, epoch, wanted } => return self.kernel(node, life, epoch, wanted),
            Item::GateAnswers { node, life, event } if self.nodes[node].life == life => {
                self.nodes[node].gate_open = matches!(event, Event::GateOpened { .. });
                return self.tell(node, event);
            }
            Item::GateAnswers { .. } => {}
            Item::Cleanup { node, life } => {
                let node = &mut self.nodes[node];
                if node.life == life && (!node.running || node.frozen_since.is_some()) {
                    node.held = None;
                }
            }
        }
        Ok(())
    }

    /// The address thread of a node has carried out an order.
    fn kernel(&mut self, index: usize, life: u32, epoch: Epoch, wanted: bool) -> Outcome {
        let node = &mut self.nodes[index];
        if node.life != life || !node.running || node.ordered != Some((epoch, wanted)) {
            return Ok(());
        }
        let (held, answer) = match (wanted, node.refuses) {
            (true, false) => (Some(epoch), Event::AddressesClaimed { epoch }),
            (true, true) => (None, Event::ClaimFailed { epoch }),
            (false, _) => (None, Event::AddressesWithdrawn { epoch }),
        };
        node.held = held;
        self.tell(index, answer)
    }

    fn strike(&mut self, happening: Happening) -> Outcome {
        self.note(|| format!("{happening:?}"));
        self.disturbed_until = self.disturbed_until.max(self.now);
        match happening {
            Happening::Crash { node: index, guarded } => {
                let stays = if guarded { self.random.within(0..20) * MS } else { LEASE };
                self.disturbed_until = self.disturbed_until.max(self.now + stays);
                let node = &mut self.nodes[index];
                node.running = false;
                node.frozen_since = None;
                node.inbox.clear();
                let life = node.life;
                self.schedule(self.now + stays, Item::Cleanup { node: index, life });
            }
            Happening::Restart { node } => {
                if !self.nodes[node].running {
                    let fresh = Node::new(self.nodes[node].settings);
                    let life = self.nodes[node].life + 1;
                    self.nodes[node] = Node { running: true, life, ..fresh };
                    self.tell(node, Event::Started)?;
                    self.tell(node, Event::Readiness(true))?;
                }
            }
            Happening::Freeze { node: index } => {
                let node = &mut self.nodes[index];
                node.frozen_since = Some(self.now).filter(|_| node.running);
                self.schedule(self.now + LEASE, Item::Cleanup { node: index, life: self.nodes[index].life });
            }
            Happening::Thaw { node } => return self.thaw(node),
            Happening::Cut { from, to } => self.cut.push((from, to)),
            Happening::Mend { from, to } => self.cut.retain(|link| *link != (from, to)),
            Happening::Loss { once_in } => self.loss = Some(once_in).filter(|often| *often > 0),
            Happening::Tell { node, event } => return self.tell(node, event),
            Happening::Refuse { node, refuses } => self.nodes[node].refuses = refuses,
        }
        Ok(())
    }

    /// A process runs again; whether its timer or its sockets wake it first is chance.
    fn thaw(&mut self, index: usize) -> Outcome {
        if self.nodes[index].frozen_since.take().is_none() {
            return Ok(());
        }
        if self.random.once_in(2) {
            self.tell(index, Event::Timeout)?;
        }
        for item in core::mem::take(&mut self.nodes[index].inbox) {
            self.happens(item)?;
        }
        let node = &self.nodes[index];
        match node.ordered {
            Some((epoch, true)) if node.held.is_none() => self.tell(index, Event::AddressesLost { epoch }),
            Some(_) | None => Ok(()),
        }
    }

    fn tell(&mut self, index: usize, event: Event) -> Outcome {
        let node = &mut self.nodes[index];
        if !node.running {
            return Ok(());
        }
        let mut actions = Vec::new();
        node.router.handle(Instant::from_nanos(self.now), event, &mut actions);
        actions.into_iter().try_for_each(|action| self.carry_out(index, action))
    }

    fn carry_out(&mut self, index: usize, action: Action) -> Outcome {
        let node = &mut self.nodes[index];
        let life = node.life;
        match action {
            Action::SendAdvertisement { priority } => return self.send(index, priority),
            Action::Claim { epoch } | Action::Withdraw { epoch } => {
                let wanted = matches!(action, Action::Claim { .. });
                if wanted && node.settings.gate.is_some() && !node.gate_open {
                    return Err(format!("node {index} claims past its gate"));
                }
                node.ordered = Some((epoch, wanted));
                let slow = if self.random.once_in(8) { SLOWEST_KERNEL } else { 2 * MS };
                let done = self.now + self.random.within(0..slow);
                self.schedule(done, Item::Kernel { node: index, life, epoch, wanted });
            }
            Action::OpenGate { epoch } | Action::CloseGate { epoch } => {
                let event = match action {
                    Action::OpenGate { .. } if node.refuses => Event::GateRefused { epoch },
                    Action::OpenGate { .. } => Event::GateOpened { epoch },
                    _ => Event::GateClosed { epoch },
                };
                let done = self.now + self.random.within(0..SLOWEST_GATE);
                self.schedule(done, Item::GateAnswers { node: index, life, event });
            }
            Action::Announce | Action::Probe { .. } => {}
            Action::Report(Transition { from, to, cause, .. }) => {
                self.note(|| format!("node {index}: {from:?} -> {to:?}, {cause:?}"));
                if to == StateName::Active && from != to {
                    self.takeovers.push((self.now, index));
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, index: usize, priority: Priority) -> Outcome {
        let node = &mut self.nodes[index];
        if priority.is_release() && node.held.is_some() {
            return Err(format!("rule 8: node {index} says Priority 0 and holds the addresses"));
        }
        let epoch = node.router.view().epoch;
        let silent = node.spoke.filter(|(spoken, _)| *spoken == epoch).map_or(0, |(_, at)| self.now - at);
        if node.held.is_some() && silent >= 3 * INTERVAL {
            return Err(format!("rule 11: node {index} speaks after {silent} ns of silence and holds the addresses"));
        }
        node.spoke = Some((epoch, self.now));
        let heard = Heard { source: node.settings.source, priority, interval: node.settings.interval };
        for to in (0..self.nodes.len()).filter(|to| *to != index) {
            let lost = self.loss.is_some_and(|once_in| self.random.once_in(once_in));
            if !lost && !self.cut.contains(&(index, to)) {
                let arrival = self.now + self.random.within(MS / 20..self.longest_way);
                self.schedule(arrival, Item::Deliver { to, heard });
            }
        }
        self.tell(index, Event::Sent)
    }

    /// Checks after every step what must always hold.
    fn audit(&mut self) -> Outcome {
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.running && node.held.is_some()) {
            match node.router.view().state {
                StateName::Claiming | StateName::Active | StateName::Releasing => {}
                state @ (StateName::Initialize | StateName::Backup | StateName::Aside | StateName::Opening) => {
                    return Err(format!("node {index} holds the addresses in {state:?}"));
                }
            }
        }
        let disturbed = self.loss.is_some()
            || !self.cut.is_empty()
            || self.nodes.iter().any(|node| node.frozen_since.is_some() && node.held.is_some());
        if disturbed {
            self.disturbed_until = self.disturbed_until.max(self.now);
        }
        if self.nodes.iter().filter(|node| node.held.is_some()).count() < 2 {
            self.dual_since = None;
            return Ok(());
        }
        let since = *self.dual_since.get_or_insert(self.now);
        let unexcused = self.now.saturating_sub(since.max(self.disturbed_until));
        if unexcused > DUAL_BOUND {
            return Err(format!("nodes {:?} hold the addresses together for {unexcused} ns", self.holders()));
        }
        Ok(())
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if self.tells {
            self.timeline.push(format!("{:>12.3} ms  {}", self.now as f64 / MS as f64, what()));
        }
    }
}

impl Node {
    fn new(settings: Settings) -> Self {
        Self {
            router: Router::new(settings),
            settings,
            running: false,
            frozen_since: None,
            life: 0,
            held: None,
            ordered: None,
            gate_open: false,
            refuses: false,
            spoke: None,
            inbox: Vec::new(),
        }
    }

    fn deadline(&self) -> Option<u64> {
        let awake = self.running && self.frozen_since.is_none();
        self.router.next_deadline().filter(|_| awake).map(Instant::as_nanos)
    }

    /// Active_Down_Interval of a node that follows another of the same interval.
    pub(crate) fn active_down_interval(&self) -> u64 {
        let span = self.settings.interval.active_down_interval(self.settings.version, self.settings.priority);
        u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Words that scenarios use.
pub(crate) const DRAIN: Event = Event::Drain(Drain::Watched);
pub(crate) const FAULT: Event = Event::EffectivePriority(Effective::Fault(Fault::Check));
