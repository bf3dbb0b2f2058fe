//! Takes an input apart; where it is too short the rest is zeros, so that every input means something.

use std::net::IpAddr;

use vrrp_packet::IpHeader;

/// Reads an input from its start.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (taken, rest) = self.0.split_at(self.0.len().min(N));
        array[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
        array
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    pub fn address(&mut self, ipv6: bool) -> IpAddr {
        if ipv6 { self.array::<16>().into() } else { self.array::<4>().into() }
    }

    /// Hop limit, source and destination.
    pub fn ip(&mut self, ipv6: bool) -> IpHeader {
        let hop_limit = self.byte();
        IpHeader { source: self.address(ipv6), destination: self.address(ipv6), hop_limit }
    }
}
