//! What the election thread is told about each Virtual Router before it starts.

use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{ChecksumForm, Family, Vrid};

use crate::election::Settings;

use super::signatures::{Authentication, Memory};

/// Describes one Virtual Router to the election thread. Its index in the list of plans is its name there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The interface that advertisements use.
    pub interface: String,
    /// The family of addresses and advertisements.
    pub family: Family,
    /// Names the Virtual Router on the wire.
    pub vrid: Vrid,
    /// The election's share; its source is replaced as soon as the interface is known.
    pub settings: Settings,
    /// The virtual addresses, in the order in which they are advertised.
    pub addresses: Vec<IpAddr>,
    /// Unicast peers; empty: the group.
    pub peers: Vec<IpAddr>,
    /// Whether only packets that no router forwarded are heard.
    pub on_link_only: bool,
    /// Version 2's password, padded with zeros.
    pub password: Option<[u8; 8]>,
    /// How advertisements are signed and verified; `None`: not at all.
    pub authentication: Option<Authentication>,
    /// What an earlier run remembered of signed advertisements; `None`: nothing.
    pub remembered: Option<Box<Memory>>,
    /// The checksum form to send; `None`: begin with the pseudo-header, then follow the Active Router.
    pub checksum: Option<ChecksumForm>,
    /// The address that advertisements must come from; `None`: the interface's first.
    pub source: Option<IpAddr>,
    /// The kernel lifetime of a claimed address; `None`: for ever.
    pub lease: Option<Duration>,
}
