//! VRRP on the wire: bytes to types and back. No I/O, no clock, no `unsafe`.

mod types;

pub use types::{Family, Interval, Priority, Version, Vrid};
