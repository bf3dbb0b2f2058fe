//! The agent process: starts the election thread and the address thread, and serves everybody else from one tokio thread.
//!
//! Nothing here decides who is Active; it connects the parts and tells what they say.

mod applied;
mod cleanup;
mod contention;
mod drained;
pub mod host;
mod identify;
mod keep;
mod ledger;
mod narrate;
mod plans;
mod probe;
mod reload;
mod sequences;
mod story;
mod supervise;

use core::num::NonZeroU64;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};

use vrrp_packet::Sequence;

use crate::config::{Config, Loaded, VirtualRouter};
use crate::control::{BindError, ControlSocket};
use crate::election::Instant;
use crate::engine::SigningClock;
use crate::guardian::{Link, Thread};
use crate::{dataplane, engine, net};

pub use applied::AppliedError;
pub use cleanup::AfterTheAgent;

use applied::AppliedConfig;
use drained::DrainedRouters;
use ledger::Record;
use plans::Past;
use sequences::UsedSequences;
use supervise::Supervisor;

/// How many more routers a running agent can take in than it was started with.
pub const SPARE_PLACES: usize = 256;
/// How many reports of the address thread may wait to be logged.
const REPORTS: usize = 256;

/// Says why the agent could not start, or ended other than in order.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no configuration to run with.
    #[error(transparent)]
    Applied(#[from] AppliedError),
    /// The directory of the control socket cannot be used.
    #[error("cannot use the directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// The list of drained routers cannot be read.
    #[error("cannot read the drained routers in {}: {source}", path.display())]
    Drained {
        /// The directory that holds the list.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// The sequences of signed advertisements cannot be read.
    #[error("cannot read which sequences were used, in {}: {source}", path.display())]
    Sequences {
        /// The directory that holds them.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// The control socket cannot be had.
    #[error(transparent)]
    Control(#[from] BindError),
    /// A thread or one of its descriptors cannot be had.
    #[error("cannot start the {thread} thread: {source}")]
    Start {
        /// The thread.
        thread: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
    /// The election thread ended by itself.
    #[error("the election thread ended: {0}")]
    Election(io::Error),
}

impl AgentError {
    fn start(thread: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Start { thread, source }
    }
}

/// Runs the agent until it is told to end and has left every role in order.
///
/// # Errors
/// [`AgentError`]; the addresses that it held are then the guardian's business.
pub fn run(guardian: Arc<Link>) -> Result<(), AgentError> {
    // Not from the file, which may have become bad since: what the guardian started with, or what was applied last.
    let (_, text) = guardian.applied().read().ok_or(AppliedError::Missing)?;
    let (_, loaded) = AppliedConfig::decode(&text)?;
    let config = &loaded.config;
    let directory = state_directory(config)?;
    let drained =
        DrainedRouters::load(&directory).map_err(|source| AgentError::Drained { path: directory.clone(), source })?;
    let sequences =
        UsedSequences::load(&directory).map_err(|source| AgentError::Sequences { path: directory.clone(), source })?;
    // Pages that are touched stay: an election must not wait for a disk. What is never touched costs nothing.
    if let Err(error) = net::lock_memory() {
        warn!("cannot lock memory ({error}); under memory pressure advertisements may be late");
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AgentError::start("service"))?;
    let control =
        runtime.block_on(async { ControlSocket::bind(&config.control_socket, config.control_group.as_deref()) })?;
    let supervisor = start(loaded, &directory, Kept { drained, sequences }, guardian)?;
    // The other threads have done so themselves, once they were realtime.
    if let Err(error) = net::privileges::settle() {
        warn!("cannot give up privileges: {error}");
    }
    runtime.block_on(supervisor.run(control))
}

fn state_directory(config: &Config) -> Result<PathBuf, AgentError> {
    let directory = config.control_socket.parent().unwrap_or(Path::new("/")).to_owned();
    std::fs::create_dir_all(&directory).map_err(|source| AgentError::Directory { path: directory.clone(), source })?;
    Ok(directory)
}

/// Holds what earlier runs left in files.
struct Kept {
    drained: DrainedRouters,
    sequences: UsedSequences,
}

impl Kept {
    /// Returns what is known of the router in this place, and brings the shared table up to that.
    fn past(&self, place: usize, router: &VirtualRouter, guardian: &Link) -> Past {
        let mut memory = self.sequences.of(&router.name);
        let last = guardian.table().sequence(place).map(|bits| Sequence::from_bits(bits.get()));
        memory.sent = match (memory.sent, last) {
            (Some(kept), Some(last)) if kept.is_after(last) => Some(kept),
            (kept, last) => last.or(kept),
        };
        if let Some(bits) = memory.sent.and_then(|sent| NonZeroU64::new(sent.to_bits())) {
            guardian.table().set_sequence(place, bits);
        }
        Past { drained: self.drained.contains(&router.name), memory }
    }
}

fn now() -> Instant {
    Instant::from_nanos(net::boot_nanos())
}

/// Returns the clock to sign with, compared with the wall clock for the first time.
fn compared_clock(guardian: &Link) -> SigningClock {
    let mut clock = cleanup::signing_clock(guardian.table());
    clock.compare(now(), net::wall_nanos(), net::clock_is_synchronised());
    clock
}

fn start(loaded: Loaded, directory: &Path, kept: Kept, guardian: Arc<Link>) -> Result<Supervisor, AgentError> {
    let config = &loaded.config;
    let places = guardian.table().routers();
    let names = config.virtual_routers.iter().map(|router| router.name.clone());
    let (handle, inbox) = engine::channel(names).map_err(AgentError::start("election"))?;
    let (answer, answers) = engine::answers(places).map_err(AgentError::start("election"))?;
    let (report, reports) = tokio::sync::mpsc::channel(REPORTS);
    let realtime = config.realtime.priority();
    let dataplane = dataplane::start(
        plans::for_addresses(config),
        dataplane::Settings {
            state_file: directory.join("addresses"),
            // Below the election thread, which must be able to interrupt it.
            places,
            frames: guardian.frame_socket().map_err(AgentError::start("address"))?,
            oversight: Box::new(Record::new(Arc::clone(&guardian), Thread::Address)),
            realtime: realtime.map(|priority| priority.saturating_sub(1).max(1)),
        },
        move |event| answer.send(event),
        // Without room the log is far behind; the address thread must not wait for it.
        move |text| drop(report.try_send(text)),
    )
    .map_err(AgentError::start("address"))?;
    let connections = engine::Connections {
        inbox,
        answers,
        dataplane: dataplane.clone(),
        ledger: Box::new(Record::new(Arc::clone(&guardian), Thread::Election)),
        clock: compared_clock(&guardian),
    };
    let routers = config.virtual_routers.iter().enumerate();
    let past: Vec<Past> = routers.map(|(index, router)| kept.past(index, router, &guardian)).collect();
    let election_plans = plans::for_election(config, &past);
    let election = engine::start(election_plans, connections, realtime).map_err(AgentError::start("election"))?;
    match (&election.realtime, realtime) {
        (Ok(()), Some(priority)) => info!("the election thread runs with realtime priority {priority}"),
        (Ok(()), None) => info!("the election thread runs without realtime priority"),
        (Err(error), _) => {
            warn!("no realtime priority ({error}); on a busy host advertisements may be late. Grant CAP_SYS_NICE");
        }
    }
    Ok(Supervisor::new(loaded, handle, dataplane, election, reports, kept, guardian))
}
