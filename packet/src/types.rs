//! The protocol's small quantities, each a type of its own.
//!
//! Nothing here knows how a packet is laid out; that is `advertisement`'s business.

use core::fmt;
use core::num::NonZeroU8;
use core::time::Duration;
use std::net::IpAddr;

/// Names a Virtual Router on one link and address family: 1 to 255 (RFC 9568 §5.2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// Wraps a VRID; `None` for 0, which RFC 9568 §5.2.3 does not allow.
    pub const fn new(vrid: u8) -> Option<Self> {
        match NonZeroU8::new(vrid) {
            Some(vrid) => Some(Self(vrid)),
            None => None,
        }
    }

    /// Returns the byte that stands on the wire.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Ranks a router within its Virtual Router: 0 to 255 (RFC 9568 §5.2.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Priority(u8);

impl Priority {
    /// Says that the Active Router gives up its role (RFC 9568 §5.2.4).
    pub const RELEASE: Self = Self(0);
    /// Belongs to the router that owns the addresses (RFC 9568 §5.2.4).
    pub const OWNER: Self = Self(255);
    /// Applies where nothing is configured (RFC 9568 §5.2.4).
    pub const DEFAULT: Self = Self(100);

    /// Wraps the byte that stands on the wire; every value has a meaning.
    pub const fn new(priority: u8) -> Self {
        Self(priority)
    }

    /// Returns the byte that stands on the wire.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Tells whether this is the priority of the address owner.
    pub const fn is_owner(self) -> bool {
        self.0 == Self::OWNER.0
    }

    /// Tells whether this is the farewell of an Active Router.
    pub const fn is_release(self) -> bool {
        self.0 == Self::RELEASE.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names the protocol's version on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Version {
    /// RFC 3768: IPv4 only, whole seconds, optional password.
    V2,
    /// RFC 9568: IPv4 and IPv6, centiseconds.
    V3,
}

impl Version {
    /// Returns the number that stands on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// Names the IP version that carries a Virtual Router's advertisements and addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4, group 224.0.0.18.
    Ipv4,
    /// IPv6, group ff02::12.
    Ipv6,
}

impl Family {
    /// Returns the family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// Spans the time between two advertisements: 10 ms to 255 s, in whole centiseconds.
///
/// Version 3 carries 1 to 4095 centiseconds (RFC 9568 §5.2.7), version 2 carries 1 to 255 seconds (RFC 3768 §5.3.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interval {
    centis: u16,
}

impl Interval {
    /// The largest number of centiseconds that version 3 can carry in its 12 bits.
    pub const MAX_CENTIS: u16 = 4095;

    /// Wraps what a version 3 advertisement carries; `None` for 0 and above 4095.
    pub const fn from_centis(centis: u16) -> Option<Self> {
        match centis {
            1..=Self::MAX_CENTIS => Some(Self { centis }),
            _ => None,
        }
    }

    /// Wraps what a version 2 advertisement carries; `None` for 0.
    pub const fn from_seconds(seconds: u8) -> Option<Self> {
        match seconds {
            0 => None,
            // 255 s are 25,500 centiseconds: no overflow.
            seconds => Some(Self { centis: seconds as u16 * 100 }),
        }
    }

    /// Returns the interval in centiseconds, 1 to 25,500.
    pub const fn centis(self) -> u16 {
        self.centis
    }

    /// Returns the interval in whole seconds, or `None` where version 2 cannot carry it.
    pub fn seconds(self) -> Option<u8> {
        if self.centis.is_multiple_of(100) { u8::try_from(self.centis / 100).ok() } else { None }
    }

    /// Returns the interval as a span of time.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.centis as u64 * 10)
    }

    /// Returns Skew_Time: (256 − Priority) × interval / 256, exact to the nanosecond (RFC 9568 §6.1).
    ///
    /// For version 2 the result is the same fraction of one second, whatever the interval (RFC 3768 §6.1).
    pub const fn skew_time(self, version: Version, priority: Priority) -> Duration {
        let base = match version {
            Version::V2 => 1_000_000_000,
            Version::V3 => self.centis as u64 * 10_000_000,
        };
        // Multiplied before it is divided: the largest product is 256 × 40.95 s, far from overflow.
        Duration::from_nanos(base * (256 - priority.get() as u64) / 256)
    }

    /// Returns Active_Down_Interval: 3 × interval + Skew_Time (RFC 9568 §6.1).
    pub const fn active_down_interval(self, version: Version, priority: Priority) -> Duration {
        let skew = self.skew_time(version, priority);
        // At most 3 × 255 s + 256 s: far below `Duration::MAX`.
        self.duration().saturating_mul(3).saturating_add(skew)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.duration())
    }
}
