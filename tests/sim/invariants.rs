//! What must hold after every step, of all nodes together.

use vipd::election::StateName;

use crate::fault::Fault;
use crate::node::Node;
use crate::setup::MOST;
use crate::world::World;

/// How fit a node is to have the addresses, judged by what befell it and not by what its router says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fitness {
    /// It is silent.
    Off,
    /// It may speak but cannot serve.
    Unfit,
    Fit,
}

/// Since when things are as they should not stay, in nanoseconds of the world.
#[derive(Debug)]
pub(crate) struct Invariants {
    fitness: [Fitness; MOST],
    nobody_since: Option<u64>,
    calm_since: u64,
    together_since: [[Option<u64>; MOST]; MOST],
    /// Since when messages flow between two, and their threads and kernels work.
    sound_since: [[u64; MOST]; MOST],
    stopped_since: [Option<u64>; MOST],
    unentitled_since: [Option<u64>; MOST],
    /// How long two nodes had the addresses, all in all.
    pub(crate) together: u64,
    /// How long nobody had them.
    pub(crate) nobody: u64,
    looked_at: u64,
    holders: usize,
    window: Window,
}

/// The advertisements of one interval.
#[derive(Clone, Copy, Default, Debug)]
struct Window {
    ends: u64,
    sent: u64,
    told: u64,
    transitions: u64,
}

impl Invariants {
    pub(crate) fn new(nodes: usize) -> Self {
        assert!(nodes <= MOST, "a world of {nodes} nodes");
        Self {
            fitness: [Fitness::Off; MOST],
            nobody_since: None,
            calm_since: 0,
            together_since: [[None; MOST]; MOST],
            sound_since: [[0; MOST]; MOST],
            stopped_since: [None; MOST],
            unentitled_since: [None; MOST],
            together: 0,
            nobody: 0,
            looked_at: 0,
            holders: 0,
            window: Window::default(),
        }
    }
}

impl World {
    pub(crate) fn audit(&mut self) {
        let passed = self.out.now - self.invariants.looked_at;
        match self.invariants.holders {
            0 => self.invariants.nobody += passed,
            1 => {}
            _ => self.invariants.together += passed,
        }
        self.invariants.looked_at = self.out.now;
        self.invariants.holders = self.nodes.iter().filter(|node| node.holds()).count();
        self.audit_each();
        self.audit_owners();
        self.audit_nobody();
        self.audit_traffic();
    }

    /// The addresses are held only in confirmed Active, or on the way there or out of it; and not for long without right.
    fn audit_each(&mut self) {
        let Self { nodes, invariants, bounds, out, .. } = self;
        for node in nodes.iter().filter(|node| !node.settings.priority.is_owner()) {
            let index = node.index;
            let here = node.kernel.address.is_some();
            let state = node.agent.as_ref().filter(|_| node.election_runs()).map(|agent| agent.router.view().state);
            let (entitled, lawful) = match state {
                Some(StateName::Claiming | StateName::Active) => (true, true),
                Some(StateName::Releasing) | None => (false, true),
                Some(StateName::Initialize) => (false, node.kernel.is_leftover || !was_told_to_leave(node)),
                // What an earlier agent left behind and the kernel does not remove.
                Some(StateName::Backup | StateName::Aside | StateName::Opening) => (false, node.kernel.is_leftover),
            };
            out.check(!here || lawful, || format!("node {index} has the addresses in {state:?}"));
            let since = &mut invariants.unentitled_since[index];
            if !here || entitled {
                *since = None;
            } else {
                let began = *since.get_or_insert(out.now);
                let kept = out.now - began;
                out.check(kept <= bounds.unentitled(), || {
                    format!("node {index} keeps the addresses for {kept} ns without the role")
                });
            }
            // A guarded agent whose election thread stands still.
            let guarded = node.guard.runs() && !node.ills.guardian_frozen && !node.guard.has_failed;
            let guarded = guarded && !node.ills.withdrawals_fail && !node.kernel.is_leftover;
            let since = &mut invariants.stopped_since[index];
            if here && guarded && state.is_none() {
                let began = *since.get_or_insert(out.now);
                let kept = out.now - began;
                out.check(kept <= bounds.stopped(), || {
                    format!("node {index} keeps the addresses for {kept} ns though its agent does not run")
                });
            } else {
                *since = None;
            }
        }
    }

    /// Never two owners for longer than the bound once messages flow again.
    fn audit_owners(&mut self) {
        if self.invariants.holders < 2 && self.lasting.is_empty() && self.out.now < self.invariants.calm_since {
            return;
        }
        let now = self.out.now;
        let count = self.nodes.len();
        let faults = self.lasting.iter().map(|number| self.troubles[*number].fault);
        let faults: Faults = faults.collect();
        for one in 0..count {
            for other in one + 1..count {
                let pair = [&self.nodes[one], &self.nodes[other]];
                let together = &mut self.invariants.together_since[one][other];
                if pair.iter().all(|node| node.holds()) {
                    together.get_or_insert(now);
                } else {
                    *together = None;
                }
                let flows = !faults.0.iter().any(|fault| fault.is_between(one, other));
                let sound = flows && pair.iter().all(|node| is_sound(node));
                if !sound {
                    self.invariants.sound_since[one][other] = now;
                    continue;
                }
                if let Some(began) = *together {
                    let since = self.invariants.sound_since[one][other].max(began);
                    let (kept, bound) = (now - since, self.bounds.two_owners());
                    let promise = || {
                        format!("nodes {one} and {other} have the addresses together for {kept} ns, more than {bound}")
                    };
                    self.out.check(kept <= bound, promise);
                }
            }
        }
    }

    /// Never nobody for longer than the bound while a healthy node is connected.
    fn audit_nobody(&mut self) {
        let now = self.out.now;
        let mut fit = 0;
        for node in &self.nodes {
            let fitness = fitness(node);
            fit += usize::from(fitness == Fitness::Fit);
            if core::mem::replace(&mut self.invariants.fitness[node.index], fitness) != fitness {
                self.invariants.calm_since = now;
            }
        }
        if self.lasting.iter().any(|number| self.troubles[*number].fault.is_of_the_network()) {
            self.invariants.calm_since = now;
        }
        if self.invariants.holders > 0 {
            self.invariants.nobody_since = None;
            return;
        }
        let since = *self.invariants.nobody_since.get_or_insert(now);
        let (lasted, bound) = (now - since.max(self.invariants.calm_since), self.bounds.no_owner());
        self.out.check(fit == 0 || lasted <= bound, || {
            format!("nobody has the addresses for {lasted} ns, more than {bound}")
        });
    }

    /// No storms: in an interval each node advertises once, and a little more for each thing that happens.
    fn audit_traffic(&mut self) {
        let Self { out, invariants: Invariants { window, .. }, bounds, nodes, .. } = self;
        if out.now >= window.ends {
            *window = Window {
                ends: out.now + bounds.interval,
                sent: out.sent,
                told: out.told,
                transitions: out.transitions,
            };
            return;
        }
        let count = nodes.len() as u64;
        let sent = out.sent - window.sent;
        if sent <= count {
            return;
        }
        let happened = out.told - window.told + out.transitions - window.transitions;
        let regular = count * (bounds.interval / bounds.shortest + 2);
        let most = regular * count + happened * (count + 1);
        out.check(sent <= most, || format!("{sent} advertisements in an interval, more than {most}"));
    }
}

/// The faults that last, without an allocation where there is none.
struct Faults(Vec<Fault>);

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Self(faults.into_iter().collect())
    }
}

/// Whether its threads run and its kernel removes what it is told to.
fn is_sound(node: &Node) -> bool {
    let stuck = node.ills.withdrawals_fail || node.kernel.is_leftover;
    node.election_runs() && node.addresses_run() && !stuck
}

fn was_told_to_leave(node: &Node) -> bool {
    node.agent.as_ref().is_some_and(|agent| agent.stop_by.is_some())
}

fn fitness(node: &Node) -> Fitness {
    let ills = &node.ills;
    let Some(agent) = node.agent.as_ref().filter(|_| node.election_runs()) else { return Fitness::Off };
    let view = agent.router.view();
    if view.state == StateName::Initialize {
        return Fitness::Off;
    }
    let ill = ills.check_fails || ills.link_down || ills.claims_fail || ills.withdrawals_fail || ills.address_taken;
    let ill = ill || ills.gate_refuses || ills.sends_fail || ills.addresses_wedged || was_told_to_leave(node);
    if ill || view.drained || view.state == StateName::Aside { Fitness::Unfit } else { Fitness::Fit }
}
