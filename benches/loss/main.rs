//! What lost packets do: `cargo bench --bench loss`, as root, with nftables installed.
//!
//! One frame in ten is dropped at random. A Backup takes over when three advertisements in a row are lost; how often
//! that is to be expected is arithmetic. Half of the routers also probe the host of a late Active Router: that must not
//! make it happen more often.

#[expect(dead_code, reason = "the interoperability tests need the rest of it")]
#[path = "../../tests/interop/pair/lab.rs"]
mod lab;

use core::time::Duration;
use std::fmt::Write;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Parser;
use lab::{INTERFACE, Lab, Side};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use vrrp_packet::Family;

/// How long agents may take to answer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the log says of a take-over that a probe is to blame for.
const SUSPECTED: &str = "its host does not answer";

/// Measures how often lost packets alone move the role.
#[derive(Parser)]
struct Arguments {
    /// How many routers probe, and how many do not; at most 120.
    #[arg(long, default_value_t = 100)]
    routers: u8,
    /// How many frames in a thousand are lost.
    #[arg(long, default_value_t = 100)]
    loss: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let lab = Lab::new()?;
    let directory = tempfile::tempdir()?;
    let active = Agent::start(&lab, Side::Left, directory.path(), arguments.routers)?;
    active.wait_until("every router is Active", |router| router["state"] == "active")?;
    let backup = Agent::start(&lab, Side::Right, directory.path(), arguments.routers)?;
    backup.wait_until("every router follows", |router| router["active_router"].is_object())?;
    let before = backup.routers()?;

    lose(&lab, arguments.loss)?;
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    while Instant::now() < until {
        thread::sleep(Duration::from_secs(1).min(until - Instant::now()));
    }
    let after = backup.routers()?;
    lose(&lab, 0)?;

    let loss = f64::from(arguments.loss) / 1000.0;
    let advertisements = f64::from(arguments.routers) * arguments.seconds as f64;
    let expected = advertisements * (1.0 - loss) * loss.powi(3);
    println!("{} routers each, {} s, {:.1} % of all frames lost", arguments.routers, arguments.seconds, loss * 100.0);
    println!(
        "three advertisements in a row are lost {expected:.1} times of {advertisements:.0} (deviation {:.1})",
        expected.sqrt()
    );
    let log = backup.log()?;
    for (group, name) in [("plain", "without probing"), ("probing", "with probing")] {
        let [held, probed] = ["became_active", "probed"].map(|count| more(&before, &after, group, count));
        let begun = false_failovers(&log, group);
        println!("{name}: {begun} false failovers, of which {held} got as far as an address; {probed} questions");
    }
    println!("take-overs for want of an answer: {}", log.matches(SUSPECTED).count());
    Ok(())
}

/// Counts how often a Backup of a group of routers advertised as if it were alone.
fn false_failovers(log: &str, group: &str) -> usize {
    let of_group = log.lines().filter(|line| line.contains(&format!("name={group}-")));
    of_group.filter(|line| line.contains("Backup -> Claiming")).count()
}

/// Returns by how much a count of a group of routers grew.
fn more(before: &[Value], after: &[Value], group: &str, count: &str) -> u64 {
    let sum = |routers: &[Value]| -> u64 {
        let members = routers.iter().filter(|router| router["name"].as_str().is_some_and(|it| it.starts_with(group)));
        members.filter_map(|router| router["traffic"][count].as_u64()).sum()
    };
    sum(after) - sum(before)
}

/// Makes both nodes lose so many of a thousand frames that reach them.
fn lose(lab: &Lab, frames: u32) -> anyhow::Result<()> {
    let rules = format!(
        "table netdev loss\ndelete table netdev loss\ntable netdev loss {{\n chain arriving {{\n  type filter hook ingress \
         device \"{INTERFACE}\" priority 0\n  numgen random mod 1000 < {frames} drop\n }}\n}}\n"
    );
    let file = tempfile::NamedTempFile::new()?;
    fs::write(&file, rules)?;
    for side in Side::BOTH {
        let mut command = Command::new("nft");
        command.arg("-f").arg(file.path());
        let nft = lab.node(side).spawn(command).context("this measurement needs nft: apt-get install nftables")?;
        if !nft.wait_with_output()?.status.success() {
            bail!("nft refused to drop frames on {INTERFACE}");
        }
    }
    Ok(())
}

/// A running `vipd run`; dropped, it leaves in order.
struct Agent {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Agent {
    fn start(lab: &Lab, side: Side, directory: &Path, routers: u8) -> anyhow::Result<Self> {
        let directory = directory.join(side.name());
        fs::create_dir_all(&directory)?;
        let [file, socket, log] = ["vipd.yaml", "vipd.sock", "log"].map(|name| directory.join(name));
        fs::write(&file, configuration(side, &socket, routers)?)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
        command
            .arg("run")
            .arg("--config")
            .arg(file)
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        command.stdin(Stdio::null());
        Ok(Self { child: lab.node(side).spawn(command)?, socket, log })
    }

    fn routers(&self) -> anyhow::Result<Vec<Value>> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
        let output = command.args(["status", "--json", "--control-socket"]).arg(&self.socket).output()?;
        let status: Value = serde_json::from_slice(&output.stdout).context("vipd status")?;
        status["routers"].as_array().cloned().context("vipd status lists no routers")
    }

    fn wait_until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.routers().is_ok_and(|routers| routers.iter().all(&wanted)) {
            if begun.elapsed() > PATIENCE {
                bail!("not within {PATIENCE:?}: {what}\n{}", self.log()?);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn configuration(side: Side, socket: &Path, routers: u8) -> Result<String, core::fmt::Error> {
    let priority = if side == Side::Left { 200 } else { 100 };
    let peer: IpAddr = side.other().address(Family::Ipv4);
    let mut text = String::new();
    writeln!(text, "control: {{ socket: {} }}\nvirtual_routers:", socket.display())?;
    for number in 1..=routers {
        for (group, vrid, probe) in [("plain", number, ""), ("probing", number + 120, "probe: {}, ")] {
            writeln!(
                text,
                "  - {{ name: {group}-{number}, interface: {INTERFACE}, vrid: {vrid}, priority: {priority}, {probe}peers: \
                 [{peer}], addresses: [10.78.0.{vrid}/32] }}"
            )?;
        }
    }
    Ok(text)
}
