//! The configuration of a node, as an operator would write it.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use vrrp_packet::Interval;

use super::DrillError;
use super::plan::{INTERFACE, PREFIX, ROUTER, Side, VIRTUAL_ADDRESS, VRID};

/// Says how advertisements travel in the lab.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Transport {
    /// To the one peer that is listed.
    #[default]
    Unicast,
    /// To the group, with the number of routers declared.
    Multicast,
}

/// What both nodes do alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Preempt_Mode.
    pub(super) preempt: bool,
    /// Whether they probe the host of a late Active Router.
    pub(super) probe: bool,
}

/// The id of the key that both nodes have, where they have one.
pub(super) const KEY_ID: u8 = 1;

/// Writes one side's file; `key` is the file of a key that both have.
pub(super) fn write(
    side: Side,
    interval: Interval,
    transport: Transport,
    habits: Habits,
    key: Option<&Path>,
    socket: &Path,
) -> String {
    // JSON's strings are YAML's too, whatever is in the path.
    let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy());
    let authentication = key.map_or_else(String::new, |file| {
        format!("authentication: {{ keys: [{{ id: {KEY_ID}, file: {} }}] }}", quoted(file))
    });
    let Habits { preempt, probe } = habits;
    let probe = if probe { "probe: {}" } else { "" };
    let others = match transport {
        Transport::Unicast => format!("peers: [{}]", side.other().address()),
        Transport::Multicast => "routers: 2".to_owned(),
    };
    let socket = quoted(socket);
    format!(
        "control: {{ socket: {socket} }}
virtual_routers:
  - name: {ROUTER}
    interface: {INTERFACE}
    vrid: {VRID}
    priority: {priority}
    addresses: [{VIRTUAL_ADDRESS}/{PREFIX}]
    advertisement_interval: {interval}ms
    preempt: {preempt}
    {others}
    {probe}
    {authentication}
",
        priority = side.priority().get(),
        interval = interval.duration().as_millis(),
    )
}

/// Makes a key for both nodes, and returns its file.
pub(super) fn write_key(directory: &Path) -> Result<PathBuf, DrillError> {
    let path = directory.join("key");
    let failed = |source| DrillError::File { doing: "write", path: path.clone(), source };
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    // It keeps no secret: whoever can play a drill can read the files of it, too.
    writeln!(file, "hex:{}", "5a".repeat(32)).map_err(failed)?;
    Ok(path)
}
