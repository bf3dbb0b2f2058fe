//! One running agent, of any product: started, stopped, and gone when dropped.

use core::time::Duration;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::lab::{Lab, Side};
use super::setting::Setting;
use super::{frr, keepalived, poll_until, vipd};

/// What each agent's file of output is called; FRR's zebra writes into the same one as its vrrpd.
pub(super) const LOG: &str = "log";
/// How long an agent may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);

/// Names what runs on a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Product {
    /// This project's agent.
    Vipd,
    /// Debian's keepalived.
    Keepalived,
    /// Debian's FRR: its vrrpd, with zebra beside it.
    Frr,
}

impl Product {
    /// Returns the product's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Vipd => "vipd",
            Self::Keepalived => "keepalived",
            Self::Frr => "FRR",
        }
    }
}

/// Runs one agent on one node.
pub(crate) struct Agent {
    name: String,
    child: Child,
    log: PathBuf,
    // Last: it outlives the child.
    zebra: Option<frr::Zebra>,
}

impl Agent {
    /// Writes a configuration into `directory` and starts the product with it on a node.
    ///
    /// # Errors
    /// A sentence that says what is not installed, or what could not be written or started.
    pub(crate) fn start(
        product: Product,
        lab: &Lab,
        side: Side,
        setting: &Setting,
        priority: u8,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let name = format!("{}-{}", product.name(), side.name());
        let directory = directory.join(&name);
        fs::create_dir_all(&directory)?;
        let (mut command, zebra) = match product {
            Product::Vipd => (vipd::command(&directory, side, setting, priority)?, None),
            Product::Keepalived => (keepalived::command(&directory, side, setting, priority)?, None),
            Product::Frr => {
                let zebra = frr::Zebra::start(lab, side, setting, &directory)?;
                (frr::command(&directory, setting, priority)?, Some(zebra))
            }
        };
        let log = directory.join(LOG);
        let output = fs::File::options().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = spawn(lab, side, product, command)?;
        Ok(Self { name, child, log, zebra })
    }

    /// Sends SIGTERM and returns at once.
    ///
    /// # Errors
    /// That the agent had ended by itself.
    pub(crate) fn terminate(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} had ended by itself: {status}", self.name);
        }
        Ok(kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?)
    }

    /// Waits until the agent has ended after [`Self::terminate`].
    ///
    /// # Errors
    /// That it still runs, or that its exit status is not 0.
    pub(crate) fn wait(&mut self) -> anyhow::Result<()> {
        let status = poll_until(PATIENCE, || self.child.try_wait().transpose())
            .ok_or_else(|| anyhow!("{} still runs {PATIENCE:?} after SIGTERM", self.name))??;
        if !status.success() {
            bail!("{} ended with {status} after SIGTERM", self.name);
        }
        self.zebra = None;
        Ok(())
    }

    /// Ends the agent without a chance to say or to clean up anything.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Returns what the agent has said so far, under its name.
    pub(crate) fn story(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string());
        format!("--- {} ---\n{log}", self.name)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        end(&mut self.child, PATIENCE);
    }
}

/// Ends a process in order, and by force where it takes longer than `within`.
pub(super) fn end(child: &mut Child, within: Duration) {
    // The products end their child processes on SIGTERM; killed, they could not.
    let pid = Pid::from_raw(child.id().cast_signed());
    if matches!(child.try_wait(), Ok(None)) && kill(pid, Signal::SIGTERM).is_ok() {
        let ended = poll_until(within, || child.try_wait().transpose());
        if ended.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawn(lab: &Lab, side: Side, product: Product, command: Command) -> anyhow::Result<Child> {
    lab.node(side).spawn(command).map_err(|error| match (product, error.kind()) {
        (Product::Keepalived, ErrorKind::NotFound) => {
            anyhow!("this test needs keepalived: apt-get install keepalived")
        }
        (Product::Frr, ErrorKind::NotFound) => anyhow!("this test needs FRR: apt-get install frr"),
        (Product::Keepalived | Product::Vipd | Product::Frr, _) => anyhow!("cannot start {}: {error}", product.name()),
    })
}

/// Writes a file that belongs to an agent.
pub(super) fn write(directory: &Path, name: &str, content: &str) -> anyhow::Result<PathBuf> {
    let path = directory.join(name);
    fs::write(&path, content).with_context(|| path.display().to_string())?;
    Ok(path)
}
