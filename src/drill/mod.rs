//! Failover drills: a pair of real agents in namespaces of their own, a client, a fault, and figures.
//!
//! Nothing outside the lab is touched, and nothing of it stays. It knows agents only from outside: by their
//! configuration, their control socket, their packets and their addresses. It renders nothing.

mod attacker;
mod configuration;
mod forgery;
mod lab;
mod lifeless;
mod measure;
mod metronome;
mod millis;
mod node;
mod observed;
mod patience;
mod plan;
mod play;
mod probe;
mod report;
mod scenario;
mod scenarios;
mod scratch;
mod strain;
#[cfg(test)]
mod tests;
mod wall_clock;
mod watch;

use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::thread;

use nix::sys::signal::Signal;
use vrrp_packet::Interval;

use crate::control::ClientError;
use crate::net::go_realtime;
use crate::net::namespace::NamespaceError;
use crate::net::netlink::NetlinkError;

pub use configuration::Transport;
pub use measure::{Attack, Figures, Lateness, Pace};
pub use millis::Millis;
pub use plan::Side;
pub use report::{Amount, Drill, Missed, Report};
pub use scenario::{Missing, Scenario};
pub use scenarios::SCENARIOS;

use patience::Patience;
use play::{Setting, play};
use scratch::Scratch;

/// Says what to play.
#[derive(Clone, Debug)]
pub struct DrillOptions {
    /// The scenarios, in order.
    pub scenarios: Vec<Scenario>,
    /// The Advertisement_Intervals, each with all scenarios.
    pub intervals: Vec<Interval>,
    /// How often each scenario is played at each interval.
    pub runs: u32,
    /// How advertisements travel.
    pub transport: Transport,
    /// How long the nodes are under load in the scenarios that put them under load.
    pub load: Duration,
    /// The program that is drilled; `None`: this one.
    pub program: Option<PathBuf>,
}

/// Hears how far the drills have come.
pub trait Progress {
    /// Says how many runs there will be.
    fn begin(&mut self, runs: usize);

    /// Says what goes on now.
    fn phase(&mut self, scenario: &Scenario, interval: Interval, phase: &str);

    /// Says that a run is over.
    fn advance(&mut self);
}

/// Says why a drill could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The lab needs namespaces.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// The lab's links could not be made.
    #[error("build the lab: {0}")]
    Netlink(#[from] NetlinkError),
    /// A link of the lab did not come up.
    #[error("build the lab: interface {0} does not run")]
    NoLink(String),
    /// The kernel refused something.
    #[error("{doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file or directory of a node could not be made.
    #[error("{doing} {}: {source}", .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// So much happened on a host that notifications were lost.
    #[error("node {}: the kernel dropped notifications of addresses, the run cannot be measured", .0.name())]
    Overrun(Side),
    /// The user or the system ended the drill.
    #[error("interrupted by {0}")]
    Interrupted(Signal),
    /// The system lacks what a scenario needs.
    #[error("this system cannot play the scenario: {0}")]
    Missing(#[from] Missing),
    /// A node discarded what its peer had sent.
    #[error("node {} discarded advertisements of its peer: {reasons}; its log says:\n{log}", .side.name())]
    Discarded {
        /// Which node.
        side: Side,
        /// Each reason, and how often.
        reasons: String,
        /// The last lines of its log.
        log: String,
    },
    /// A node ended although nobody told it to.
    #[error("node {} ended ({status}); its log says:\n{log}", .side.name())]
    Ended {
        /// Which node.
        side: Side,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// A node did not do what it was told on its control socket.
    #[error("{doing} node {}: {source}; its log says:\n{log}", .side.name())]
    Refused {
        /// What it was told.
        doing: &'static str,
        /// Which node.
        side: Side,
        /// What it said.
        source: ClientError,
        /// The last lines of its log.
        log: String,
    },
    /// A node has no agent that could be killed.
    #[error("node {}: there is no agent below its guardian", .0.name())]
    NoAgent(Side),
    /// A node did not come as far as it should.
    #[error("node {} did not {doing} within {:.0} s; its log says:\n{log}", .side.name(), .within.as_secs_f64())]
    TooLate {
        /// Which node.
        side: Side,
        /// What it should have done.
        doing: &'static str,
        /// How long it was given.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The client heard too little to measure anything.
    #[error("the client got too few answers to measure anything")]
    TooFewAnswers,
}

/// Plays the scenarios and returns what they have shown.
///
/// The process must have one thread only. SIGINT, SIGTERM and SIGHUP end the drill in order from now on.
///
/// # Errors
/// [`DrillError`]; whatever was started has ended and whatever was made is gone by then.
pub fn run(options: &DrillOptions, progress: &mut dyn Progress) -> Result<Report, DrillError> {
    lab::become_able()?;
    // Before any thread is started, so that all of them leave the signals to it.
    let patience = Patience::new()?;
    let realtime = may_be_realtime();
    let program = options.program.clone().unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
    progress.begin(options.intervals.len() * options.scenarios.len() * options.runs as usize);

    let mut drills = Vec::new();
    for &interval in &options.intervals {
        for scenario in &options.scenarios {
            let mut runs = Vec::new();
            for run in 0..options.runs {
                let scratch = Scratch::new()?;
                let setting = Setting {
                    interval,
                    transport: options.transport,
                    load: options.load,
                    // The middle of this run's share of an interval.
                    moment: interval.duration() * (2 * run + 1) / (2 * options.runs),
                    program: &program,
                    directory: scratch.path(),
                };
                runs.push(play(scenario, &setting, &patience, |phase| progress.phase(scenario, interval, phase))?);
                progress.advance();
            }
            drills.extend(Drill::of(scenario, interval, realtime, runs));
        }
    }
    Ok(Report { version: env!("CARGO_PKG_VERSION"), realtime, drills })
}

fn may_be_realtime() -> bool {
    // On a thread of its own, so that this one stays as it is.
    thread::spawn(|| go_realtime(1).is_ok()).join().unwrap_or(false)
}
