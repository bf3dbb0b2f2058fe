//! A virtual router between text and [`VirtualRouter`]: what could be read of it, with places.

use core::num::NonZeroU8;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{Family, Priority, Version, Vrid};

use super::authentication::Authenticity;
use super::model::{Announce, Checksum, HopLimit, Lease, Password, Probe, Source, VirtualAddress, VirtualRouter};
use super::read::{Placed, Setting};
use super::timing;

/// Holds what could be read of a router: enough for checks that must not stop at the first error.
pub(super) struct Draft {
    pub(super) name: Setting<String>,
    pub(super) interface: Setting<String>,
    pub(super) vrid: Setting<Vrid>,
    pub(super) priority: Setting<Priority>,
    pub(super) addresses: List<VirtualAddress>,
    pub(super) interval: Setting<Duration>,
    pub(super) version: Setting<Version>,
    pub(super) preempt: Setting<bool>,
    pub(super) preempt_delay: Setting<Duration>,
    pub(super) startup_delay: Setting<Duration>,
    pub(super) peers: List<IpAddr>,
    pub(super) routers: Setting<NonZeroU8>,
    pub(super) hop_limit: Setting<HopLimit>,
    pub(super) password: Setting<Password>,
    pub(super) authentication: Setting<Authenticity>,
    pub(super) source: Setting<Source>,
    pub(super) fast_handover: Setting<bool>,
    pub(super) probe: Setting<Probe>,
    pub(super) checksum: Setting<Checksum>,
    pub(super) lease: Setting<Lease>,
    pub(super) announce: Setting<Announce>,
    pub(super) source_ok: Setting<bool>,
}

/// Holds the readable items of a list.
pub(super) struct List<T> {
    pub(super) items: Vec<Placed<T>>,
    /// Whether the list is known to the last item.
    pub(super) whole: bool,
}

impl Draft {
    /// Returns the family, if the first address tells it.
    pub(super) fn family(&self) -> Option<Family> {
        self.addresses.items.first().map(|address| Family::of(address.value.address))
    }

    /// Returns the name to use in messages about this router.
    pub(super) fn title(&self) -> String {
        self.name.value().unwrap_or_else(|| "another virtual router".to_owned())
    }

    /// Returns the version, or the default; `None` where it could not be read.
    pub(super) fn version(&self) -> Option<Version> {
        self.version.or(Version::V3)
    }

    /// Tells whether this is the address owner.
    pub(super) fn is_owner(&self) -> bool {
        self.priority.value().is_some_and(Priority::is_owner)
    }

    /// Fills in the defaults; `None` where an error has been reported.
    pub(super) fn finish(&self) -> Option<VirtualRouter> {
        let version = self.version()?;
        // Ownership rule 16: the owner's addresses are the host's own.
        let lease = if self.is_owner() { Lease::Off } else { Lease::Auto };
        let interval = timing::interval(version, self.interval.or(timing::DEFAULT_INTERVAL)?)?;
        Some(VirtualRouter {
            name: self.name.value()?,
            interface: self.interface.value()?,
            vrid: self.vrid.value()?,
            priority: self.priority.or(Priority::DEFAULT)?,
            addresses: self.addresses.items.iter().map(|address| address.value.clone()).collect(),
            advertisement_interval: interval,
            version,
            preempt: self.preempt.or(true)?,
            preempt_delay: self.preempt_delay.or(Duration::ZERO)?,
            startup_delay: self.startup_delay.or(Duration::ZERO)?,
            peers: self.peers.items.iter().map(|peer| peer.value).collect(),
            routers: self.routers.maybe()?,
            hop_limit: self.hop_limit.or(HopLimit::default())?,
            password: self.password.maybe()?,
            authentication: self.authentication.maybe()?.map(|given| given.finish(interval)),
            source: self.source.or(Source::default())?,
            fast_handover: self.fast_handover.or(true)?,
            probe: self.probe.maybe()?,
            checksum: self.checksum.or(Checksum::default())?,
            lease: self.lease.or(lease)?,
            announce: self.announce.or(Announce::default())?,
            source_ok: self.source_ok.or(false)?,
        })
    }
}
