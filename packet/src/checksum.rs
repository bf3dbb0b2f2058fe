//! The VRRP checksum: which bytes it covers in which version and family, and their one's complement sum (RFC 1071).

use std::net::IpAddr;

use crate::advertisement::IpHeader;
use crate::{Family, IP_PROTOCOL, Version};

/// Names what a checksum covers besides the VRRP message.
///
/// Only version 3 over IPv4 leaves a choice; version 2 is always `Message`, IPv6 always `PseudoHeader`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChecksumForm {
    /// The message alone (RFC 3768 §5.3.8; RFC 9568 §5.2.8 for IPv4).
    Message,
    /// Message and pseudo-header (RFC 9568 §5.2.8 for IPv6; keepalived and FRR for IPv4 too).
    PseudoHeader,
}

/// Finds the checksum field within a message, in either version.
pub(crate) const FIELD: core::ops::Range<usize> = 6..8;

/// Borrows what a checksum is computed from.
#[derive(Clone, Copy)]
pub(crate) struct Covered<'a> {
    pub(crate) version: Version,
    pub(crate) ip: IpHeader,
    /// The VRRP message and what follows it.
    pub(crate) payload: &'a [u8],
    /// The bytes of the message alone, at most the payload's.
    pub(crate) message_length: usize,
}

impl Covered<'_> {
    /// Returns the form in which the checksum in the payload holds, or `None`.
    ///
    /// Where the pseudo-header adds up to zero both hold, and the RFC's is named.
    pub(crate) fn matching_form(&self) -> Option<ChecksumForm> {
        // A sum that includes its own complement is all ones (RFC 1071 §1).
        self.forms().iter().copied().find(|form| self.sum(*form).fold() == u16::MAX)
    }

    /// Returns the checksum for a payload whose checksum field is zero.
    ///
    /// A form that the version and family do not know is replaced by the one they do.
    pub(crate) fn checksum(&self, wanted: ChecksumForm) -> u16 {
        let forms = self.forms();
        let form = if forms.contains(&wanted) { wanted } else { forms[0] };
        !self.sum(form).fold()
    }

    /// Returns the checksum that the RFC asks for, whatever stands in the checksum field.
    pub(crate) fn expected(&self) -> u16 {
        let [high, low] = [self.payload[FIELD.start], self.payload[FIELD.start + 1]];
        let found = u16::from_be_bytes([high, low]);
        // Adding the complement takes the field out of the sum (RFC 1071 §2).
        !Sum(self.sum(self.forms()[0]).0 + u64::from(!found)).fold()
    }

    /// Returns the forms that the version and family allow, the RFC's first.
    fn forms(&self) -> &'static [ChecksumForm] {
        match (self.version, self.ip.family()) {
            (Version::V2, _) => &[ChecksumForm::Message],
            (Version::V3, Family::Ipv4) => &[ChecksumForm::Message, ChecksumForm::PseudoHeader],
            (Version::V3, Family::Ipv6) => &[ChecksumForm::PseudoHeader],
        }
    }

    fn sum(&self, form: ChecksumForm) -> Sum {
        let covered = match self.ip.family() {
            Family::Ipv4 => &self.payload[..self.message_length],
            // Over IPv6 the kernel fills the checksum in and knows nothing of a trailer.
            Family::Ipv6 => self.payload,
        };
        let sum = Sum(0).bytes(covered);
        match form {
            ChecksumForm::Message => sum,
            ChecksumForm::PseudoHeader => sum.pseudo_header(&self.ip, covered.len()),
        }
    }
}

/// Adds up big-endian words; folded only at the end.
#[derive(Clone, Copy)]
struct Sum(u64);

impl Sum {
    fn bytes(self, bytes: &[u8]) -> Self {
        // Headers, addresses, passwords and trailers all have an even number of bytes: nothing is left over.
        let (words, _) = bytes.as_chunks::<2>();
        Self(self.0 + words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>())
    }

    fn address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.bytes(&address.octets()),
            IpAddr::V6(address) => self.bytes(&address.octets()),
        }
    }

    fn pseudo_header(self, ip: &IpHeader, length: usize) -> Self {
        let sum = self.address(ip.source).address(ip.destination);
        // Folding makes one 32-bit length (RFC 8200 §8.1) add up as its two halves would.
        Self(sum.0 + length as u64 + u64::from(IP_PROTOCOL))
    }

    fn fold(self) -> u16 {
        let mut sum = self.0;
        while sum > u64::from(u16::MAX) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }
}
