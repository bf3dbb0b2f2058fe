//! The wire: two namespaces on a bridge in a third.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, bail};
use vipd::net::link::{add_address, create_bridge, create_veth, index_of, set_master, set_up};
use vipd::net::privileges::{Capability, missing};
use vipd::net::{Namespace, Netlink};
use vrrp_packet::Family;

/// What each node calls its end of the wire.
pub(crate) const INTERFACE: &str = "eth0";
const BRIDGE: &str = "bridge0";

/// Names one of the two nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// 10.77.0.1 and fe80::77:1.
    Left,
    /// 10.77.0.2 and fe80::77:2.
    Right,
}

impl Side {
    /// Both nodes.
    pub(crate) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// Returns the other node.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// Returns a word for messages and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// Returns the node's own address.
    pub(crate) fn address(self, family: Family) -> IpAddr {
        match family {
            Family::Ipv4 => Ipv4Addr::new(10, 77, 0, self.host()).into(),
            Family::Ipv6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x77, self.host().into()).into(),
        }
    }

    fn host(self) -> u8 {
        match self {
            Self::Left => 1,
            Self::Right => 2,
        }
    }

    fn port(self) -> &'static str {
        match self {
            Self::Left => "port-left",
            Self::Right => "port-right",
        }
    }
}

/// Holds two nodes whose wire can be cut.
pub(crate) struct Lab {
    left: Namespace,
    right: Namespace,
    switch: Netlink,
    bridge: u32,
    switch_space: Namespace,
}

impl Lab {
    /// Makes the namespaces, the bridge and the wires, all of them up and with their addresses.
    ///
    /// # Errors
    /// A sentence that says which privilege is missing, or what the kernel refused.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let needed = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
        if let Some(missing) = missing(&needed).first() {
            bail!("this test makes network namespaces and needs {missing}: run it as root");
        }
        let space = Namespace::new()?;
        let mut switch = Netlink::open_in(&space)?;
        create_bridge(&mut switch, BRIDGE)?;
        let bridge = find(&mut switch, BRIDGE)?;
        set_up(&mut switch, bridge)?;
        let (left, right) = (Namespace::new()?, Namespace::new()?);
        let mut lab = Self { left, right, switch, bridge, switch_space: space };
        for side in Side::BOTH {
            lab.lay_wire(side).with_context(|| format!("the wire of the {} node", side.name()))?;
        }
        Ok(lab)
    }

    fn lay_wire(&mut self, side: Side) -> anyhow::Result<()> {
        let node = match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        };
        // Without generated addresses the source of advertisements is the one that the configuration names.
        node.enter(|| fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1"))?.context("addr_gen_mode")?;
        create_veth(&mut self.switch, side.port(), &self.switch_space, INTERFACE, node)?;
        let mut inside = Netlink::open_in(node)?;
        let interface = find(&mut inside, INTERFACE)?;
        set_up(&mut inside, interface)?;
        add_address(&mut inside, interface, side.address(Family::Ipv4), 24)?;
        add_address(&mut inside, interface, side.address(Family::Ipv6), 64)?;
        // The subnet of the virtual IPv6 address that clients know.
        add_address(&mut inside, interface, Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, side.host().into()).into(), 64)?;
        self.mend(side)?;
        let port = find(&mut self.switch, side.port())?;
        Ok(set_up(&mut self.switch, port)?)
    }

    /// Returns the namespace of a node.
    pub(crate) fn node(&self, side: Side) -> &Namespace {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Takes a node off the bridge; it keeps its carrier, so that nothing tells it.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn cut(&mut self, side: Side) -> anyhow::Result<()> {
        self.connect(side, None)
    }

    /// Puts a node back on the bridge.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn mend(&mut self, side: Side) -> anyhow::Result<()> {
        self.connect(side, Some(self.bridge))
    }

    fn connect(&mut self, side: Side, bridge: Option<u32>) -> anyhow::Result<()> {
        let port = find(&mut self.switch, side.port())?;
        Ok(set_master(&mut self.switch, port, bridge)?)
    }
}

fn find(netlink: &mut Netlink, name: &str) -> anyhow::Result<u32> {
    index_of(netlink, name)?.with_context(|| format!("no interface {name}"))
}
