//! VRRP on the wire: bytes to types and back. No I/O, no clock, no `unsafe`.
//!
//! [`Advertisement::parse`] reads the payload of an IP packet of protocol 112, [`Outgoing`] writes one,
//! [`authentication`] signs and verifies its trailer, [`arp`] and [`ndp`] build the frames that announce an address.
//! Time is always an argument. Which errors are counted, logged or tolerated is the caller's decision.
//!
//! ```
//! use std::net::IpAddr;
//! use vrrp_packet::{Advertisement, ChecksumForm, Interval, IpHeader, Outgoing, Priority, Version, Vrid};
//!
//! let ip = IpHeader { source: [10, 77, 0, 1].into(), destination: [224, 0, 0, 18].into(), hop_limit: 255 };
//! let sent = Outgoing {
//!     version: Version::V3,
//!     vrid: Vrid::new(51).ok_or("VRID 0")?,
//!     priority: Priority::DEFAULT,
//!     interval: Interval::from_centis(1).ok_or("an interval of zero")?,
//!     addresses: &[IpAddr::from([10, 77, 0, 100])],
//!     checksum: ChecksumForm::PseudoHeader,
//!     password: None,
//! };
//! let mut payload = Vec::new();
//! sent.emit_into(&ip, &mut payload)?;
//!
//! let heard = Advertisement::parse(&payload, &ip)?;
//! assert_eq!(heard.priority(), Priority::DEFAULT);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod addresses;
mod advertisement;
pub mod arp;
pub mod authentication;
mod checksum;
mod error;
pub mod ndp;
mod outgoing;
mod sequence;
mod types;

pub use addresses::Addresses;
pub use advertisement::{Advertisement, IpHeader, Trailer, V2Authentication};
pub use authentication::{Key, KeyId};
pub use checksum::ChecksumForm;
pub use error::{AuthenticationError, EmitError, KeyError, ParseError};
pub use outgoing::Outgoing;
pub use sequence::{AntiReplay, ReplayGuard, Sequence, UnixTime};
pub use types::{Family, Interval, Priority, Version, Vrid};

/// The IP protocol number of VRRP (RFC 9568 §5.1.1.4).
pub const IP_PROTOCOL: u8 = 112;
