//! Families of scenarios: from a seed to a world, its troubles, and what must come of it.

use vipd::election::{Drain, Settings};
use vrrp_packet::{Interval, Priority};

use crate::clock::{MS, SECOND};
use crate::fault::{Fault, Trouble};
use crate::random::Random;
use crate::setup::{Setup, nanos};

/// What kind of trouble there is, and so how exactly it can be said what must come of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    /// Nothing happens.
    Quiet,
    /// One thing goes wrong with the Active Router, and is put right.
    OneFault,
    /// The Active Router dies while the priorities and the readiness of the others go up and down.
    Flapping,
    /// A stranger claims to be a worse router, and to give up the role.
    Stranger,
    /// The network is cut, and mended.
    Partition,
    /// The operator drains a node that nobody can follow.
    Abandoned,
    /// A node cannot serve for a while.
    Failing,
    /// New settings while the nodes run.
    Reload,
    /// Anything, at once, of any node.
    Storm,
}

/// One world and its troubles. Two of the same seed are equal.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) family: Family,
    pub(crate) setup: Setup,
    pub(crate) troubles: Vec<Trouble>,
    /// By then one node has the role.
    pub(crate) settled: u64,
    /// The sequence of chance that the world goes on with.
    pub(crate) random: Random,
}

impl Scenario {
    pub(crate) fn new(family: Family, seed: u64) -> Self {
        let mut random = Random::new(seed ^ (family as u64).rotate_right(8));
        let setup = if family == Family::Storm { Setup::wild(&mut random) } else { Setup::quiet(&mut random) };
        let bounds = crate::bounds::Bounds::of(&setup, &[]);
        let settled = bounds.no_owner() + bounds.interval;
        let mut scenario = Self { family, setup, troubles: Vec::new(), settled, random: random.clone() };
        scenario.trouble(&mut random);
        scenario.random = random;
        scenario
    }

    /// When the last trouble is over.
    pub(crate) fn over(&self) -> u64 {
        self.troubles.iter().map(|trouble| trouble.at + trouble.lasts).max().unwrap_or(self.settled)
    }

    pub(crate) fn interval(&self) -> u64 {
        self.setup.nodes.iter().map(|node| nanos(node.settings.interval.duration())).max().unwrap_or(SECOND)
    }

    fn trouble(&mut self, random: &mut Random) {
        let interval = self.interval();
        let at = self.settled + random.within(0..interval);
        let last = self.setup.nodes.len() - 1;
        match self.family {
            Family::Quiet => {}
            Family::OneFault => {
                let fault = self.one_fault(random);
                let lasts = match fault {
                    Fault::SendsFail { .. } => 5 * interval,
                    _ => random.within(7..12) * interval + 200 * MS + self.gates(),
                };
                self.add(at, lasts, fault);
            }
            Family::Flapping => {
                self.add(at, 10 * interval + 2 * SECOND, Fault::HostDown { node: 0 });
                for node in 1..=last {
                    let every = random.within(interval / 9..interval);
                    let lower = u8::try_from(random.within(1..60)).unwrap_or(1);
                    let priority = Priority::new(lower);
                    let fault =
                        random.pick(&[Fault::Flapping { node, priority, every }, Fault::Fluttering { node, every }]);
                    let ahead = random.within(0..3 * interval);
                    self.add(at - ahead.min(at), 10 * interval + 2 * SECOND + ahead, fault);
                }
            }
            Family::Stranger => {
                let priority = Priority::new(u8::try_from(random.within(1..15)).unwrap_or(1));
                let every = random.within(interval / 7..interval * 2);
                self.add(at, random.within(3..9) * interval, Fault::Stranger { priority, every });
            }
            Family::Partition => {
                for _ in 0..random.within(1..4) {
                    let (node, other) = (random.index(last + 1), random.index(last));
                    let other = if other >= node { other + 1 } else { other };
                    let fault = match random.within(0..4) {
                        0 => Fault::Isolated { node },
                        1 => Fault::Cut { from: node, to: other },
                        _ => Fault::Parted { one: node, other },
                    };
                    let begin = at + random.within(0..6 * interval);
                    self.add(begin, random.within(1..12) * interval, fault);
                }
            }
            Family::Abandoned => {
                for node in 1..=last {
                    self.add(at, 30 * interval + 4 * SECOND, Fault::HostDown { node });
                }
                let mode = random.pick(&[Drain::Watched, Drain::Watched, Drain::Forced]);
                let lasts = random.within(14..20) * interval + 2 * SECOND;
                self.add(at + interval, lasts, Fault::Drained { node: 0, mode });
            }
            Family::Failing => {
                let node = if random.percent(60) { 0 } else { random.index(last + 1) };
                let fault = match random.within(0..5) {
                    0 | 1 => Fault::ClaimsFail { node },
                    2 => Fault::GateRefuses { node },
                    3 => Fault::SendsFail { node },
                    _ => Fault::AddressTaken { node },
                };
                let from = if random.percent(50) { 0 } else { at };
                self.add(from, random.within(1..12) * SECOND, fault);
                if random.percent(40) {
                    self.add(at, 12 * interval, Fault::HostDown { node: last - node.min(last) });
                }
            }
            Family::Reload => {
                for _ in 0..random.within(1..3) {
                    let node = random.index(last + 1);
                    let settings = self.reloaded(node, random);
                    let begin = at + random.within(0..6 * interval);
                    self.add(begin, random.within(5..12) * interval, Fault::Reloaded { node, settings });
                }
            }
            Family::Storm => {
                for _ in 0..random.within(1..7) {
                    let begin = self.settled / 2 + random.within(0..20 * interval);
                    let long = if random.percent(8) { random.within(1..6) * SECOND } else { 0 };
                    let lasts = random.within(interval / 2..16 * interval) + long;
                    let fault = Fault::any(random, &self.setup);
                    self.add(begin, lasts, fault);
                }
            }
        }
    }

    fn add(&mut self, at: u64, lasts: u64, fault: Fault) {
        self.troubles.push(Trouble { at, lasts, fault });
    }

    fn gates(&self) -> u64 {
        self.setup
            .nodes
            .iter()
            .filter_map(|node| node.settings.gate)
            .map(|gate| 2 * nanos(gate.bound))
            .max()
            .unwrap_or(0)
    }

    /// One fault of the Active Router, which is node 0.
    fn one_fault(&self, random: &mut Random) -> Fault {
        let node = 0;
        if self.setup.nodes[0].settings.priority.is_owner() {
            return random.pick(&[Fault::HostDown { node }, Fault::LinkDown { node }]);
        }
        let cgroup = random.percent(50);
        random.pick(&[
            Fault::HostDown { node },
            Fault::AgentKilled { node },
            Fault::AllKilled { node },
            Fault::Frozen { node, cgroup },
            Fault::Frozen { node, cgroup },
            Fault::AllFrozen { node },
            Fault::ElectionWedged { node },
            Fault::Left { node },
            Fault::Drained { node, mode: Drain::Watched },
            Fault::Drained { node, mode: Drain::Forced },
            Fault::CheckFails { node },
            Fault::LinkDown { node },
            Fault::SendsFail { node },
            Fault::AddressRemoved { node, times: 12 },
        ])
    }

    fn reloaded(&self, node: usize, random: &mut Random) -> Settings {
        let settings = self.setup.nodes[node].settings;
        let centis = settings.interval.centis();
        let interval = match settings.version {
            vrrp_packet::Version::V2 => settings.interval,
            vrrp_packet::Version::V3 => {
                Interval::from_centis(random.pick(&[centis, centis * 2, centis / 2])).unwrap_or(settings.interval)
            }
        };
        Settings { interval, preempt: random.percent(50), ..settings }
    }
}
