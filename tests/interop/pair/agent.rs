//! One running agent, of either product: started, stopped, and gone when dropped.

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
use super::{keepalived, poll_until, vipd};

/// How long an agent may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);

/// Names what runs on a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Product {
    /// This project's agent.
    Vipd,
    /// Debian's keepalived.
    Keepalived,
}

impl Product {
    /// Returns the product's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Vipd => "vipd",
            Self::Keepalived => "keepalived",
        }
    }
}

/// Runs one agent on one node.
pub(crate) struct Agent {
    name: String,
    child: Child,
    log: PathBuf,
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
        let mut command = match product {
            Product::Vipd => vipd::command(&directory, side, setting, priority)?,
            Product::Keepalived => keepalived::command(&directory, side, setting, priority)?,
        };
        let log = directory.join("log");
        let output = fs::File::options().create(true).append(true).open(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = spawn(lab, side, product, command)?;
        Ok(Self { name, child, log })
    }

    /// Sends SIGTERM and returns at once.
    ///
    /// # Errors
    /// That the agent had ended by itself.
    pub(crate) fn terminate(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} had ended by itself: {status}", self.name);
        }
        Ok(kill(self.pid(), Signal::SIGTERM)?)
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
        Ok(())
    }

    /// Returns what the agent has said so far, under its name.
    pub(crate) fn story(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string());
        format!("--- {} ---\n{log}", self.name)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Both products end their child processes on SIGTERM; killed, they could not.
        if matches!(self.child.try_wait(), Ok(None)) && kill(self.pid(), Signal::SIGTERM).is_ok() {
            let ended = poll_until(PATIENCE, || self.child.try_wait().transpose());
            if ended.is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}

fn spawn(lab: &Lab, side: Side, product: Product, command: Command) -> anyhow::Result<Child> {
    lab.node(side).spawn(command).map_err(|error| match (product, error.kind()) {
        (Product::Keepalived, ErrorKind::NotFound) => {
            anyhow!("this test needs keepalived: apt-get install keepalived")
        }
        (Product::Keepalived | Product::Vipd, _) => anyhow!("cannot start {}: {error}", product.name()),
    })
}

/// Writes a file that belongs to an agent.
pub(super) fn write(directory: &Path, name: &str, content: &str) -> anyhow::Result<PathBuf> {
    let path = directory.join(name);
    fs::write(&path, content).with_context(|| path.display().to_string())?;
    Ok(path)
}
