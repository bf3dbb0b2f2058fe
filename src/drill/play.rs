//! Plays one scenario once: sets the stage, waits for a steady pair, does the damage, watches what follows.

use core::time::Duration;
use std::path::Path;

use nix::sys::signal::Signal;
use vrrp_packet::Interval;

use super::DrillError;
use super::configuration::{self, Transport};
use super::lab::Lab;
use super::measure::{Figures, Timeline, figures};
use super::node::Node;
use super::patience::Patience;
use super::plan::{Side, VERSION};
use super::probe::Probe;
use super::scenario::{Fault, Scenario};
use super::strain::{Borne, Strain};
use super::watch::Watch;
use crate::control::{Drain, RouterStatus, State};
use crate::net::{Freezer, boot_nanos};

/// How long the pair is watched in peace, at least: the noise that the machine itself makes.
const QUIET: Duration = Duration::from_secs(2);
/// How long it is watched after the client has been answered again.
const AFTERMATH: Duration = Duration::from_millis(500);
/// What a step may take beyond what the protocol prescribes.
const MARGIN: Duration = Duration::from_secs(10);

/// Says how to play.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub(super) interval: Interval,
    pub(super) transport: Transport,
    /// How long nodes are under load.
    pub(super) load: Duration,
    /// How much later a host dies, within an interval: what is seen of it depends on when it advertised last.
    pub(super) moment: Duration,
    /// What is started as `vipd`.
    pub(super) program: &'a Path,
    /// Where each node gets a directory.
    pub(super) directory: &'a Path,
}

/// Plays a scenario and returns its figures; nothing of it is left.
pub(super) fn play(
    scenario: &Scenario,
    setting: &Setting<'_>,
    patience: &Patience,
    mut phase: impl FnMut(&'static str),
) -> Result<Figures, DrillError> {
    phase("building the lab");
    let lab = Lab::build(patience)?;
    let watch = Watch::start(&lab)?;
    let mut stage = Stage { freezer: None, nodes: Vec::new(), watch, lab, patience, interval: setting.interval };
    phase("waiting for the pair");
    stage.start_pair(scenario, setting)?;
    if scenario.drained {
        phase("draining a");
        stage.drain_a()?;
    }
    let probe = Probe::start(&stage.lab)?;
    stage.wait_for_answers(&probe, scenario.fault.holder(), boot_nanos())?;

    stage.prepare(scenario.fault)?;
    phase("measuring the noise");
    let quiet = boot_nanos();
    // As long as what follows: the longer one waits, the longer the longest gap.
    let moment = if scenario.fault.kills_host() { setting.moment } else { Duration::ZERO };
    patience.rest(QUIET + scenario.fault.wait(setting.interval) + moment)?;
    phase(scenario.summary);
    let fault = boot_nanos();
    let (healed, borne) = match scenario.fault {
        Fault::Strain(strain) => (None, Some(stage.bear(strain, setting)?)),
        other => (stage.run_through(other, &probe, fault)?, None),
    };
    patience.rest(AFTERMATH)?;

    let end = boot_nanos();
    let timeline = Timeline {
        quiet,
        fault,
        healed,
        end,
        taker: scenario.fault.taker(),
        silent: scenario.fault.is_silent(),
        host_died: scenario.fault.kills_host(),
        stays: scenario.fault.role_stays(),
        borne,
        was_away: scenario.fault.was_away(),
        interval: setting.interval,
        answers: probe.finish()?,
        observed: stage.watch.finish()?,
    };
    figures(&timeline).ok_or(DrillError::TooFewAnswers)
}

/// Holds all that runs. The nodes come before their hosts, so that they end before them, and what keeps a node from ending
/// comes first.
struct Stage<'a> {
    freezer: Option<Freezer>,
    nodes: Vec<Node>,
    watch: Watch,
    lab: Lab,
    patience: &'a Patience,
    interval: Interval,
}

impl Stage<'_> {
    /// Starts both nodes and waits until `a` serves and `b` knows it.
    fn start_pair(&mut self, scenario: &Scenario, setting: &Setting<'_>) -> Result<(), DrillError> {
        let key = scenario.fault.needs_keys().then(|| configuration::write_key(setting.directory)).transpose()?;
        let Setting { interval, transport, .. } = *setting;
        let habits = configuration::Habits { preempt: scenario.preempt, probe: scenario.fault.is_probed() };
        for side in Side::BOTH {
            let configure =
                |socket: &Path| configuration::write(side, interval, transport, habits, key.as_deref(), socket);
            let directory = setting.directory.join(side.name());
            let own_clock = side == Side::A && scenario.fault.needs_wall_clock();
            self.nodes.push(Node::start(&self.lab, side, &directory, setting.program, own_clock, configure)?);
            // The preferred node's wait is the shorter one, but it must have begun.
            self.wait_for(side, "start", |status| status.state != State::Initialize)?;
        }
        self.wait_for(Side::A, "become Active", |status| status.state == State::Active)?;
        self.wait_for(Side::B, "hear the Active Router", |status| {
            status.state == State::Backup && status.active_router.is_some()
        })
    }

    fn bear(&mut self, strain: Strain, setting: &Setting<'_>) -> Result<Borne, DrillError> {
        let how = (setting.interval, setting.transport);
        strain.bear(&mut self.lab, &mut self.nodes, how, setting.load, self.patience)
    }

    fn drain_a(&mut self) -> Result<(), DrillError> {
        self.node(Side::A).drain()?;
        self.wait_for(Side::B, "become Active", |status| status.state == State::Active)?;
        self.wait_for(Side::A, "finish the drain", |status| status.drain == Drain::Done)
    }

    /// Does what must have been done before the fault, and costs the client nothing.
    fn prepare(&mut self, fault: Fault) -> Result<(), DrillError> {
        match fault {
            Fault::ClaimRefused => self.lab.configure_virtual_address(Side::A),
            Fault::DrainRefused => self.lab.configure_virtual_address(Side::B),
            Fault::HostDeath { .. }
            | Fault::KillAgent
            | Fault::Drain
            | Fault::Resume
            | Fault::Terminate
            | Fault::Restart { .. }
            | Fault::Carrier
            | Fault::Unheard
            | Fault::Unhearing
            | Fault::Partition
            | Fault::AddressRemoved
            | Fault::Lifeless(_)
            | Fault::Strain(_) => Ok(()),
        }
    }

    /// Does the damage, waits for what must follow, and undoes it where it ends by itself; returns when it did.
    fn run_through(&mut self, fault: Fault, probe: &Probe, since: u64) -> Result<Option<u64>, DrillError> {
        self.inject(fault)?;
        let taker = fault.taker();
        match fault {
            Fault::AddressRemoved => self.wait_for_address(taker, since)?,
            // Long enough for everybody to notice what they will notice.
            Fault::Unhearing | Fault::ClaimRefused => self.patience.rest(self.down() * 2)?,
            // Borne by other means.
            Fault::Strain(_) => {}
            // The client follows whom it heard last, and that may be either.
            Fault::Unheard | Fault::Partition => self.wait_for_takeover(taker, since)?,
            Fault::Lifeless(lifeless) => {
                self.wait_for_takeover(taker, since)?;
                self.wait_for_answers(probe, taker, since)?;
                if lifeless.leaves_it_to_the_lease() {
                    self.wait_for_loss(taker.other())?;
                }
            }
            Fault::Restart { returns } => {
                self.wait_for_takeover(taker, since)?;
                self.wait_for_answers(probe, taker, since)?;
                self.start_again(returns, probe)?;
            }
            Fault::HostDeath { .. }
            | Fault::KillAgent
            | Fault::Drain
            | Fault::Resume
            | Fault::Terminate
            | Fault::Carrier
            | Fault::DrainRefused => {
                self.wait_for_takeover(taker, since)?;
                self.wait_for_answers(probe, taker, since)?;
            }
        }
        self.wait_for_verdict(fault)?;
        if !fault.heals() {
            return Ok(None);
        }
        self.patience.rest(AFTERMATH)?;
        let healed = boot_nanos();
        self.heal(fault)?;
        self.wait_for_settlement()?;
        self.wait_for_answers(probe, Side::A, healed)?;
        Ok(Some(healed))
    }

    /// Starts `a` again and waits until it has its role back, or follows its peer.
    fn start_again(&mut self, returns: bool, probe: &Probe) -> Result<(), DrillError> {
        let ended = self.patience.until(MARGIN, || self.nodes[Side::A.index()].has_ended().then_some(()))?;
        ended.ok_or_else(|| self.late(Side::A, "end"))?;
        let started = boot_nanos();
        self.nodes[Side::A.index()].start_again(&self.lab)?;
        if returns {
            self.wait_for_takeover(Side::A, started)?;
            return self.wait_for_answers(probe, Side::A, started);
        }
        self.wait_for(Side::A, "follow its peer", |status| {
            status.state == State::Backup && status.active_router.is_some()
        })
    }

    fn inject(&mut self, fault: Fault) -> Result<(), DrillError> {
        match fault {
            Fault::HostDeath { .. } => {
                self.lab.set_cut(Side::A, true)?;
                self.node(Side::A).kill_all();
                Ok(())
            }
            Fault::KillAgent => self.node(Side::A).signal_agent(Signal::SIGKILL),
            Fault::Drain | Fault::DrainRefused => self.node(Side::A).drain(),
            Fault::Resume | Fault::ClaimRefused => self.node(Side::A).resume(),
            Fault::Terminate | Fault::Restart { .. } => self.node(Side::A).terminate(),
            Fault::Carrier => self.lab.drop_carrier(Side::A),
            Fault::Unheard => self.lab.set_unheard(Side::A, true),
            Fault::Unhearing => self.lab.set_unheard(Side::B, true),
            Fault::Partition => self.lab.set_cut(Side::A, true),
            Fault::AddressRemoved => self.lab.remove_virtual_address(Side::A),
            Fault::Lifeless(lifeless) => {
                self.freezer = lifeless.befall(self.node(Side::A))?;
                Ok(())
            }
            Fault::Strain(_) => Ok(()),
        }
    }

    fn heal(&mut self, fault: Fault) -> Result<(), DrillError> {
        match fault {
            Fault::Unheard => self.lab.set_unheard(Side::A, false),
            Fault::Unhearing => self.lab.set_unheard(Side::B, false),
            Fault::Partition => self.lab.set_cut(Side::A, false),
            Fault::Lifeless(lifeless) => lifeless.pass(self.node(Side::A)),
            Fault::HostDeath { .. }
            | Fault::KillAgent
            | Fault::Drain
            | Fault::Resume
            | Fault::Terminate
            | Fault::Restart { .. }
            | Fault::Carrier
            | Fault::AddressRemoved
            | Fault::ClaimRefused
            | Fault::DrainRefused
            | Fault::Strain(_) => Ok(()),
        }
    }

    /// Waits until the nodes say of themselves what they must.
    fn wait_for_verdict(&mut self, fault: Fault) -> Result<(), DrillError> {
        match fault {
            Fault::ClaimRefused => {
                let stands_by = |status: &RouterStatus| status.state == State::Backup && status.active_router.is_some();
                self.wait_for(Side::A, "leave the role where it is", stands_by)
            }
            Fault::DrainRefused => self.wait_for(Side::A, "take the role back", |status| {
                status.state == State::Active && status.drain == Drain::Off
            }),
            Fault::HostDeath { .. }
            | Fault::KillAgent
            | Fault::Drain
            | Fault::Resume
            | Fault::Terminate
            | Fault::Restart { .. }
            | Fault::Carrier
            | Fault::Unheard
            | Fault::Unhearing
            | Fault::Partition
            | Fault::AddressRemoved
            | Fault::Lifeless(_)
            | Fault::Strain(_) => Ok(()),
        }
    }

    /// Waits until the taker holds the address and has announced it.
    fn wait_for_takeover(&mut self, taker: Side, since: u64) -> Result<(), DrillError> {
        let taken = self.patience.until(self.bound(), || {
            let observed = self.watch.observed();
            let host = observed.host(taker);
            let announced = host.announcements.last().is_some_and(|&at| at >= since);
            (announced && host.ownership.gained_after(since).is_some()).then_some(())
        })?;
        taken.ok_or_else(|| self.late(taker, "take the address over and announce it"))
    }

    /// Waits until a host holds the address again.
    fn wait_for_address(&mut self, side: Side, since: u64) -> Result<(), DrillError> {
        let back = self
            .patience
            .until(self.bound(), || self.watch.observed().host(side).ownership.gained_after(since).map(drop))?;
        back.ok_or_else(|| self.late(side, "put the address back"))
    }

    /// Waits until a host does not hold the address any more.
    fn wait_for_loss(&mut self, side: Side) -> Result<(), DrillError> {
        let lost = self
            .patience
            .until(self.bound(), || (!self.watch.observed().host(side).ownership.is_held()).then_some(()))?;
        lost.ok_or_else(|| self.late(side, "lose the address"))
    }

    /// Waits until `a` alone has the address.
    fn wait_for_settlement(&mut self) -> Result<(), DrillError> {
        let settled = self.patience.until(self.bound(), || {
            let observed = self.watch.observed();
            let alone = observed.host(Side::A).ownership.is_held() && !observed.host(Side::B).ownership.is_held();
            alone.then_some(())
        })?;
        settled.ok_or_else(|| self.late(Side::B, "yield to the better router"))
    }

    fn wait_for_answers(&mut self, probe: &Probe, by: Side, since: u64) -> Result<(), DrillError> {
        let answered = self.patience.until(self.bound(), || probe.answered(by, since).then_some(()))?;
        answered.ok_or_else(|| self.late(by, "answer the client"))
    }

    fn wait_for(
        &mut self,
        side: Side,
        doing: &'static str,
        is_met: impl Fn(&RouterStatus) -> bool,
    ) -> Result<(), DrillError> {
        let (bound, patience) = (self.bound(), self.patience);
        let node = self.node(side);
        let met = patience.until(bound, || match node.status() {
            Ok(status) => status.filter(&is_met).map(|_| Ok(())),
            Err(error) => Some(Err(error)),
        })?;
        met.unwrap_or_else(|| Err(self.late(side, doing)))
    }

    /// Returns what any step of the protocol may take: twice the longest wait that it knows, and a margin.
    fn bound(&self) -> Duration {
        self.down() * 2 + MARGIN
    }

    /// Returns the longer Active_Down_Interval of the two.
    fn down(&self) -> Duration {
        self.interval.active_down_interval(VERSION, Side::B.priority())
    }

    fn late(&mut self, side: Side, doing: &'static str) -> DrillError {
        let within = self.bound();
        self.node(side).late(doing, within)
    }

    #[expect(clippy::indexing_slicing, reason = "both nodes are started before anything else is asked of them")]
    fn node(&mut self, side: Side) -> &mut Node {
        &mut self.nodes[side.index()]
    }
}
