//! Every reason why a packet is refused or cannot be built; each variant of the first two enums is one counter.

use thiserror::Error;

use crate::{Family, Interval, KeyId, Version};

/// Says why a received payload is not an acceptable advertisement; every variant means "discard" (RFC 9568 §7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ParseError {
    /// The version is neither 2 nor 3.
    #[error("version {0} is neither 2 nor 3")]
    Version(u8),
    /// The type is not 1, the only one there is (RFC 9568 §5.2.2).
    #[error("type {0} is not an advertisement")]
    Type(u8),
    /// The version does not exist over this family: version 2 is IPv4 only.
    #[error("version {version} does not exist over {family}")]
    FamilyMismatch {
        /// What the packet claims.
        version: Version,
        /// What carried it.
        family: Family,
    },
    /// The payload ends before its own address count says that it does.
    #[error("{got} bytes where {needed} are needed")]
    Truncated {
        /// Bytes that the header and the address count ask for.
        needed: usize,
        /// Bytes that came.
        got: usize,
    },
    /// What follows the message is not an authentication trailer.
    #[error("{count} bytes after the message are no authentication trailer")]
    TrailingBytes {
        /// Bytes after the message.
        count: usize,
    },
    /// The checksum holds in none of the forms that the version and family allow.
    #[error("checksum {found:#06x} where {expected:#06x} was expected")]
    Checksum {
        /// What the packet carries.
        found: u16,
        /// What RFC 9568 §5.2.8 asks for.
        expected: u16,
    },
    /// The VRID is 0, which RFC 9568 §5.2.3 does not allow.
    #[error("VRID 0 is not allowed")]
    Vrid,
    /// The interval is 0: it would make every Backup time out at once (erratum 8301).
    #[error("an advertisement interval of zero")]
    ZeroInterval,
    /// The advertisement names no address (erratum 8299).
    #[error("no address in the advertisement")]
    NoAddress,
}

/// Says why an advertisement is not authentic; every variant means "discard" where signatures are enforced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AuthenticationError {
    /// There is no trailer; a permissive receiver tolerates this variant and no other.
    #[error("no authentication trailer")]
    Missing,
    /// The trailer has key id 0 or non-zero reserved bytes.
    #[error("malformed authentication trailer")]
    Malformed,
    /// The sender's clock is too far from ours, or the packet is an old recording.
    #[error("sequence is {offset_nanos} ns off the clock, outside the window")]
    OutsideWindow {
        /// Sender's time less ours, in nanoseconds.
        offset_nanos: i64,
    },
    /// No configured key has this id.
    #[error("unknown key {0}")]
    UnknownKey(KeyId),
    /// The tag does not belong to this packet, sender and key.
    #[error("tag does not verify")]
    BadTag,
    /// The sequence is not greater than the last one accepted from that sender.
    #[error("sequence was already used")]
    Replayed,
}

/// Says why a key is unusable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyError {
    /// The secret is not 32 to 64 bytes.
    #[error("key has {0} bytes, not 32 to 64")]
    Length(usize),
    /// What follows `hex:` has an odd number of digits.
    #[error("key has an odd number of hex digits")]
    OddHexDigits,
    /// What follows `hex:` is not all hex digits.
    #[error("key has no hex digit at position {position} after `hex:`")]
    HexDigit {
        /// Counted from 0.
        position: usize,
    },
}

/// Says why an advertisement cannot be put on the wire as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EmitError {
    /// Version 2 carries whole seconds up to 255, version 3 centiseconds up to 4095.
    #[error("version {version} cannot carry an interval of {interval}")]
    Interval {
        /// The version asked for.
        version: Version,
        /// The interval that does not fit.
        interval: Interval,
    },
    /// The receivers ignore an advertisement without address (erratum 8299).
    #[error("an advertisement needs at least one address")]
    NoAddress,
    /// The address count is one byte.
    #[error("{0} addresses do not fit one advertisement of at most 255")]
    TooManyAddresses(usize),
    /// An address, the source or the destination is of another family than the rest.
    #[error("IPv4 and IPv6 addresses in one advertisement")]
    MixedFamilies,
    /// Version 2 is IPv4 only.
    #[error("version 2 does not exist over IPv6")]
    Version2OverIpv6,
    /// Version 3 has no place for a password.
    #[error("version 3 carries no password")]
    PasswordInVersion3,
}
