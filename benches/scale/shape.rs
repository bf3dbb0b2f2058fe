//! What both products are told: how many routers of how many addresses, on how many wires, how often.

use core::time::Duration;
use std::fmt::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use crate::lab::interface;

/// What one advertisement may list.
const ADVERTISED: u16 = 255;

/// Describes the Virtual Routers of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    /// How many interfaces have routers.
    pub(crate) wires: u8,
    /// How many routers there are on each.
    pub(crate) routers: u8,
    /// How many addresses each router has.
    pub(crate) addresses: u16,
    /// Advertisement_Interval.
    pub(crate) interval: Duration,
    /// Whether advertisements are signed; vipd alone.
    pub(crate) signed: bool,
    /// Whether realtime scheduling is asked for.
    pub(crate) realtime: bool,
}

impl Shape {
    /// Describes this many routers of one interface, with realtime scheduling and without signatures.
    pub(crate) const fn new(routers: u8, addresses: u16, interval: Duration) -> Self {
        Self { wires: 1, routers, addresses, interval, signed: false, realtime: true }
    }

    /// Counts all addresses.
    pub(crate) fn all_addresses(&self) -> usize {
        usize::from(self.wires) * usize::from(self.routers) * usize::from(self.addresses)
    }

    /// Counts the advertisements of a second.
    pub(crate) fn advertisements_a_second(&self) -> f64 {
        f64::from(self.wires) * f64::from(self.routers) / self.interval.as_secs_f64()
    }

    /// Returns Active_Down_Interval for a priority.
    pub(crate) fn active_down(&self, priority: u8) -> Duration {
        self.interval * 3 + self.interval * (256 - u32::from(priority)) / 256
    }

    /// Returns a virtual address; all are in the subnet of the nodes' own addresses.
    fn address(&self, wire: u8, router: u8, number: u16) -> Ipv4Addr {
        let all = u32::from(router) * u32::from(self.addresses) + u32::from(number);
        let [_, _, high, low] = (256 + all).to_be_bytes();
        Ipv4Addr::new(10, wire + 1, high, low)
    }

    /// Writes vipd's configuration, with its control socket in `directory`.
    pub(crate) fn vipd(&self, directory: &Path, priority: u8) -> Result<String, fmt::Error> {
        let mut text = String::new();
        writeln!(text, "control: {{ socket: {} }}", directory.join("vipd.sock").display())?;
        if !self.realtime {
            writeln!(text, "realtime: off")?;
        }
        writeln!(text, "virtual_routers:")?;
        for (wire, router) in self.each() {
            writeln!(text, "  - name: r{wire}-{router}\n    interface: {}\n    vrid: {}", interface(wire), router + 1)?;
            writeln!(text, "    priority: {priority}\n    advertisement_interval: {:?}", self.interval)?;
            if self.signed {
                let key = directory.join("key");
                writeln!(
                    text,
                    "    authentication: {{ active_key: 1, keys: [{{ id: 1, file: {} }}] }}",
                    key.display()
                )?;
            }
            writeln!(text, "    addresses:")?;
            for number in 0..self.addresses {
                let address = self.address(wire, router, number);
                match number {
                    0..ADVERTISED => writeln!(text, "      - {address}/16")?,
                    ADVERTISED.. => writeln!(text, "      - {{ address: {address}/16, advertise: false }}")?,
                }
            }
        }
        Ok(text)
    }

    /// Writes keepalived's configuration.
    pub(crate) fn keepalived(&self, priority: u8) -> Result<String, fmt::Error> {
        let mut text = String::from("global_defs {\n  vrrp_version 3\n");
        if self.realtime {
            // Its own limit of 10 ms on realtime would have the kernel kill it under load.
            text.push_str("  vrrp_rt_priority 50\n  vrrp_rlimit_rttime 10000000\n");
        }
        text.push_str("}\n");
        for (wire, router) in self.each() {
            writeln!(text, "vrrp_instance r{wire}-{router} {{\n  state BACKUP\n  interface {}", interface(wire))?;
            writeln!(text, "  virtual_router_id {}\n  priority {priority}", router + 1)?;
            writeln!(text, "  advert_int {}\n  virtual_ipaddress {{", self.interval.as_secs_f64())?;
            for number in 0..self.addresses {
                if number == ADVERTISED {
                    writeln!(text, "  }}\n  virtual_ipaddress_excluded {{")?;
                }
                writeln!(text, "    {}/16 dev {}", self.address(wire, router, number), interface(wire))?;
            }
            writeln!(text, "  }}\n}}")?;
        }
        Ok(text)
    }

    fn each(&self) -> impl Iterator<Item = (u8, u8)> {
        let routers = self.routers;
        (0..self.wires).flat_map(move |wire| (0..routers).map(move |router| (wire, router)))
    }
}
