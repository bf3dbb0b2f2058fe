//! The tokio side of the agent: signals, the control socket, the log, and the end.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use crate::config::Loaded;
use crate::control::{self, ControlSocket, ReloadJob};
use crate::dataplane::{DataplaneHandle, Report};
use crate::engine::{Handle, Notices, Running};
use crate::guardian::Link;
use crate::net::Readable;

use super::keep::Keeper;
use super::reload::{self, Reloader};
use super::story::Story;
use super::{AgentError, Kept, now, plans};

/// How many clients may wait for a reload.
const RELOADS: usize = 4;
/// What the guardian gives the agent to leave beyond what its configuration makes it take, and some to clean up after it.
const LEAVING: Duration = Duration::from_secs(35);

/// Holds what the tokio side serves.
pub(super) struct Supervisor {
    loaded: Loaded,
    handle: Handle,
    dataplane: DataplaneHandle,
    election: Running,
    reports: mpsc::Receiver<Report>,
    kept: Kept,
    guardian: Arc<Link>,
}

impl Supervisor {
    pub(super) fn new(
        loaded: Loaded,
        handle: Handle,
        dataplane: DataplaneHandle,
        election: Running,
        reports: mpsc::Receiver<Report>,
        kept: Kept,
        guardian: Arc<Link>,
    ) -> Self {
        Self { loaded, handle, dataplane, election, reports, kept, guardian }
    }

    /// Serves until the election thread has ended, then ends the address thread.
    ///
    /// # Errors
    /// [`AgentError::Election`] where the election thread ended by itself.
    pub(super) async fn run(self, control: ControlSocket) -> Result<(), AgentError> {
        let Self { loaded, handle, dataplane, election, reports, kept, guardian } = self;
        let Kept { drained, sequences } = kept;
        let Running { thread, notices, realtime: _ } = election;
        let ended = when_joined(thread).map_err(AgentError::start("election"))?;
        let config = Arc::new(loaded.config.clone());
        let (reloads, jobs) = mpsc::channel(RELOADS);
        let context = control::Context::new(handle.clone(), Arc::clone(&config), now, reloads);
        let story = Story::new(drained, dataplane.clone(), handle.clone());
        for (published, router) in handle.routers().iter().zip(&config.virtual_routers) {
            story.follow(router, published);
        }
        let serving = Arc::clone(&guardian);
        let (link, shared) = (Arc::clone(&guardian), context.clone());
        let (keeping, leaving) = (context.clone(), context.clone());
        let reloader = Reloader::new(loaded, config, handle.clone(), shared, story.clone(), link);
        let reloading = tokio::spawn(reload_when_told(reloader, jobs));
        let (stop_control, control_stops) = oneshot::channel::<()>();
        let control = tokio::spawn(control::serve(control, context, async move { drop(control_stops.await) }));
        let keeper = Keeper { context: keeping, handle: handle.clone(), guardian: Arc::clone(&guardian), sequences };
        let (stop_keeping, keeping_stops) = oneshot::channel::<()>();
        let keeping = tokio::spawn(keeper.run(keeping_stops));
        let telling = tokio::spawn(tell(notices, story));
        let reporting = tokio::spawn(log_reports(reports));
        let leaving = tokio::spawn(leave_when_told(handle, guardian, leaving));
        serving.table().set_ready();
        tell_systemd(NotifyState::Ready);

        let outcome = ended.await.unwrap_or_else(|_| Err(io::Error::other("it vanished")));

        leaving.abort();
        reloading.abort();
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

/// Ends when the election thread has ended and everything that it told is told.
async fn tell(notices: Notices, story: Story) {
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
async fn leave_when_told(handle: Handle, guardian: Arc<Link>, context: control::Context) {
    let reason = match reason_to_leave(&guardian).await {
        Ok(reason) => reason,
        Err(error) => {
            error!("cannot wait for signals: {error}");
            "signals cannot be received"
        }
    };
    info!("leaving: {reason}");
    tell_systemd(NotifyState::Stopping);
    // No longer than the guardian waits: TimeoutStopSec= need not know the configuration.
    let most = plans::longest_leave(&context.config()) + LEAVING;
    tell_systemd(NotifyState::ExtendTimeoutUsec(u32::try_from(most.as_micros()).unwrap_or(u32::MAX)));
    handle.shut_down();
}

/// Reloads whenever a client or SIGHUP asks for it.
async fn reload_when_told(mut reloader: Reloader, mut jobs: mpsc::Receiver<ReloadJob>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            error!("cannot wait for signals: {error}");
            return;
        }
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => reload::log(&reloader.reload(false).await),
            job = jobs.recv() => {
                let Some(ReloadJob { dry_run, answer }) = job else { return };
                // A client that has gone does not want to know.
                let _ = answer.send(reloader.reload(dry_run).await);
            }
        }
    }
}

async fn reason_to_leave(guardian: &Link) -> io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let pipe = Readable::new(guardian.liveness())?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
        _ = pipe.wait() => Ok("the guardian is gone"),
    }
}
