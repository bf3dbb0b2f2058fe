//! What vipd is told.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use super::agent::write;
use super::lab::{INTERFACE, Side};
use super::setting::{Cast, Credentials, PASSWORD, Setting, VRID};

/// Prepares `vipd run`, with a control socket of its own.
pub(super) fn command(directory: &Path, side: Side, setting: &Setting, priority: u8) -> anyhow::Result<Command> {
    write(directory, "password", PASSWORD)?;
    let configuration = write(directory, "vipd.yaml", &configuration(directory, side, setting, priority)?)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
    command.arg("run").arg("--config").arg(configuration);
    Ok(command)
}

fn configuration(directory: &Path, side: Side, setting: &Setting, priority: u8) -> Result<String, core::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "control: {{ socket: {} }}", directory.join("vipd.sock").display())?;
    writeln!(text, "virtual_routers:\n  - name: interop\n    interface: {INTERFACE}\n    vrid: {VRID}")?;
    writeln!(text, "    priority: {priority}\n    version: {}", setting.version)?;
    writeln!(text, "    advertisement_interval: {:?}", setting.interval.duration())?;
    let addresses: Vec<String> =
        setting.virtual_addresses().iter().map(|(address, prefix)| format!("\"{address}/{prefix}\"")).collect();
    writeln!(text, "    addresses: [{}]", addresses.join(", "))?;
    if setting.credentials == Credentials::Password {
        writeln!(text, "    password_file: {}", directory.join("password").display())?;
    }
    if setting.cast == Cast::Unicast {
        writeln!(text, "    source: \"{}\"", setting.source(side))?;
        writeln!(text, "    peers: [\"{}\"]", setting.source(side.other()))?;
    }
    Ok(text)
}
