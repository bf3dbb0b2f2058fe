//! What the lease costs: `cargo bench --bench renewal`, as root.
//!
//! An agent holds many addresses, with a lease and without; the processor time of its address thread, user and system,
//! is the scheduler's own count. What differs between the two is what the renewals take.

#[expect(dead_code, reason = "the interoperability tests need the rest of it")]
#[path = "../../tests/interop/pair/lab.rs"]
mod lab;

use core::time::Duration;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use lab::{INTERFACE, Lab, Side};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vipd::net::Netlink;
use vipd::net::link::links;

/// How long a claim of many addresses may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What `/proc` calls the thread that talks to the kernel about addresses.
const ADDRESS_THREAD: &str = "addresses";

/// Measures what the renewal of leases costs.
#[derive(Parser)]
struct Arguments {
    /// How many addresses the router has, at most 255; may be given more than once.
    #[arg(long = "addresses", default_values = ["1", "64", "255"])]
    counts: Vec<u16>,
    /// How long each figure is counted, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let span = Duration::from_secs(arguments.seconds);
    let lab = Lab::new()?;
    println!("addresses  without a lease  with one  microseconds of processor time a second, of the address thread");
    for &count in &arguments.counts {
        let [off, auto] = ["off", "auto"].map(|lease| measure(&lab, count, lease, span));
        println!("{count:>9}  {:>15.0}  {:>8.0}", micros_a_second(off?, span), micros_a_second(auto?, span));
    }
    Ok(())
}

/// Returns the processor time that the address thread took in `span`.
fn measure(lab: &Lab, count: u16, lease: &str, span: Duration) -> anyhow::Result<Duration> {
    let directory = tempfile::tempdir()?;
    let guardian = Guardian::start(lab, directory.path(), count, lease)?;
    let begun = Instant::now();
    while held(lab)? < usize::from(count) {
        if begun.elapsed() > PATIENCE {
            bail!("{count} addresses were not claimed within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let schedule = guardian.schedule_of(ADDRESS_THREAD)?;
    // The announcements that follow a claim are over after five seconds.
    thread::sleep(Duration::from_secs(7));
    let before = processor_time(&schedule)?;
    thread::sleep(span);
    Ok(processor_time(&schedule)? - before)
}

fn micros_a_second(time: Duration, span: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / span.as_secs_f64()
}

/// Counts the virtual addresses that the kernel holds.
fn held(lab: &Lab) -> anyhow::Result<usize> {
    let links = links(&mut Netlink::open_in(lab.node(Side::Left))?)?;
    let link = links.into_iter().find(|link| link.name == INTERFACE).context("no interface")?;
    Ok(link.addresses.iter().filter(|known| known.protocol == vrrp_packet::IP_PROTOCOL).count())
}

/// Returns how long a thread has been on a processor.
fn processor_time(schedule: &Path) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(schedule)?;
    let nanos = text.split(' ').next().context("no schedstat")?.parse()?;
    Ok(Duration::from_nanos(nanos))
}

/// A running `vipd run`; dropped, it leaves in order.
struct Guardian(Child);

impl Guardian {
    fn start(lab: &Lab, directory: &Path, count: u16, lease: &str) -> anyhow::Result<Self> {
        let file = directory.join("vipd.yaml");
        fs::write(&file, configuration(directory, count, lease)?)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
        command.arg("run").arg("--config").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(lab.node(Side::Left).spawn(command)?))
    }

    /// Returns where the scheduler counts a thread of the agent, which is the guardian's only child.
    fn schedule_of(&self, thread: &str) -> anyhow::Result<PathBuf> {
        let guardian = self.0.id();
        let children = fs::read_to_string(format!("/proc/{guardian}/task/{guardian}/children"))?;
        let tasks = format!("/proc/{}/task", children.trim());
        for task in fs::read_dir(tasks)? {
            let task = task?.path();
            if fs::read_to_string(task.join("comm"))?.trim() == thread {
                return Ok(task.join("schedstat"));
            }
        }
        bail!("the agent has no thread {thread}")
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM).is_ok() {
            let _ = self.0.wait();
        }
    }
}

fn configuration(directory: &Path, count: u16, lease: &str) -> Result<String, core::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "control: {{ socket: {} }}", directory.join("vipd.sock").display())?;
    writeln!(
        text,
        "virtual_routers:\n  - name: renewal\n    interface: {INTERFACE}\n    vrid: 51\n    lease: {lease}"
    )?;
    writeln!(text, "    announce: {{ delay: 0s, refresh: 0s }}\n    addresses:")?;
    for number in 0..count {
        writeln!(text, "      - 10.78.{}.{}/32", number / 250, number % 250 + 1)?;
    }
    Ok(text)
}
