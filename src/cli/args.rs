//! What may stand on the command line.

use core::time::Duration;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use vrrp_packet::Interval;

use crate::config::parse_duration;

use super::exit::EXIT_CODES;

/// Where the configuration is looked for.
pub(super) const DEFAULT_CONFIG: &str = "/etc/vipd/vipd.yaml";

/// Keeps a virtual IP on exactly one of a pair of hosts.
#[derive(Parser, Debug)]
#[command(name = "vipd", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Holds what every subcommand takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_CONFIG, value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// The agent's control socket [default: the configuration's, else /run/vipd/vipd.sock]
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub control_socket: Option<PathBuf>,
    /// Log more; twice for packets
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// Says how log lines look.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Run the agent in the foreground; this is what systemd starts
    #[command(after_help = help(&["vipd run", "vipd run --config ./vipd.yaml --log-format json"]))]
    Run(RunArgs),
    /// Validate a configuration and print what would happen on this host
    #[command(after_help = help(&["vipd check /etc/vipd/vipd.yaml"]))]
    Check(CheckArgs),
    /// Show what the agent on this host does
    #[command(after_help = help(&["vipd status", "vipd status --watch", "vipd status --json | jq '.routers[].state'"]))]
    Status(StatusArgs),
    /// Give the role away and stay out, for maintenance
    ///
    /// The addresses leave this host before the peer takes them. If no peer takes the role and keeps it, this host takes
    /// it back. Ends with `vipd resume`.
    #[command(after_help = help(&["vipd drain --wait", "vipd drain orders-db --force"]))]
    Drain(DrainArgs),
    /// Take part again after a drain
    #[command(after_help = help(&["vipd resume", "vipd resume orders-db"]))]
    Resume(ResumeArgs),
    /// Apply the changed configuration file to the running agent
    ///
    /// A file with an error is refused as a whole. Routers that did not change go on as if nothing had happened; the others
    /// change in place where they can, and else leave their role in order and start anew. SIGHUP does the same.
    #[command(after_help = help(&["vipd reload --dry-run", "vipd reload"]))]
    Reload(ReloadArgs),
    /// Print each advertisement in a capture and why it would be discarded
    ///
    /// Reads pcap and pcapng: Ethernet with and without VLAN tags, Linux cooked (`-i any`) and raw IP.
    #[command(after_help = help(&["vipd decode capture.pcap", "vipd decode --key /etc/vipd/orders.key capture.pcap", "tcpdump -i eth0 -U -w - 'proto 112 or arp or icmp6' | vipd decode -"]))]
    Decode(DecodeArgs),
    /// Prove failover on this machine, in namespaces of its own
    #[command(after_help = help(&["vipd drill", "vipd drill host-death --interval 10ms --runs 20", "vipd drill starve --interval 10ms --load 60s"]))]
    Drill(DrillArgs),
    /// Print a completion script for a shell
    #[command(after_help = help(&["vipd completions bash > /etc/bash_completion.d/vipd"]))]
    Completions(CompletionsArgs),
}

fn help(examples: &[&str]) -> String {
    let examples: String = examples.iter().map(|example| format!("  {example}\n")).collect();
    format!("Examples:\n{examples}\n{EXIT_CODES}")
}

/// Holds what `vipd run` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct RunArgs {}

/// Holds what `vipd check` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct CheckArgs {
    /// The configuration to validate [default: what --config says]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,
}

/// Holds what `vipd status` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct StatusArgs {
    /// Print the whole document as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Draw again every second until Ctrl-C
    #[arg(long, short)]
    pub(super) watch: bool,
}

/// Holds what `vipd drain` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct DrainArgs {
    /// The virtual router to drain [default: all]
    pub(super) name: Option<String>,
    /// Wait until a peer has the role and kept it; exit 1 if it came back
    #[arg(long)]
    pub(super) wait: bool,
    /// Give the role away even if no peer takes it
    #[arg(long)]
    pub(super) force: bool,
}

/// Holds what `vipd resume` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct ResumeArgs {
    /// The virtual router to let take part again [default: all]
    pub(super) name: Option<String>,
}

/// Holds what `vipd reload` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct ReloadArgs {
    /// Tell what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Holds what `vipd decode` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct DecodeArgs {
    /// The capture; `-` reads standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// Verify signatures with the key in this file, under whatever id they name; may be repeated
    #[arg(long = "key", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) keys: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Holds what `vipd drill` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct DrillArgs {
    /// The scenarios to play; an unknown one lists them all [default: all]
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,
    /// The advertisement intervals to play them at; more than one separated by commas
    #[arg(long = "interval", value_name = "DURATION", value_delimiter = ',', default_value = "1s", value_parser = interval)]
    pub intervals: Vec<Interval>,
    /// How often each scenario is played at each interval
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// How long `starve`, `clock-step`, `hijack` and `hijack-open` last
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = load)]
    pub load: Duration,
    /// Advertise to the multicast group, not to the one peer
    #[arg(long)]
    pub multicast: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

fn load(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

/// Reads what version 3 can carry: 10ms to 40.95s, in steps of 10 ms.
fn interval(text: &str) -> Result<Interval, String> {
    let span = parse_duration(text).map_err(|error| error.to_string())?;
    let centis = u16::try_from(span.as_millis() / 10).ok().filter(|_| span.as_millis().is_multiple_of(10));
    centis.and_then(Interval::from_centis).ok_or_else(|| "write 10ms to 40s950ms, in steps of 10 ms".to_owned())
}

/// Holds what `vipd completions` takes.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: Shell,
}
