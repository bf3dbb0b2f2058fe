//! An agent without an election: the control socket's real server, and states that a test publishes.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio::sync::oneshot;
use vipd::config::Config;
use vipd::control::{Context, ControlSocket, serve};
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
        let directory = tempfile::tempdir().unwrap();
        let yaml = "virtual_routers: [{ name: orders-db, interface: eth0, vrid: 51, priority: 200, \
                    addresses: [10.77.0.100/24] }]";
        let config = Config::parse(yaml, "vipd.yaml".as_ref()).unwrap().config;
        let names = config.virtual_routers.iter().map(|router| router.name.clone());
        let (handle, inbox) = engine::channel(names).unwrap();
        let context = Context::new(handle, Arc::new(config), || NOW);
        let socket = ControlSocket::bind(&directory.path().join("vipd.sock")).unwrap();
        let (shutdown, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(socket, context, async { ended.await.unwrap_or(()) })).unwrap();
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
