//! The address list of an advertisement, read in place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Family;

/// Borrows the addresses of an advertisement, in the sender's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addresses<'a> {
    /// Addresses of four bytes.
    Ipv4(&'a [[u8; 4]]),
    /// Addresses of sixteen bytes; the first should be link-local (erratum 8300), but FRR's is not.
    Ipv6(&'a [[u8; 16]]),
}

impl<'a> Addresses<'a> {
    pub(crate) fn from_bytes(family: Family, bytes: &'a [u8]) -> Self {
        match family {
            Family::Ipv4 => Self::Ipv4(bytes.as_chunks().0),
            Family::Ipv6 => Self::Ipv6(bytes.as_chunks().0),
        }
    }

    /// Returns how many addresses there are: 1 to 255 after `parse`.
    pub const fn len(&self) -> usize {
        match self {
            Self::Ipv4(addresses) => addresses.len(),
            Self::Ipv6(addresses) => addresses.len(),
        }
    }

    /// Tells whether there is no address; never after `parse`.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over the addresses without allocation.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + Clone + use<'a> {
        let (ipv4, ipv6): (&[[u8; 4]], &[[u8; 16]]) = match *self {
            Self::Ipv4(addresses) => (addresses, &[]),
            Self::Ipv6(addresses) => (&[], addresses),
        };
        let ipv4 = ipv4.iter().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets)));
        ipv4.chain(ipv6.iter().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets))))
    }
}
