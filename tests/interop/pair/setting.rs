//! How the two nodes talk: what the products' configurations must say alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_packet::{Family, Interval, Version};

use super::lab::Side;

/// The Virtual Router that both nodes serve.
pub(crate) const VRID: u8 = 51;
/// Version 2's password where [`Credentials::Password`] is chosen.
pub(crate) const PASSWORD: &str = "s3cret";

/// Says whether version 2 carries a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Credentials {
    /// Auth Type 0.
    Nothing,
    /// Auth Type 1 with [`PASSWORD`].
    Password,
}

/// Says how advertisements are addressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cast {
    /// To the group of the family.
    Multicast,
    /// To the other node alone.
    Unicast,
}

/// Describes the Virtual Router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    /// The version that both speak.
    pub version: Version,
    /// The family of advertisements and addresses.
    pub family: Family,
    /// The password, which version 2 alone knows.
    pub credentials: Credentials,
    /// How advertisements are addressed.
    pub cast: Cast,
    /// Advertisement_Interval.
    pub interval: Interval,
}

impl Setting {
    /// Returns the address that advertisements of a node come from; link-local for IPv6 (RFC 9568 §5.1.2.1).
    pub(crate) fn source(&self, side: Side) -> IpAddr {
        side.address(self.family)
    }

    /// Returns the virtual addresses with their prefix lengths; over IPv6 the link-local one first (erratum 8300).
    pub(crate) fn virtual_addresses(&self) -> Vec<(IpAddr, u8)> {
        let watched = self.watched_address();
        match self.family {
            Family::Ipv4 => vec![(watched, self.watched_prefix())],
            Family::Ipv6 => {
                let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x77, 0x100);
                vec![(link_local.into(), 64), (watched, self.watched_prefix())]
            }
        }
    }

    /// Returns the virtual address that clients know.
    pub(crate) fn watched_address(&self) -> IpAddr {
        match self.family {
            Family::Ipv4 => Ipv4Addr::new(10, 77, 0, 100).into(),
            Family::Ipv6 => Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x100).into(),
        }
    }

    /// Returns the prefix length of [`Self::watched_address`].
    pub(crate) fn watched_prefix(&self) -> u8 {
        match self.family {
            Family::Ipv4 => 24,
            Family::Ipv6 => 64,
        }
    }
}
