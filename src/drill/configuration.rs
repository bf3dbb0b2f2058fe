//! The configuration of a node, as an operator would write it.

use std::path::Path;

use vrrp_packet::Interval;

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

/// Writes one side's file.
pub(super) fn write(side: Side, interval: Interval, transport: Transport, preempt: bool, socket: &Path) -> String {
    let others = match transport {
        Transport::Unicast => format!("peers: [{}]", side.other().address()),
        Transport::Multicast => "routers: 2".to_owned(),
    };
    // JSON's strings are YAML's too, whatever is in the path.
    let socket = serde_json::Value::from(socket.to_string_lossy());
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
",
        priority = side.priority().get(),
        interval = interval.duration().as_millis(),
    )
}
