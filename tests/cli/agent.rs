//! An agent without an election: the control socket's real server, and states that a test publishes.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use vipd::config::Config;
use vipd::control::{Context, ControlSocket, Problem, Reason, ReloadJob, Reloaded, serve};
use vipd::election::{Effective, Instant, StateName, View};
use vipd::engine::{self, Command, Inbox};
use vrrp_packet::Priority;

const NOW: Instant = Instant::from_nanos(1_000_000_000_000);

/// Serves until it is dropped.
pub(crate) struct Agent {
    directory: TempDir,
    pub(crate) inbox: Inbox,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Starts an agent that is Active for orders-db, on an interface that has everything.
    pub(crate) fn start() -> Self {
        Self::with_reloads(|_| Err(Problem::new(Reason::Failed, "this agent does not reload", "use another one")))
    }

    /// Starts one that answers reloads like this; it is told whether they are dry runs.
    pub(crate) fn with_reloads(answer: fn(bool) -> Result<Reloaded, Problem>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let yaml = "virtual_routers: [{ name: orders-db, interface: eth0, vrid: 51, priority: 200, \
                    addresses: [10.77.0.100/24] }]";
        let config = Config::parse(yaml, "vipd.yaml".as_ref()).unwrap().config;
        let names = config.virtual_routers.iter().map(|router| router.name.clone());
        let (handle, inbox) = engine::channel(names).unwrap();
        let (reloads, mut jobs) = mpsc::channel::<ReloadJob>(1);
        let context = Context::new(handle, Arc::new(config), || NOW, reloads);
        let socket = ControlSocket::bind(&directory.path().join("vipd.sock"), None).unwrap();
        let (shutdown, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let reloading = async move {
                while let Some(job) = jobs.recv().await {
                    let _ = job.answer.send(answer(job.dry_run));
                }
            };
            runtime.block_on(async {
                tokio::spawn(reloading);
                serve(socket, context, async { ended.await.unwrap_or(()) }).await.unwrap();
            });
        });
        let agent = Self { directory, inbox, shutdown: Some(shutdown), thread: Some(thread) };
        agent.publish(|view| {
            view.state = StateName::Active;
            view.since = Instant::from_nanos(808_000_000_000);
            view.effective = Effective::Priority(Priority::new(200));
        });
        agent
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("vipd.sock")
    }

    /// Changes what orders-db publishes.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut View)) {
        let router = &self.inbox.routers[0];
        let mut snapshot = router.snapshot();
        change(&mut snapshot.view);
        snapshot.interface_index = Some(2);
        snapshot.link_up = true;
        snapshot.source = Some([10, 77, 0, 1].into());
        // Refused only while a reader copies the last one.
        while !router.publish(snapshot) {}
    }

    /// Waits for the next command.
    pub(crate) fn command(&self) -> Command {
        loop {
            match self.inbox.commands.pop() {
                Some(command) => return command,
                None => std::thread::yield_now(),
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}
