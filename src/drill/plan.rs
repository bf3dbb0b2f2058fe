//! The lab's fixed points: every address, name and number, in one place.

use std::net::{Ipv4Addr, SocketAddrV4};

use vrrp_packet::{Interval, Priority, Version};

/// The virtual address.
pub(super) const VIRTUAL_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);
/// The prefix length of every address in the lab.
pub(super) const PREFIX: u8 = 24;
/// The client's address.
pub(super) const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
/// The interface of each host.
pub(super) const INTERFACE: &str = "eth0";
/// The Virtual Router's name in the configuration.
pub(super) const ROUTER: &str = "drill";
/// The Virtual Router's number.
pub(super) const VRID: u8 = 51;
/// The version of the protocol.
pub(super) const VERSION: Version = Version::V3;
/// Where the nodes answer the client's datagrams (RFC 862, the echo service).
pub(super) const SERVICE: SocketAddrV4 = SocketAddrV4::new(VIRTUAL_ADDRESS, 7);

/// Describes a host that runs no agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outsider {
    pub(super) address: Ipv4Addr,
    pub(super) mac: [u8; 6],
}

/// The host that forges advertisements.
pub(super) const ATTACKER: Outsider = Outsider { address: Ipv4Addr::new(10, 77, 0, 66), mac: [2, 0, 0, 77, 0, 0x66] };

/// Names one of the two hosts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The preferred host, with the higher priority.
    A,
    /// The other one.
    B,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::A, Self::B];

    pub(super) const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Returns the place in arrays that hold something for each side.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    pub(super) const fn address(self) -> Ipv4Addr {
        match self {
            Self::A => Ipv4Addr::new(10, 77, 0, 1),
            Self::B => Ipv4Addr::new(10, 77, 0, 2),
        }
    }

    pub(super) const fn priority(self) -> Priority {
        match self {
            Self::A => Priority::new(200),
            Self::B => Priority::new(100),
        }
    }

    /// Returns the Ethernet address of [`INTERFACE`], by which captured frames are told apart.
    pub(super) const fn mac(self) -> [u8; 6] {
        match self {
            Self::A => [2, 0, 0, 77, 0, 1],
            Self::B => [2, 0, 0, 77, 0, 2],
        }
    }

    /// Returns how long this side waits for the other one, in nanoseconds.
    pub(super) fn active_down_nanos(self, interval: Interval) -> u64 {
        nanos(interval.active_down_interval(VERSION, self.priority()))
    }
}

/// Converts a span; what does not fit is longer than any drill.
pub(super) fn nanos(span: core::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
