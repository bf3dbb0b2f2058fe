//! The tokio side of the agent: signals, the control socket, the log, and the end.

use std::io;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::control::{self, ControlSocket};
use crate::dataplane::{DataplaneHandle, Report};
use crate::election::{Cause, StateName};
use crate::engine::{Command, Handle, News, Notices, Running};
use crate::guardian::Link;
use crate::net::Readable;

use super::contention::Watches;
use super::drained::DrainedRouters;
use super::identify::Ears;
use super::keep::Keeper;
use super::narrate::Narrator;
use super::{AgentError, Kept, now};

/// Holds what the tokio side serves.
pub(super) struct Supervisor {
    config: Arc<Config>,
    handle: Handle,
    dataplane: DataplaneHandle,
    election: Running,
    reports: mpsc::Receiver<Report>,
    kept: Kept,
    guardian: Arc<Link>,
}

impl Supervisor {
    pub(super) fn new(
        config: Arc<Config>,
        handle: Handle,
        dataplane: DataplaneHandle,
        election: Running,
        reports: mpsc::Receiver<Report>,
        kept: Kept,
        guardian: Arc<Link>,
    ) -> Self {
        Self { config, handle, dataplane, election, reports, kept, guardian }
    }

    /// Serves until the election thread has ended, then ends the address thread.
    ///
    /// # Errors
    /// [`AgentError::Election`] where the election thread ended by itself.
    pub(super) async fn run(self, control: ControlSocket) -> Result<(), AgentError> {
        let Self { config, handle, dataplane, election, reports, kept, guardian } = self;
        let Kept { drained, sequences } = kept;
        let Running { thread, notices, realtime: _ } = election;
        let ended = when_joined(thread).map_err(AgentError::start("election"))?;
        let context = control::Context::new(handle.clone(), Arc::clone(&config), now);
        let (stop_control, control_stops) = oneshot::channel::<()>();
        let control = tokio::spawn(control::serve(control, context, async move { drop(control_stops.await) }));
        let keeper =
            Keeper { config: Arc::clone(&config), handle: handle.clone(), guardian: Arc::clone(&guardian), sequences };
        let (stop_keeping, keeping_stops) = oneshot::channel::<()>();
        let keeping = tokio::spawn(keeper.run(keeping_stops));
        let watches = Watches::start(&config, &handle, &dataplane);
        let story = Story { narrators: narrators(&config), config, drained, watches, ears: Ears::default() };
        let telling = tokio::spawn(tell(notices, story));
        let reporting = tokio::spawn(log_reports(reports));
        let leaving = tokio::spawn(leave_when_told(handle, guardian));
        tell_systemd(NotifyState::Ready);

        let outcome = ended.await.unwrap_or_else(|_| Err(io::Error::other("it vanished")));

        leaving.abort();
        drop(stop_keeping);
        let _ = keeping.await;
        dataplane.shutdown();
        // Ends when the address thread has: it holds the other end until then.
        let _ = reporting.await;
        let _ = telling.await;
        drop(stop_control);
        if let Ok(Err(error)) = control.await {
            warn!("the control socket failed: {error}");
        }
        outcome.map_err(AgentError::Election)
    }
}

/// Without systemd, or with a service that is not of the type `notify`, nobody wants to know.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!("cannot tell systemd: {error}");
    }
}

fn when_joined(thread: std::thread::JoinHandle<io::Result<()>>) -> io::Result<oneshot::Receiver<io::Result<()>>> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("join".to_owned()).stack_size(64 * 1024).spawn(move || {
        let outcome = thread.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")));
        // Nobody listens any more only where the whole process is ending.
        let _ = sender.send(outcome);
    })?;
    Ok(receiver)
}

fn narrators(config: &Config) -> Vec<Narrator> {
    config.virtual_routers.iter().map(Narrator::new).collect()
}

/// Follows what happens to the routers.
struct Story {
    config: Arc<Config>,
    narrators: Vec<Narrator>,
    drained: DrainedRouters,
    watches: Watches,
    ears: Ears,
}

impl Story {
    fn tell(&mut self, router: usize, news: News) {
        if let Some(narrator) = self.narrators.get(router) {
            narrator.tell(news, &self.ears);
        }
        if let News::Transition(transition) = &news {
            self.watches.follow(router, transition);
            if let (StateName::Active, Some(router)) = (transition.to, self.config.virtual_routers.get(router)) {
                self.ears.open(&router.interface, router.family());
            }
        }
        if let (Some(drained), Some(router)) = (drained_by(news), self.config.virtual_routers.get(router))
            && let Err(error) = self.drained.set(&router.name, drained)
        {
            warn!("cannot remember that {} is{} drained: {error}", router.name, if drained { "" } else { " not" });
        }
    }
}

/// Returns whether a router is drained from now on, where that changes.
fn drained_by(news: News) -> Option<bool> {
    let cause = match news {
        News::Transition(transition) => transition.cause,
        News::Discarded { .. }
        | News::IntervalDiffers { .. }
        | News::AddressesDiffer { .. }
        | News::SecondOwner { .. }
        | News::Contended { .. }
        | News::SendFailed { .. }
        | News::SocketFailed { .. }
        | News::Interface { .. } => return None,
    };
    match cause {
        Cause::Drained => Some(true),
        Cause::Resumed | Cause::DrainRefused => Some(false),
        Cause::Started
        | Cause::Owner
        | Cause::ActiveDown
        | Cause::Preempted { .. }
        | Cause::Released { .. }
        | Cause::HigherPriority { .. }
        | Cause::HigherAddress { .. }
        | Cause::GateOpened
        | Cause::GateRefused
        | Cause::Confirmed
        | Cause::ClaimFailed
        | Cause::AddressesLost
        | Cause::Withdrawn
        | Cause::WithdrawalUnconfirmed
        | Cause::Fault(_)
        | Cause::FaultCleared
        | Cause::RetryDue
        | Cause::DrainSettled
        | Cause::Stalled { .. }
        | Cause::SendsFailed
        | Cause::Shutdown => None,
    }
}

/// Ends when the election thread has ended and everything that it told is told.
async fn tell(notices: Notices, mut story: Story) {
    let notices = match Readable::new(notices) {
        Ok(notices) => notices,
        Err(error) => {
            error!("cannot follow the election: {error}");
            return;
        }
    };
    let mut dropped = 0;
    loop {
        if notices.wait().await.is_err() {
            return;
        }
        let notices = notices.get_ref();
        notices.acknowledge();
        let over = notices.is_over();
        while let Some(notice) = notices.next() {
            story.tell(notice.router, notice.news);
        }
        if notices.dropped() > dropped {
            warn!(
                "{} events were not logged: they came faster than they could be written",
                notices.dropped() - dropped
            );
            dropped = notices.dropped();
        }
        if over {
            return;
        }
    }
}

async fn log_reports(mut reports: mpsc::Receiver<Report>) {
    while let Some(report) = reports.recv().await {
        warn!("{report}");
    }
}

/// Tells the election to leave every role once a signal or the end of the guardian asks for it.
async fn leave_when_told(handle: Handle, guardian: Arc<Link>) {
    let reason = match reason_to_leave(&guardian).await {
        Ok(reason) => reason,
        Err(error) => {
            error!("cannot wait for signals: {error}");
            "signals cannot be received"
        }
    };
    info!("leaving: {reason}");
    tell_systemd(NotifyState::Stopping);
    if handle.send(Command::Shutdown).is_err() {
        error!("the election thread does not take commands; ending without an orderly farewell");
        std::process::abort();
    }
}

async fn reason_to_leave(guardian: &Link) -> io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let pipe = Readable::new(guardian.liveness())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok("SIGTERM"),
            _ = interrupt.recv() => return Ok("SIGINT"),
            _ = pipe.wait() => return Ok("the guardian is gone"),
            _ = hangup.recv() => warn!("SIGHUP: this version cannot reload; restart it to apply a changed configuration"),
        }
    }
}
