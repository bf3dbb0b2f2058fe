//! What both nodes have to bear while the role must stay where it is: no processor time, or a flood of forged packets.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use vrrp_packet::Interval;

use super::DrillError;
use super::attacker::Attacker;
use super::configuration::Transport;
use super::forgery::Forgery;
use super::lab::Lab;
use super::measure::Attack;
use super::metronome::Metronome;
use super::node::Node;
use super::patience::Patience;
use super::plan::{ATTACKER, Side};
use crate::net::{Mac, boot_nanos};

/// How many loops compete for the processors; every other one is pinned to a processor.
const BUSY_LOOPS: usize = 8;
/// How far a wall clock is stepped, in seconds.
const HOUR: i64 = 3600;
/// How long an agent may take to see a step: it looks once a second, when an advertisement wakes it.
const CLOCK_PATIENCE: Duration = Duration::from_secs(10);

/// Says what they have to bear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strain {
    /// Busy loops take the processors.
    Starve,
    /// The wall clock of `a` steps an hour either way.
    ClockSteps,
    /// A third host forges advertisements.
    Hijack {
        /// Whether the nodes have keys.
        signed: bool,
    },
}

/// Tells how they bore it.
#[derive(Debug)]
pub(super) struct Borne {
    /// When it was over, in nanoseconds since boot.
    pub(super) until: u64,
    /// When a bare loop ticked meanwhile.
    pub(super) ticks: Vec<u64>,
    /// What an attack did.
    pub(super) attack: Option<Attack>,
}

impl Strain {
    /// Puts the pair under strain for a while.
    pub(super) fn bear(
        self,
        lab: &mut Lab,
        nodes: &mut [Node],
        (interval, transport): (Interval, Transport),
        load: Duration,
        patience: &Patience,
    ) -> Result<Borne, DrillError> {
        let attacker = match self {
            Self::Starve | Self::ClockSteps => None,
            Self::Hijack { signed } => Some(Attacker::connect(lab, Forgery { interval, transport, signed }, patience)?),
        };
        let before = memory(nodes)?;
        let metronome = Metronome::start(interval)?;
        let busy = (self == Self::Starve).then(Busy::start).transpose()?;
        let flood = attacker.map(Attacker::begin).transpose()?;
        match self {
            Self::Starve | Self::Hijack { .. } => patience.rest(load)?,
            Self::ClockSteps => step_clocks(nodes, load, patience)?,
        }
        let until = boot_nanos();
        drop(busy);
        let packets_per_second = flood.map(|flood| flood.finish(load)).transpose()?;
        let ticks = metronome.finish()?;
        let attack = match packets_per_second {
            Some(packets_per_second) => {
                // What they say of the last packets takes them a second.
                patience.rest(Duration::from_secs(2))?;
                let (named, repeated) = named(nodes);
                let minutes = 1 + usize::try_from(load.as_secs() / 60).unwrap_or(usize::MAX);
                let repeated = repeated.div_ceil(minutes);
                Some(Attack { packets_per_second, memory_kib: memory(nodes)? - before, named, repeated })
            }
            None => None,
        };
        Ok(Borne { until, ticks, attack })
    }
}

/// Steps the wall clock of `a` an hour ahead and then an hour back, each for half of the time.
///
/// # Errors
/// [`DrillError::TooLate`] where the node has not seen a step, [`DrillError::Discarded`] where one made a node refuse
/// what its peer sent.
fn step_clocks(nodes: &mut [Node], load: Duration, patience: &Patience) -> Result<(), DrillError> {
    let stepped = &mut nodes[Side::A.index()];
    for ahead in [HOUR, -HOUR] {
        stepped.step_clock(ahead)?;
        let seen = patience.until(CLOCK_PATIENCE, || match stepped.wall_clock_ahead() {
            Ok(seen) => (seen.abs_diff(ahead * 1000) < HOUR.unsigned_abs()).then_some(Ok(())),
            Err(error) => Some(Err(error)),
        })?;
        seen.unwrap_or_else(|| Err(stepped.late("see its wall clock step", CLOCK_PATIENCE)))?;
        patience.rest(load / 2)?;
    }
    nodes.iter_mut().try_for_each(Node::has_discarded_nothing)
}

/// Sums up the memory of all agents, in KiB.
fn memory(nodes: &[Node]) -> Result<i64, DrillError> {
    nodes.iter().map(Node::memory_kib).sum()
}

/// Counts the lines in which the nodes name the attacker, and how often the most frequent one of a node repeats.
fn named(nodes: &[Node]) -> (usize, usize) {
    let (mut all, mut most, mac) = (0, 0, Mac(ATTACKER.mac).to_string());
    for log in nodes.iter().map(Node::log) {
        // Behind the time of day every line says what it says.
        let lines: Vec<&str> =
            log.lines().filter(|line| line.contains(&mac)).filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        all += lines.len();
        most =
            lines.iter().map(|line| lines.iter().filter(|other| other == &line).count()).max().unwrap_or(0).max(most);
    }
    (all, most)
}

/// Keeps the processors busy until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Result<Self, DrillError> {
        let busy = Self(Arc::new(AtomicBool::new(true)));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for number in 0..BUSY_LOOPS {
            let goes_on = Arc::clone(&busy.0);
            let work = move || {
                if number.is_multiple_of(2) {
                    pin(number / 2 % processors);
                }
                while goes_on.load(Ordering::Relaxed) {
                    core::hint::spin_loop();
                }
            };
            let thread = thread::Builder::new().name("busy".to_owned()).spawn(work);
            thread.map_err(|source| DrillError::System { doing: "start a busy loop", source })?;
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Keeps the calling thread on one processor.
fn pin(processor: usize) {
    let mut only = CpuSet::new();
    // Where the processor may not be used the loop runs on any, which is what the others do.
    let _ = only.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
}
