//! What each trouble does to the world when it begins, and when it ends.

use vipd::election::{Event, Settings};

use crate::fault::Fault;
use crate::node::Node;
use crate::outside::Outside;
use crate::queue::Item;
use crate::world::World;

impl World {
    /// Lets a trouble begin, or end.
    pub(crate) fn strike(&mut self, number: usize, begins: bool) {
        let fault = self.troubles[number].fault;
        self.out.note(|| format!("{} {fault:?}", if begins { "BEGINS" } else { "ENDS" }));
        if begins {
            self.lasting.push(number);
        } else {
            self.lasting.retain(|lasting| *lasting != number);
        }
        let (nodes, out) = (&mut self.nodes, &mut self.out);
        match fault {
            Fault::Cut { from, to } => out.network.cut(from, to, begins),
            Fault::Parted { one, other } => {
                out.network.cut(one, other, begins);
                out.network.cut(other, one, begins);
            }
            Fault::Isolated { node } => out.network.isolate(node, begins),
            Fault::Loss { percent } => out.network.loss = if begins { percent } else { 0 },
            Fault::Jitter { up_to } => out.network.jitter = if begins { up_to } else { 0 },
            Fault::Duplication { percent } => out.network.duplication = if begins { percent } else { 0 },
            Fault::Flapping { .. } | Fault::Fluttering { .. } | Fault::Stranger { .. } if begins => {
                self.out.queue.push(self.out.now, Item::Flaps { trouble: number, up: true });
            }
            Fault::Stranger { .. } => {}
            fault => {
                if let Some(node) = fault.node() {
                    nodes[node].strike(fault, begins, out);
                    out.network.up[node] = !nodes[node].ills.down && !nodes[node].ills.link_down;
                    nodes[node].plan();
                }
            }
        }
    }
}

impl Node {
    /// What befalls one node.
    fn strike(&mut self, fault: Fault, begins: bool, out: &mut Outside) {
        match fault {
            Fault::HostDown { .. } => self.power(!begins, out),
            Fault::AgentKilled { .. } if begins => self.die(out),
            Fault::AllKilled { .. } | Fault::Left { .. } if !begins => self.start_service(out),
            Fault::AllKilled { .. } => {
                self.guard.end();
                self.die(out);
            }
            Fault::Left { .. } => self.tell(Event::Shutdown, out),
            Fault::Frozen { cgroup, .. } => self.freeze(begins, cgroup, out),
            Fault::AllFrozen { .. } => {
                self.ills.guardian_frozen = begins;
                self.freeze(begins, false, out);
                if !begins && self.agent.is_none() {
                    self.bury(out);
                }
            }
            Fault::ElectionWedged { .. } => {
                self.ills.election_wedged = begins && self.agent.is_some();
                if !begins {
                    self.thaw(out);
                }
            }
            Fault::AddressesWedged { .. } => {
                self.ills.addresses_wedged = begins && self.agent.is_some();
                if !begins {
                    self.thaw(out);
                }
            }
            Fault::SlowKernel { up_to, .. } => self.ills.slow_kernel = if begins { up_to } else { 0 },
            Fault::ClaimsFail { .. } => self.ills.claims_fail = begins,
            Fault::WithdrawalsFail { .. } => self.ills.withdrawals_fail = begins,
            Fault::AddressRemoved { times, .. } if begins => self.remove_address(times, out),
            Fault::AddressTaken { .. } => {
                self.ills.address_taken = begins;
                self.tell_readiness(out);
            }
            Fault::Unready { .. } | Fault::Fluttering { .. } => {
                self.ills.unready = begins;
                self.tell_readiness(out);
            }
            Fault::Priority { priority, .. } | Fault::Flapping { priority, .. } => {
                self.ills.priority = Some(priority).filter(|_| begins);
                self.tell_effective(out);
            }
            Fault::CheckFails { .. } => {
                self.ills.check_fails = begins;
                self.tell_effective(out);
            }
            Fault::LinkDown { .. } => {
                self.ills.link_down = begins;
                self.tell_effective(out);
            }
            Fault::Drained { mode, .. } if begins => self.tell(Event::Drain(mode), out),
            Fault::Drained { .. } => {
                // An operator whom nobody answers tries again: the next agent begins without the drain.
                self.drained = false;
                self.tell(Event::Resume, out);
            }
            Fault::GateRefuses { .. } => self.ills.gate_refuses = begins,
            Fault::SendsFail { .. } => self.ills.sends_fail = begins,
            Fault::Reloaded { settings, .. } => self.reload(if begins { settings } else { self.setup.settings }, out),
            Fault::AgentKilled { .. }
            | Fault::AddressRemoved { .. }
            | Fault::Cut { .. }
            | Fault::Parted { .. }
            | Fault::Isolated { .. }
            | Fault::Loss { .. }
            | Fault::Jitter { .. }
            | Fault::Duplication { .. }
            | Fault::Stranger { .. } => {}
        }
    }

    fn power(&mut self, on: bool, out: &mut Outside) {
        self.ills.down = !on;
        if on {
            self.start_service(out);
        } else {
            self.guard.end();
            self.die(out);
            self.kernel.address = None;
            self.life += 1;
        }
    }

    fn start_service(&mut self, out: &mut Outside) {
        if self.agent.is_none() && !self.ills.down {
            self.guard.begin();
            self.start(out);
        } else if let Some(agent) = &mut self.agent {
            // It has not left yet: the service is started again once it has.
            agent.stop_by = None;
            self.die(out);
        }
    }

    fn freeze(&mut self, frozen: bool, cgroup: bool, out: &mut Outside) {
        self.ills.frozen = frozen && self.agent.is_some();
        self.ills.cgroup = frozen && cgroup;
        if !frozen {
            self.thaw(out);
        }
    }

    fn remove_address(&mut self, times: u64, out: &mut Outside) {
        for _ in 0..times {
            if self.kernel.address.take().is_some() {
                out.note(|| format!("node {}: somebody removed the addresses", self.index));
                self.addresses.gone = true;
                self.work(out);
            }
            self.finish_in_the_kernel(out);
            self.work(out);
        }
    }

    fn reload(&mut self, settings: Settings, out: &mut Outside) {
        self.settings = Settings { gate: self.settings.gate, source: self.settings.source, ..settings };
        self.tell(Event::Settings(self.settings), out);
    }
}
