//! A small network: a switch that hears everything, and nodes that run the real binary, each in a namespace of its own.
//!
//! A lab belongs to one test and is gone with it. Nothing here waits without a bound, and a node of a failed test shows
//! its log.

mod departure;
mod frames;
mod node;
mod router;
mod user;
mod wire;

use core::time::Duration;
use std::net::IpAddr;
use std::thread;
use std::time::Instant;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{AfSpecInet6, AfSpecUnspec, In6AddrGenMode, LinkAttribute, LinkMessage};
use vipd::net::link;
use vipd::net::netlink::{Monitor, MonitorEvent};
use vipd::net::privileges::{Capability, missing};
use vipd::net::{FrameSocket, Namespace, Netlink};

pub(crate) use departure::Departure;
pub(crate) use frames::{Frames, sealed};
pub(crate) use node::Node;
pub(crate) use router::Router;
pub(crate) use user::of_each_thread;
pub(crate) use wire::{Seen, Sight, Wire};

/// How long anything may take that has no bound of its own; a busy machine is no reason to fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks at something that cannot be waited for otherwise.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// What the switch sends from when it tries a cable.
const SWITCH_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0];
/// The index of no interface.
const NO_BRIDGE: u32 = 0;

/// Waits until a condition holds.
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    wait_at_most(PATIENCE, what, condition);
}

/// Waits until a condition holds, and fails when it takes longer than this.
pub(crate) fn wait_at_most(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "did not come true within {limit:?}: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// A switch.
pub(crate) struct Lab {
    switch: Namespace,
    netlink: Netlink,
    bridge: u32,
}

impl Lab {
    /// Makes a switch without nodes.
    pub(crate) fn new() -> Self {
        let needed = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
        if let Some(missing) = missing(&needed).first() {
            panic!("the namespace tests make network namespaces and need {missing}: run them as root");
        }
        let switch = Namespace::new().unwrap();
        let mut netlink = Netlink::open_in(&switch).unwrap();
        link::create_bridge(&mut netlink, "switch").unwrap();
        let bridge = link::index_of(&mut netlink, "switch").unwrap().unwrap();
        let lo = link::index_of(&mut netlink, "lo").unwrap().unwrap();
        for index in [bridge, lo] {
            link::set_up(&mut netlink, index).unwrap();
        }
        Self { switch, netlink, bridge }
    }

    /// Makes a host that is connected by `eth0`, with 10.77.0.`host`/24 and fe80::`host`/64.
    pub(crate) fn node(&mut self, host: u8) -> Node {
        let mut node = self.unconnected(host);
        self.connect(&mut node, "eth0");
        node.add_address("eth0", &format!("10.77.0.{host}"), 24);
        node.add_address("eth0", &format!("fe80::{host}"), 64);
        node
    }

    /// Makes a host without network.
    pub(crate) fn unconnected(&self, host: u8) -> Node {
        let mut node = Node::new(host);
        let lo = node.index("lo");
        link::set_up(node.netlink(), lo).unwrap();
        node
    }

    /// Connects a host by an interface without addresses, and returns when frames pass.
    pub(crate) fn connect(&mut self, node: &mut Node, interface: &str) {
        let port = port_name(node, interface);
        link::create_veth(&mut self.netlink, &port, &self.switch, interface, node.namespace()).unwrap();
        let (near, index) = (self.port(node, interface), node.index(interface));
        link::set_master(&mut self.netlink, near, Some(self.bridge)).unwrap();
        let mac = node.mac();
        link::set_mac(node.netlink(), index, mac).unwrap();
        without_automatic_addresses(&mut self.netlink, near);
        without_automatic_addresses(node.netlink(), index);
        link::set_up(&mut self.netlink, near).unwrap();
        link::set_up(node.netlink(), index).unwrap();
        self.wait_until_frames_pass(node, near, index);
    }

    /// The kernel says that a cable runs before its queues take frames: until then they vanish.
    fn wait_until_frames_pass(&self, node: &Node, near: u32, index: u32) {
        let (switch, host) = (self.listen(), Wire::tap(node.namespace(), NO_BRIDGE));
        let [up, down] =
            [node.namespace(), &self.switch].map(|namespace| namespace.enter(FrameSocket::open).unwrap().unwrap());
        for (from, index, mac, to) in [(up, index, node.mac(), switch), (down, near, SWITCH_MAC, host)] {
            wait_until("frames pass a cable", || {
                // While the cable does not run a frame may also be refused.
                let _ = from.send(index, &frames::experiment(mac));
                to.hears(mac)
            });
        }
    }

    /// Drops every frame from and to an interface, without a word to either end; or lets them pass again.
    pub(crate) fn set_cut(&mut self, node: &Node, interface: &str, cut: bool) {
        let port = self.port(node, interface);
        // Not by the port's state: late news of a carrier would open the port again.
        link::set_master(&mut self.netlink, port, (!cut).then_some(self.bridge)).unwrap();
    }

    /// Switches the switch's end of a cable off or on: the host sees that it has no carrier.
    pub(crate) fn set_carrier(&mut self, node: &Node, interface: &str, carrier: bool) {
        let port = self.port(node, interface);
        if carrier { link::set_up(&mut self.netlink, port) } else { link::set_down(&mut self.netlink, port) }.unwrap();
    }

    /// Listens to everything that passes the switch from now on.
    pub(crate) fn listen(&self) -> Wire {
        Wire::tap(&self.switch, self.bridge)
    }

    fn port(&mut self, node: &Node, interface: &str) -> u32 {
        link::index_of(&mut self.netlink, &port_name(node, interface)).unwrap().unwrap()
    }
}

fn port_name(node: &Node, interface: &str) -> String {
    format!("{interface}-{}", node.host())
}

/// Keeps the kernel from adding a link-local address, which would become usable in the middle of a test.
fn without_automatic_addresses(netlink: &mut Netlink, index: u32) {
    let mut link = LinkMessage::default();
    link.header.index = index;
    let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    link.attributes.push(LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]));
    netlink.request(RouteNetlinkMessage::SetLink(link), 0).unwrap();
}

/// Returns what happened to IPv4 addresses; of links and IPv6 addresses the kernel tells some time later.
pub(crate) fn changes(events: &mut Monitor) -> Vec<MonitorEvent> {
    let is_told_at_once = |event: &MonitorEvent| match event {
        MonitorEvent::Address(change) | MonitorEvent::AddressGone(change) => change.address.address.is_ipv4(),
        MonitorEvent::LinkGone { .. } | MonitorEvent::Overrun => true,
        MonitorEvent::Link(_) => false,
    };
    core::iter::from_fn(|| events.next_event().unwrap()).filter(is_told_at_once).collect()
}

/// Reads an address that a test wrote down.
pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
