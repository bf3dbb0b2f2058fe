//! One running agent of either product: started, weighed, stopped, and gone when dropped.

use core::time::Duration;
use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;

use crate::lab::{Lab, Side};
use crate::shape::Shape;

/// How long an agent may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(30);
/// How `/proc/PID/stat` counts processor time (USER_HZ, the same on every Linux).
const TICK: Duration = Duration::from_millis(10);

/// Names what runs on a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Product {
    /// This project's agent.
    Vipd,
    /// Debian's, or what the environment variable KEEPALIVED names.
    Keepalived,
}

impl Product {
    /// Both.
    pub(crate) const BOTH: [Self; 2] = [Self::Vipd, Self::Keepalived];

    /// Returns the product's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Vipd => "vipd",
            Self::Keepalived => "keepalived",
        }
    }
}

/// Says what priority the node on the left has.
pub(crate) const ACTIVE: u8 = 200;
/// Says what priority the node on the right has.
pub(crate) const BACKUP: u8 = 100;

/// Runs one agent on one node.
pub(crate) struct Agent {
    product: Product,
    child: Child,
    directory: tempfile::TempDir,
}

/// Holds processor time.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Cost {
    /// All of it, as the scheduler counts it for the threads that live.
    pub(crate) total: Duration,
    /// Of this, the share of the kernel, in ticks of 10 ms.
    pub(crate) system: Duration,
    /// The share of the program, in ticks of 10 ms.
    pub(crate) user: Duration,
}

/// Remembers what each thread of an agent had cost at a moment.
pub(crate) struct Meter(HashMap<PathBuf, Cost>);

impl Agent {
    /// Starts a product on a node.
    ///
    /// # Errors
    /// What could not be written or started.
    pub(crate) fn start(product: Product, lab: &Lab, side: Side, shape: &Shape) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let priority = match side {
            Side::Left => ACTIVE,
            Side::Right => BACKUP,
        };
        let path = directory.path();
        let mut command = match product {
            Product::Vipd => {
                write(path, "key", "hex:000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n")?;
                let file = write(path, "vipd.yaml", &shape.vipd(path, priority)?)?;
                let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
                command.arg("run").arg("--config").arg(file);
                command
            }
            Product::Keepalived => {
                let file = write(path, "keepalived.conf", &shape.keepalived(priority)?)?;
                let mut command = Command::new(env::var_os("KEEPALIVED").unwrap_or_else(|| "keepalived".into()));
                command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file"]).arg(file);
                for file in ["pid", "vrrp_pid", "checkers_pid"] {
                    command.arg(format!("--{file}")).arg(path.join(format!("{file}.pid")));
                }
                command
            }
        };
        let log = fs::File::create(path.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = lab.node(side).spawn(command).with_context(|| format!("cannot start {}", product.name()))?;
        Ok(Self { product, child, directory })
    }

    /// Begins to count the processor time of all of its threads.
    ///
    /// # Errors
    /// That the agent has ended.
    pub(crate) fn meter(&self) -> anyhow::Result<Meter> {
        self.tasks().map(Meter)
    }

    /// Returns the processor time since a meter was made; a thread that has ended since counts for nothing.
    ///
    /// # Errors
    /// That the agent has ended.
    pub(crate) fn cost(&self, since: &Meter) -> anyhow::Result<Cost> {
        let mut cost = Cost::default();
        for (task, now) in self.tasks()? {
            let before = since.0.get(&task).copied().unwrap_or_default();
            cost.total += now.total.saturating_sub(before.total);
            cost.system += now.system.saturating_sub(before.system);
            cost.user += now.user.saturating_sub(before.user);
        }
        Ok(cost)
    }

    fn tasks(&self) -> anyhow::Result<HashMap<PathBuf, Cost>> {
        let mut tasks = HashMap::new();
        for process in self.processes()? {
            for task in fs::read_dir(format!("/proc/{process}/task"))? {
                let task = task?.path();
                // A thread may end meanwhile.
                if let Ok(cost) = task_cost(&task) {
                    tasks.insert(task, cost);
                }
            }
        }
        Ok(tasks)
    }

    /// Returns the proportional set size of all of its processes, in KiB.
    ///
    /// # Errors
    /// That the agent has ended.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for process in self.processes()? {
            let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
            sum += line.trim().trim_end_matches(" kB").parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Reads the configuration again after replacing it, and returns how long the answer took; keepalived gives none.
    ///
    /// # Errors
    /// That it was refused.
    pub(crate) fn reload(&self, shape: &Shape, priority: u8) -> anyhow::Result<Option<Duration>> {
        let path = self.directory.path();
        match self.product {
            Product::Vipd => {
                write(path, "vipd.yaml", &shape.vipd(path, priority)?)?;
                let begun = Instant::now();
                let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
                command.arg("--control-socket").arg(path.join("vipd.sock")).arg("reload");
                let output = command.output()?;
                anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Ok(Some(begun.elapsed()))
            }
            Product::Keepalived => {
                write(path, "keepalived.conf", &shape.keepalived(priority)?)?;
                kill(self.pid(), Signal::SIGHUP)?;
                Ok(None)
            }
        }
    }

    /// Returns what the agent has said so far.
    pub(crate) fn story(&self) -> String {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_else(|error| error.to_string());
        let end: Vec<&str> = log.lines().rev().take(20).collect();
        format!("--- {} ---\n{}", self.product.name(), end.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }

    /// Lists the process that was started and its descendants.
    fn processes(&self) -> anyhow::Result<Vec<u32>> {
        let mut all = vec![self.child.id()];
        let mut next = 0;
        while let Some(&process) = all.get(next) {
            next += 1;
            let children =
                fs::read_to_string(format!("/proc/{process}/task/{process}/children")).with_context(|| self.story())?;
            for child in children.split_whitespace() {
                all.push(child.parse()?);
            }
        }
        Ok(all)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Both products end their child processes on SIGTERM; killed, they could not.
        if kill(self.pid(), Signal::SIGTERM).is_err() {
            return;
        }
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Returns what one thread has cost so far.
pub(crate) fn task_cost(task: &Path) -> anyhow::Result<Cost> {
    let schedule = fs::read_to_string(task.join("schedstat"))?;
    let total = Duration::from_nanos(schedule.split(' ').next().context("no schedstat")?.parse()?);
    let stat = fs::read_to_string(task.join("stat"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th word behind it.
    let words: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let [Some(user), Some(system)] = [words.get(11), words.get(12)] else { bail!("no processor times in {stat}") };
    Ok(Cost { total, user: TICK * user.parse::<u32>()?, system: TICK * system.parse::<u32>()? })
}

fn write(directory: &Path, name: &str, content: &str) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(name);
    fs::write(&path, content)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path)
}
