//! The lab: two hosts and a client on one switch, each a network namespace that vanishes with the lab.

mod faults;

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use super::DrillError;
use super::patience::Patience;
use super::plan::{ATTACKER, CLIENT_ADDRESS, INTERFACE, PREFIX, Side};
use crate::net::Netlink;
use crate::net::link::{self, Link};
use crate::net::namespace::{Namespace, NamespaceError, become_root_in_user_namespace};

const BRIDGE: &str = "br0";
/// A new pair of interfaces runs within milliseconds; the kernel's link watch looks once a second.
const LINK_PATIENCE: Duration = Duration::from_secs(5);

/// Holds the namespaces. Nothing of it is seen outside, and nothing stays when it is dropped.
#[derive(Debug)]
pub(super) struct Lab {
    hosts: [Host; 2],
    client: Host,
    switch: Netlink,
    switch_namespace: Namespace,
}

/// Describes one host in the lab.
#[derive(Debug)]
pub(super) struct Host {
    /// Where its processes and threads run.
    pub(super) namespace: Namespace,
    /// The index of its only interface.
    pub(super) interface: u32,
    /// The index of the switch's end of the cable.
    port: u32,
}

/// Makes sure that namespaces can be made, as root or as root of a user namespace of our own.
///
/// The process must have one thread only.
pub(super) fn become_able() -> Result<(), DrillError> {
    match Namespace::new() {
        Ok(_) => Ok(()),
        Err(NamespaceError::NotPermitted(_)) => become_root_in_user_namespace().map_err(DrillError::Namespace),
        Err(error) => Err(DrillError::Namespace(error)),
    }
}

impl Lab {
    /// Builds it; every link runs when this returns.
    pub(super) fn build(patience: &Patience) -> Result<Self, DrillError> {
        let namespace = Namespace::new()?;
        let mut switch = Netlink::open_in(&namespace)?;
        link::create_bridge(&mut switch, BRIDGE)?;
        let bridge = index_of(&mut switch, BRIDGE)?;
        link::set_up(&mut switch, bridge)?;

        let [a, b] = Side::BOTH;
        let hosts = [
            Host::connect(&mut switch, &namespace, bridge, a.name(), a.address(), Some(a.mac()))?,
            Host::connect(&mut switch, &namespace, bridge, b.name(), b.address(), Some(b.mac()))?,
        ];
        let client = Host::connect(&mut switch, &namespace, bridge, "client", CLIENT_ADDRESS, None)?;
        wait_until_running(&mut switch, patience)?;
        Ok(Self { hosts, client, switch, switch_namespace: namespace })
    }

    pub(super) fn host(&self, side: Side) -> &Host {
        &self.hosts[side.index()]
    }

    pub(super) fn client(&self) -> &Host {
        &self.client
    }

    /// Connects a host that runs no agent; it is gone when it is dropped.
    pub(super) fn connect_attacker(&mut self, patience: &Patience) -> Result<Host, DrillError> {
        let bridge = index_of(&mut self.switch, BRIDGE)?;
        let (address, mac) = (ATTACKER.address, Some(ATTACKER.mac));
        let host = Host::connect(&mut self.switch, &self.switch_namespace, bridge, "attacker", address, mac)?;
        wait_until_running(&mut self.switch, patience)?;
        Ok(host)
    }
}

impl Host {
    /// Makes a namespace and a cable to the switch.
    fn connect(
        switch: &mut Netlink,
        switch_namespace: &Namespace,
        bridge: u32,
        name: &str,
        address: Ipv4Addr,
        mac: Option<[u8; 6]>,
    ) -> Result<Self, DrillError> {
        let namespace = Namespace::new()?;
        let mut inside = Netlink::open_in(&namespace)?;
        link::create_veth(switch, name, switch_namespace, INTERFACE, &namespace)?;
        let port = index_of(switch, name)?;
        link::set_master(switch, port, Some(bridge))?;
        link::set_up(switch, port)?;

        let interface = index_of(&mut inside, INTERFACE)?;
        let loopback = index_of(&mut inside, "lo")?;
        if let Some(mac) = mac {
            link::set_mac(&mut inside, interface, mac)?;
        }
        link::set_up(&mut inside, loopback)?;
        link::set_up(&mut inside, interface)?;
        link::add_address(&mut inside, interface, IpAddr::V4(address), PREFIX)?;
        Ok(Self { namespace, interface, port })
    }
}

fn index_of(netlink: &mut Netlink, name: &str) -> Result<u32, DrillError> {
    link::index_of(netlink, name)?.ok_or_else(|| DrillError::NoLink(name.to_owned()))
}

/// Tells whether no news of an interface's beginning is on its way: such news would open a port of the switch again that a
/// drill has cut. A bridge is never reported up, and cut off by nobody.
fn has_settled(link: &Link) -> bool {
    link.running && (link.reported_up || link.name == BRIDGE)
}

fn wait_until_running(netlink: &mut Netlink, patience: &Patience) -> Result<(), DrillError> {
    let mut waiting = String::new();
    let running = patience.until(LINK_PATIENCE, || match link::links(netlink) {
        Ok(links) => match links.into_iter().find(|link| link.up && !has_settled(link)) {
            Some(link) => {
                waiting = link.name;
                None
            }
            None => Some(Ok(())),
        },
        Err(error) => Some(Err(error)),
    })?;
    running.ok_or(DrillError::NoLink(waiting))?.map_err(DrillError::Netlink)
}
