//! Plays one scenario once: sets the stage, waits for a steady pair, does the damage, watches what follows.

use core::time::Duration;
use std::path::Path;

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
use super::watch::Watch;
use crate::control::{Drain, RouterStatus, State};
use crate::net::boot_nanos;

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
    let mut stage = Stage { nodes: Vec::new(), watch, lab, patience, interval: setting.interval };
    phase("waiting for the pair");
    stage.start_pair(scenario, setting)?;
    if scenario.drained {
        phase("draining a");
        stage.drain_a()?;
    }
    let probe = Probe::start(&stage.lab)?;
    let taker = scenario.fault.taker();
    stage.wait_for_answers(&probe, taker.other(), boot_nanos())?;

    phase("measuring the noise");
    let quiet = boot_nanos();
    // As long as what follows: the longer one waits, the longer the longest gap.
    patience.rest(QUIET + scenario.fault.wait(setting.interval))?;
    phase(scenario.summary);
    let fault = boot_nanos();
    stage.inject(scenario.fault)?;
    stage.wait_for_takeover(taker, fault)?;
    stage.wait_for_answers(&probe, taker, fault)?;
    patience.rest(AFTERMATH)?;

    let end = boot_nanos();
    let answers = probe.finish()?;
    let host_died = scenario.fault.is_silent();
    let observed = stage.watch.finish()?;
    let interval = setting.interval;
    let timeline = Timeline { quiet, fault, end, taker, host_died, interval, observed, answers };
    figures(&timeline).ok_or(DrillError::TooFewAnswers)
}

/// Holds all that runs. The nodes come first, so that they end before their hosts.
struct Stage<'a> {
    nodes: Vec<Node>,
    watch: Watch,
    lab: Lab,
    patience: &'a Patience,
    interval: Interval,
}

impl Stage<'_> {
    /// Starts both nodes and waits until `a` serves and `b` knows it.
    fn start_pair(&mut self, scenario: &Scenario, setting: &Setting<'_>) -> Result<(), DrillError> {
        for side in Side::BOTH {
            let configure = |socket: &Path| {
                configuration::write(side, setting.interval, setting.transport, scenario.preempt, socket)
            };
            let directory = setting.directory.join(side.name());
            self.nodes.push(Node::start(&self.lab, side, &directory, setting.program, configure)?);
            // The preferred node's wait is the shorter one, but it must have begun.
            self.wait_for(side, "start", |status| status.state != State::Initialize)?;
        }
        self.wait_for(Side::A, "become Active", |status| status.state == State::Active)?;
        self.wait_for(Side::B, "hear the Active Router", |status| {
            status.state == State::Backup && status.active_router.is_some()
        })
    }

    fn drain_a(&mut self) -> Result<(), DrillError> {
        self.node(Side::A).drain()?;
        self.wait_for(Side::B, "become Active", |status| status.state == State::Active)?;
        self.wait_for(Side::A, "finish the drain", |status| status.drain == Drain::Done)
    }

    fn inject(&mut self, fault: Fault) -> Result<(), DrillError> {
        match fault {
            Fault::HostDeath => {
                self.lab.cut(Side::A)?;
                self.node(Side::A).kill_all();
                Ok(())
            }
            Fault::KillAgent => self.node(Side::A).kill_agent(),
            Fault::Drain => self.node(Side::A).drain(),
            Fault::Resume => self.node(Side::A).resume(),
            Fault::Terminate => self.node(Side::A).terminate(),
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
        self.interval.active_down_interval(VERSION, Side::B.priority()) * 2 + MARGIN
    }

    fn late(&mut self, side: Side, doing: &'static str) -> DrillError {
        let (within, log) = (self.bound(), self.node(side).last_words());
        DrillError::TooLate { side, doing, within, log }
    }

    #[expect(clippy::indexing_slicing, reason = "both nodes are started before anything else is asked of them")]
    fn node(&mut self, side: Side) -> &mut Node {
        &mut self.nodes[side.index()]
    }
}
