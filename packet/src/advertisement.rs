//! What an advertisement looks like to its receiver: checked once by `parse`, then read without copying.
//!
//! Nothing here knows which Virtual Routers exist; VRID, hop limit and address list are compared by the caller.

use std::net::IpAddr;

use crate::checksum::{ChecksumForm, Covered};
use crate::{Addresses, Family, Interval, KeyId, ParseError, Priority, Sequence, Version, Vrid};

/// The bytes before the addresses, in either version.
pub(crate) const HEADER_LENGTH: usize = 8;
/// The authentication data at the end of every version 2 message (RFC 3768 §5.3.10).
pub(crate) const V2_AUTHENTICATION_LENGTH: usize = 8;
/// The only packet type there is (RFC 9568 §5.2.2).
pub(crate) const TYPE_ADVERTISEMENT: u8 = 1;
/// The version 2 Auth Type of a plain-text password (RFC 2338 §5.3.6).
pub(crate) const AUTH_TYPE_PASSWORD: u8 = 1;

/// Carries what the IP header said about a payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IpHeader {
    /// Where the packet came from.
    pub source: IpAddr,
    /// Where it was sent to: a group, or one of our addresses.
    pub destination: IpAddr,
    /// TTL or Hop Limit as received.
    pub hop_limit: u8,
}

impl IpHeader {
    /// Returns the family that carried the packet.
    pub const fn family(&self) -> Family {
        Family::of(self.source)
    }

    /// Tells whether no router can have forwarded the packet (RFC 9568 §5.1.1.3, §5.1.2.3).
    pub const fn is_on_link(&self) -> bool {
        self.hop_limit == u8::MAX
    }
}

/// Returns the bytes of a message with that many addresses.
pub(crate) fn message_length(version: Version, family: Family, count: usize) -> usize {
    let addresses = match family {
        Family::Ipv4 => 4 * count,
        Family::Ipv6 => 16 * count,
    };
    HEADER_LENGTH
        + addresses
        + match version {
            Version::V2 => V2_AUTHENTICATION_LENGTH,
            Version::V3 => 0,
        }
}

/// Holds the authentication of a version 2 message (RFC 2338 §5.3.6; RFC 3768 withdrew all but `None`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum V2Authentication {
    /// Auth Type 0.
    None,
    /// Auth Type 1: a password in plain text, padded with zeros.
    SimplePassword([u8; V2_AUTHENTICATION_LENGTH]),
    /// Any other Auth Type.
    Other(u8),
}

impl V2Authentication {
    /// Tells whether this is the authentication that is configured here; if not, discard (RFC 3768 §7.1).
    pub fn matches(&self, password: Option<[u8; V2_AUTHENTICATION_LENGTH]>) -> bool {
        *self == password.map_or(Self::None, Self::SimplePassword)
    }
}

impl core::fmt::Debug for V2Authentication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            // A password does not belong in a log.
            Self::SimplePassword(_) => f.write_str("SimplePassword(..)"),
            Self::Other(auth_type) => f.debug_tuple("Other").field(auth_type).finish(),
        }
    }
}

/// Holds the 28 bytes of authentication that follow a message (draft-cassen-vrrp-auth-hmac-00).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trailer<'a> {
    key_id: Option<KeyId>,
    reserved: [u8; 2],
    sequence: Sequence,
    tag: &'a [u8; Trailer::TAG_LENGTH],
}

impl<'a> Trailer<'a> {
    /// The bytes of a trailer.
    pub const LENGTH: usize = 28;
    /// The bytes of the truncated tag, which come last.
    pub const TAG_LENGTH: usize = 16;
    /// The first byte of every trailer.
    pub(crate) const TYPE: u8 = 1;

    /// Recognises a trailer by its length and type byte.
    fn recognise(bytes: &'a [u8]) -> Option<Self> {
        let (head, tag) = bytes.split_first_chunk::<12>()?;
        let [Self::TYPE, key_id, reserved_0, reserved_1, sequence @ ..] = *head else { return None };
        Some(Self {
            key_id: KeyId::new(key_id),
            reserved: [reserved_0, reserved_1],
            sequence: Sequence::from_bits(u64::from_be_bytes(sequence)),
            tag: tag.try_into().ok()?,
        })
    }

    /// Returns the id of the key, or `None` where the trailer is malformed: id 0, or reserved bytes that are not zero.
    pub const fn key_id(&self) -> Option<KeyId> {
        match self.reserved {
            [0, 0] => self.key_id,
            _ => None,
        }
    }

    /// Returns the sender's sequence: seconds, fraction and counter.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Returns the truncated HMAC.
    pub const fn tag(&self) -> &'a [u8; Trailer::TAG_LENGTH] {
        self.tag
    }
}

/// Borrows a received advertisement whose form and checksum are in order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Advertisement<'a> {
    version: Version,
    vrid: Vrid,
    priority: Priority,
    interval: Interval,
    checksum: ChecksumForm,
    addresses: Addresses<'a>,
    v2_authentication: Option<V2Authentication>,
    trailer: Option<Trailer<'a>>,
    ip: IpHeader,
    payload: &'a [u8],
}

impl<'a> Advertisement<'a> {
    /// Parses the payload of an IP packet of protocol 112.
    ///
    /// `ip` carries what the IP header said. Its hop limit is not checked here, since routed unicast peers may lower
    /// it: see [`IpHeader::is_on_link`]. A trailer is recognised but not verified: see [`crate::authentication`].
    ///
    /// # Errors
    /// Every error means "discard" (RFC 9568 §7.1); each variant is one counter. The checks run in the RFC's order.
    pub fn parse(payload: &'a [u8], ip: &IpHeader) -> Result<Self, ParseError> {
        let Some(header) = payload.first_chunk::<HEADER_LENGTH>() else {
            return Err(ParseError::Truncated { needed: HEADER_LENGTH, got: payload.len() });
        };
        let [version_type, vrid, priority, count, upper, lower, checksum @ ..] = *header;
        let version = version(version_type)?;
        let family = ip.family();
        // Before the length, which a version 2 message over IPv6 would not have.
        if (version, family) == (Version::V2, Family::Ipv6) {
            return Err(ParseError::FamilyMismatch { version, family });
        }
        let message_length = message_length(version, family, usize::from(count));
        let Some((message, rest)) = payload.split_at_checked(message_length) else {
            return Err(ParseError::Truncated { needed: message_length, got: payload.len() });
        };
        let trailer = Trailer::recognise(rest);
        if trailer.is_none() && !rest.is_empty() {
            return Err(ParseError::TrailingBytes { count: rest.len() });
        }
        let covered = Covered { version, ip: *ip, payload, message_length };
        let found = u16::from_be_bytes(checksum);
        let form =
            covered.matching_form().ok_or_else(|| ParseError::Checksum { found, expected: covered.expected() })?;
        let vrid = Vrid::new(vrid).ok_or(ParseError::Vrid)?;
        let interval = match version {
            Version::V2 => Interval::from_seconds(lower),
            // §5.2.6: the upper four bits are reserved, ignored on receipt.
            Version::V3 => Interval::from_centis(u16::from_be_bytes([upper & 0x0f, lower])),
        };
        let interval = interval.ok_or(ParseError::ZeroInterval)?;
        if count == 0 {
            return Err(ParseError::NoAddress);
        }
        let body = &message[HEADER_LENGTH..];
        let (addresses, v2_authentication) = match version {
            Version::V3 => (body, None),
            Version::V2 => {
                let (addresses, data) = body.split_at(body.len() - V2_AUTHENTICATION_LENGTH);
                (addresses, Some(v2_authentication(upper, data)))
            }
        };
        Ok(Self {
            version,
            vrid,
            priority: Priority::new(priority),
            interval,
            checksum: form,
            addresses: Addresses::from_bytes(family, addresses),
            v2_authentication,
            trailer,
            ip: *ip,
            payload,
        })
    }

    /// Returns the version that the sender speaks.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the Virtual Router that the sender speaks for.
    pub const fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// Returns the sender's priority; 0 is its farewell.
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// Returns the interval at which the sender advertises.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns the form in which the checksum held.
    pub const fn checksum(&self) -> ChecksumForm {
        self.checksum
    }

    /// Returns the virtual addresses, in the sender's order.
    pub const fn addresses(&self) -> Addresses<'a> {
        self.addresses
    }

    /// Returns the authentication of a version 2 message; `None` for version 3, which has none.
    pub const fn v2_authentication(&self) -> Option<V2Authentication> {
        self.v2_authentication
    }

    /// Returns the HMAC trailer, if there is one; it is not yet verified.
    pub const fn trailer(&self) -> Option<Trailer<'a>> {
        self.trailer
    }

    /// Returns what the IP header said.
    pub const fn ip(&self) -> IpHeader {
        self.ip
    }

    /// Returns the bytes that were parsed, trailer included.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

impl core::fmt::Debug for Advertisement<'_> {
    /// Leaves out the payload, where a password may stand.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Advertisement")
            .field("version", &self.version)
            .field("vrid", &self.vrid)
            .field("priority", &self.priority)
            .field("interval", &self.interval)
            .field("checksum", &self.checksum)
            .field("addresses", &self.addresses)
            .field("v2_authentication", &self.v2_authentication)
            .field("trailer", &self.trailer)
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}

/// Reads the version from the first byte, whose other half must say that this is an advertisement.
fn version(version_type: u8) -> Result<Version, ParseError> {
    let version = match version_type >> 4 {
        2 => Version::V2,
        3 => Version::V3,
        other => return Err(ParseError::Version(other)),
    };
    match version_type & 0x0f {
        TYPE_ADVERTISEMENT => Ok(version),
        other => Err(ParseError::Type(other)),
    }
}

fn v2_authentication(auth_type: u8, data: &[u8]) -> V2Authentication {
    match (auth_type, data.first_chunk()) {
        (0, _) => V2Authentication::None,
        (AUTH_TYPE_PASSWORD, Some(password)) => V2Authentication::SimplePassword(*password),
        (other, _) => V2Authentication::Other(other),
    }
}
