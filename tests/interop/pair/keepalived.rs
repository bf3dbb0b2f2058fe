//! What keepalived is told.

use std::env;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use vrrp_packet::Family;

use super::agent::write;
use super::lab::{INTERFACE, Side};
use super::setting::{Cast, Credentials, PASSWORD, Setting, VRID};

/// Prepares keepalived's VRRP process, with process id files of its own.
pub(super) fn command(directory: &Path, side: Side, setting: &Setting, priority: u8) -> anyhow::Result<Command> {
    let configuration = write(directory, "keepalived.conf", &configuration(side, setting, priority)?)?;
    let mut command = Command::new(env::var_os("KEEPALIVED").unwrap_or_else(|| "keepalived".into()));
    command.args(["--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file"]).arg(configuration);
    for file in ["pid", "vrrp_pid", "checkers_pid"] {
        command.arg(format!("--{file}")).arg(directory.join(format!("{file}.pid")));
    }
    Ok(command)
}

fn configuration(side: Side, setting: &Setting, priority: u8) -> Result<String, core::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "global_defs {{\n  router_id {}\n  vrrp_version {}", side.name(), setting.version)?;
    // The same chance as vipd has by default; with its own limit of 10 ms on realtime the kernel kills it under load.
    writeln!(text, "  vrrp_rt_priority 50\n  vrrp_rlimit_rttime 10000000\n}}")?;
    writeln!(text, "vrrp_instance interop {{\n  state BACKUP\n  interface {INTERFACE}\n  virtual_router_id {VRID}")?;
    writeln!(text, "  priority {priority}\n  advert_int {}", setting.interval.duration().as_secs_f64())?;
    if setting.family == Family::Ipv6 {
        writeln!(text, "  native_ipv6")?;
    }
    if setting.credentials == Credentials::Password {
        writeln!(text, "  authentication {{\n    auth_type PASS\n    auth_pass {PASSWORD}\n  }}")?;
    }
    if setting.cast == Cast::Unicast {
        writeln!(text, "  unicast_src_ip {}", setting.source(side))?;
        // Over IPv6 it would take the kernel's default, which vipd discards (RFC 9568 §5.1.2.3).
        writeln!(text, "  unicast_ttl 255")?;
        writeln!(text, "  unicast_peer {{\n    {}\n  }}", setting.source(side.other()))?;
    }
    writeln!(text, "  virtual_ipaddress {{")?;
    for (address, prefix) in setting.virtual_addresses() {
        writeln!(text, "    {address}/{prefix} dev {INTERFACE}")?;
    }
    writeln!(text, "  }}\n}}")?;
    Ok(text)
}
