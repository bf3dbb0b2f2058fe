//! VRRP on the wire: bytes to types and back. No I/O, no clock, no `unsafe`.
//!
//! [`Advertisement::parse`] reads the payload of an IP packet of protocol 112, [`Outgoing`] writes one,
//! [`authentication`] signs and verifies its trailer, [`arp`] and [`ndp`] build the frames that announce an address.
//! Time is always an argument. Which errors are counted, logged or tolerated is the caller's decision.

mod advertisement;
pub mod arp;
pub mod authentication;
mod checksum;
mod error;
pub mod ndp;
mod outgoing;
mod sequence;
mod types;

pub use advertisement::{Addresses, Advertisement, IpHeader, Trailer, V2Authentication};
pub use authentication::{Key, KeyId};
pub use checksum::ChecksumForm;
pub use error::{AuthenticationError, EmitError, KeyError, ParseError};
pub use outgoing::Outgoing;
pub use sequence::{AntiReplay, ReplayGuard, Sequence, UnixTime};
pub use types::{Family, Interval, Priority, Version, Vrid};

/// The IP protocol number of VRRP (RFC 9568 §5.1.1.4).
pub const IP_PROTOCOL: u8 = 112;
