//! Two nodes on up to four wires, each wire a bridge of its own in a third namespace.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, bail};
use vipd::net::link::{add_address, create_bridge, create_veth, index_of, links, set_master, set_up};
use vipd::net::privileges::{Capability, missing};
use vipd::net::{Capture, Namespace, Netlink, Sentry};
use vrrp_packet::Family;

/// Names one of the two nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// 10.N.0.1 on wire N.
    Left,
    /// 10.N.0.2 on wire N.
    Right,
}

impl Side {
    /// Both nodes.
    pub(crate) const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// Returns a word for files and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// Returns the node's own address on a wire.
    pub(crate) fn address(self, wire: u8) -> Ipv4Addr {
        let host = match self {
            Self::Left => 1,
            Self::Right => 2,
        };
        Ipv4Addr::new(10, wire + 1, 0, host)
    }

    fn port(self, wire: u8) -> String {
        format!("{}{wire}", self.name())
    }
}

/// Returns what both nodes call their end of a wire.
pub(crate) fn interface(wire: u8) -> String {
    format!("eth{wire}")
}

/// Holds two nodes and their wires.
pub(crate) struct Lab {
    left: Namespace,
    right: Namespace,
    switch: Netlink,
    switch_space: Namespace,
    bridges: Vec<u32>,
}

impl Lab {
    /// Makes the namespaces and the wires, all of them up.
    ///
    /// # Errors
    /// A sentence that says which privilege is missing, or what the kernel refused.
    pub(crate) fn new(wires: u8) -> anyhow::Result<Self> {
        let needed = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
        if let Some(missing) = missing(&needed).first() {
            bail!("this measurement makes network namespaces and needs {missing}: run it as root");
        }
        let switch_space = Namespace::new()?;
        let switch = Netlink::open_in(&switch_space)?;
        let (left, right) = (Namespace::new()?, Namespace::new()?);
        let mut lab = Self { left, right, switch, switch_space, bridges: Vec::new() };
        for wire in 0..wires {
            lab.lay(wire).with_context(|| format!("wire {wire}"))?;
        }
        Ok(lab)
    }

    fn lay(&mut self, wire: u8) -> anyhow::Result<()> {
        let bridge = format!("bridge{wire}");
        create_bridge(&mut self.switch, &bridge)?;
        let bridge = find(&mut self.switch, &bridge)?;
        set_up(&mut self.switch, bridge)?;
        self.bridges.push(bridge);
        for side in Side::BOTH {
            let node = match side {
                Side::Left => &self.left,
                Side::Right => &self.right,
            };
            node.enter(|| fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1"))?.context("addr_gen_mode")?;
            create_veth(&mut self.switch, &side.port(wire), &self.switch_space, &interface(wire), node)?;
            let mut inside = Netlink::open_in(node)?;
            let end = find(&mut inside, &interface(wire))?;
            set_up(&mut inside, end)?;
            add_address(&mut inside, end, side.address(wire).into(), 16)?;
            let port = find(&mut self.switch, &side.port(wire))?;
            set_master(&mut self.switch, port, Some(bridge))?;
            set_up(&mut self.switch, port)?;
        }
        Ok(())
    }

    /// Returns the namespace of a node.
    pub(crate) fn node(&self, side: Side) -> &Namespace {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Takes a node off all bridges; it keeps its carriers, so that nothing tells it.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn cut(&mut self, side: Side) -> anyhow::Result<()> {
        for wire in 0..self.wires() {
            let port = find(&mut self.switch, &side.port(wire))?;
            set_master(&mut self.switch, port, None)?;
        }
        Ok(())
    }

    fn wires(&self) -> u8 {
        u8::try_from(self.bridges.len()).unwrap_or(u8::MAX)
    }

    /// Overhears a node's first wire from the switch, both ways.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn overhear(&mut self, side: Side) -> anyhow::Result<Capture> {
        let port = find(&mut self.switch, &side.port(0))?;
        Ok(self.switch_space.enter(|| Capture::open(port))??)
    }

    /// Hears who says advertisements on a node's end of a wire, of all who are not the switch.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn advertisers(&mut self, side: Side, wire: u8) -> anyhow::Result<Sentry> {
        let port = find(&mut self.switch, &side.port(wire))?;
        Ok(self.switch_space.enter(|| Sentry::on_advertisers(port, Family::Ipv4))??)
    }

    /// Counts the addresses of a node but for its own.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn held(&self, side: Side) -> anyhow::Result<usize> {
        let own = |address| (0..self.wires()).any(|wire| IpAddr::V4(side.address(wire)) == address);
        let links = links(&mut Netlink::open_in(self.node(side))?)?;
        let all = links.iter().filter(|link| link.name != "lo").flat_map(|link| &link.addresses);
        Ok(all.filter(|known| known.address.is_ipv4() && !own(known.address)).count())
    }
}

fn find(netlink: &mut Netlink, name: &str) -> anyhow::Result<u32> {
    index_of(netlink, name)?.with_context(|| format!("no interface {name}"))
}
