//! What an advertisement looks like to its sender: fields in, bytes out.
//!
//! Buffers belong to the caller, so that the election thread does not allocate when steady.

use std::net::IpAddr;

use crate::advertisement::{
    AUTH_TYPE_PASSWORD, HEADER_LENGTH, IpHeader, TYPE_ADVERTISEMENT, V2_AUTHENTICATION_LENGTH, message_length,
};
use crate::authentication::{self, Key};
use crate::checksum::{self, ChecksumForm, Covered};
use crate::{EmitError, Family, Interval, Priority, Sequence, Trailer, Version, Vrid};

/// Describes an advertisement to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The version to speak.
    pub version: Version,
    /// The Virtual Router to speak for.
    pub vrid: Vrid,
    /// The sender's effective priority, or [`Priority::RELEASE`].
    pub priority: Priority,
    /// The sender's own interval.
    pub interval: Interval,
    /// The virtual addresses, one family, 1 to 255; over IPv6 the link-local one first (erratum 8300).
    pub addresses: &'a [IpAddr],
    /// The form of the checksum; counts for version 3 over IPv4 alone, the others know only one.
    pub checksum: ChecksumForm,
    /// A password for version 2, padded with zeros (Auth Type 1).
    pub password: Option<[u8; V2_AUTHENTICATION_LENGTH]>,
}

impl Outgoing<'_> {
    /// Replaces what `buffer` holds by the advertisement, without a trailer.
    ///
    /// `ip` gives the source and destination that the checksum covers. Nothing is allocated where the capacity
    /// suffices.
    ///
    /// # Errors
    /// See [`EmitError`]; the buffer is then left empty.
    pub fn emit_into(&self, ip: &IpHeader, buffer: &mut Vec<u8>) -> Result<(), EmitError> {
        self.write_message(ip, buffer)?;
        self.fill_checksum(ip, buffer);
        Ok(())
    }

    /// Replaces what `buffer` holds by the advertisement and its authentication trailer.
    ///
    /// `ip` gives the source and destination that tag and checksum cover. Each packet needs a sequence of its own:
    /// see [`Sequence::next_to_send`].
    ///
    /// # Errors
    /// See [`EmitError`]; the buffer is then left empty.
    pub fn emit_signed_into(
        &self,
        ip: &IpHeader,
        key: &Key,
        sequence: Sequence,
        buffer: &mut Vec<u8>,
    ) -> Result<(), EmitError> {
        self.write_message(ip, buffer)?;
        // The tag reads the checksum as zero and the IPv6 checksum covers the tag: so the checksum comes last.
        authentication::append_trailer(self.version, self.vrid, ip.source, key, sequence, buffer);
        self.fill_checksum(ip, buffer);
        Ok(())
    }

    /// Checks every field and writes the message with a checksum of zero.
    fn write_message(&self, ip: &IpHeader, buffer: &mut Vec<u8>) -> Result<(), EmitError> {
        buffer.clear();
        let family = ip.family();
        let count = self.check_addresses(ip)?;
        let [upper, lower] = self.interval_field()?;
        if self.version == Version::V3 && self.password.is_some() {
            return Err(EmitError::PasswordInVersion3);
        }
        buffer.reserve(message_length(self.version, family, self.addresses.len()) + Trailer::LENGTH);
        let version_type = self.version.number() << 4 | TYPE_ADVERTISEMENT;
        let header: [u8; HEADER_LENGTH] =
            [version_type, self.vrid.get(), self.priority.get(), count, upper, lower, 0, 0];
        buffer.extend_from_slice(&header);
        for address in self.addresses {
            match address {
                IpAddr::V4(address) => buffer.extend_from_slice(&address.octets()),
                IpAddr::V6(address) => buffer.extend_from_slice(&address.octets()),
            }
        }
        if self.version == Version::V2 {
            buffer.extend_from_slice(&self.password.unwrap_or_default());
        }
        Ok(())
    }

    /// Returns the address count.
    fn check_addresses(&self, ip: &IpHeader) -> Result<u8, EmitError> {
        let family = ip.family();
        if self.addresses.is_empty() {
            return Err(EmitError::NoAddress);
        }
        let count =
            u8::try_from(self.addresses.len()).map_err(|_| EmitError::TooManyAddresses(self.addresses.len()))?;
        let mut others = self.addresses.iter().chain([&ip.destination]);
        if others.any(|address| Family::of(*address) != family) {
            return Err(EmitError::MixedFamilies);
        }
        if (self.version, family) == (Version::V2, Family::Ipv6) {
            return Err(EmitError::Version2OverIpv6);
        }
        Ok(count)
    }

    /// Returns bytes 4 and 5: in version 2 Auth Type and seconds, in version 3 centiseconds.
    fn interval_field(&self) -> Result<[u8; 2], EmitError> {
        let field = match self.version {
            Version::V2 => {
                let auth_type = if self.password.is_some() { AUTH_TYPE_PASSWORD } else { 0 };
                self.interval.seconds().map(|seconds| [auth_type, seconds])
            }
            Version::V3 => {
                let centis = self.interval.centis();
                (centis <= Interval::MAX_CENTIS).then(|| centis.to_be_bytes())
            }
        };
        field.ok_or(EmitError::Interval { version: self.version, interval: self.interval })
    }

    fn fill_checksum(&self, ip: &IpHeader, payload: &mut [u8]) {
        let message_length = message_length(self.version, ip.family(), self.addresses.len());
        let covered = Covered { version: self.version, ip: *ip, payload, message_length };
        let checksum = covered.checksum(self.checksum);
        payload[checksum::FIELD].copy_from_slice(&checksum.to_be_bytes());
    }
}

impl core::fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Outgoing")
            .field("version", &self.version)
            .field("vrid", &self.vrid)
            .field("priority", &self.priority)
            .field("interval", &self.interval)
            .field("addresses", &self.addresses)
            .field("checksum", &self.checksum)
            // A password does not belong in a log.
            .field("password", &self.password.map(|_| ".."))
            .finish()
    }
}
