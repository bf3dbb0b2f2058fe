//! One setting of a Virtual Router at a time, for comparing two configurations of it.

use core::fmt;
use core::num::NonZeroU8;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{AntiReplay, Interval, Priority, Version, Vrid};

use super::describe::span;
use super::model::{
    Announce, Authentication, AuthenticationMode, Checksum, HopLimit, Lease, Password, Probe, Scope, Source,
    VirtualAddress, VirtualRouter,
};

/// Says what it takes to apply a changed setting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// Applied where the router is, even while it is Active.
    InPlace,
    /// The router leaves its role in order and starts anew.
    Anew,
}

/// Holds the value of one setting; [`fmt::Display`] is how people read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouterSetting {
    /// `interface`.
    Interface(String),
    /// `vrid`.
    Vrid(Vrid),
    /// `priority`.
    Priority(Priority),
    /// `addresses`.
    Addresses(Vec<VirtualAddress>),
    /// `advertisement_interval`.
    Interval(Interval),
    /// `version`.
    Version(Version),
    /// `preempt`.
    Preempt(bool),
    /// `preempt_delay`.
    PreemptDelay(Duration),
    /// `startup_delay`.
    StartupDelay(Duration),
    /// `peers`.
    Peers(Vec<IpAddr>),
    /// `routers`.
    Routers(Option<NonZeroU8>),
    /// `hop_limit`.
    HopLimit(HopLimit),
    /// The content of `password_file`.
    Password(Option<Password>),
    /// `authentication`, with the content of the key files.
    Authentication(Option<Authentication>),
    /// `source`.
    Source(Source),
    /// `fast_handover`.
    FastHandover(bool),
    /// `probe`.
    Probe(Option<Probe>),
    /// `checksum`.
    Checksum(Checksum),
    /// `lease`.
    Lease(Lease),
    /// `announce`.
    Announce(Announce),
    /// `source_ok`.
    SourceOk(bool),
}

impl RouterSetting {
    /// Returns every setting of a router but its name, always in the same order.
    pub fn all(router: &VirtualRouter) -> [Self; 21] {
        // Taken apart, so that a new field does not compile until it is compared.
        let VirtualRouter {
            name: _,
            interface,
            vrid,
            priority,
            addresses,
            advertisement_interval,
            version,
            preempt,
            preempt_delay,
            startup_delay,
            peers,
            routers,
            hop_limit,
            password,
            authentication,
            source,
            fast_handover,
            probe,
            checksum,
            lease,
            announce,
            source_ok,
        } = router.clone();
        [
            Self::Interface(interface),
            Self::Vrid(vrid),
            Self::Version(version),
            Self::Priority(priority),
            Self::Addresses(addresses),
            Self::Interval(advertisement_interval),
            Self::Preempt(preempt),
            Self::PreemptDelay(preempt_delay),
            Self::StartupDelay(startup_delay),
            Self::Peers(peers),
            Self::Routers(routers),
            Self::HopLimit(hop_limit),
            Self::Password(password),
            Self::Authentication(authentication),
            Self::Source(source),
            Self::FastHandover(fast_handover),
            Self::Probe(probe),
            Self::Checksum(checksum),
            Self::Lease(lease),
            Self::Announce(announce),
            Self::SourceOk(source_ok),
        ]
    }

    /// Writes the value into a router.
    pub fn apply(self, router: &mut VirtualRouter) {
        match self {
            Self::Interface(value) => router.interface = value,
            Self::Vrid(value) => router.vrid = value,
            Self::Priority(value) => router.priority = value,
            Self::Addresses(value) => router.addresses = value,
            Self::Interval(value) => router.advertisement_interval = value,
            Self::Version(value) => router.version = value,
            Self::Preempt(value) => router.preempt = value,
            Self::PreemptDelay(value) => router.preempt_delay = value,
            Self::StartupDelay(value) => router.startup_delay = value,
            Self::Peers(value) => router.peers = value,
            Self::Routers(value) => router.routers = value,
            Self::HopLimit(value) => router.hop_limit = value,
            Self::Password(value) => router.password = value,
            Self::Authentication(value) => router.authentication = value,
            Self::Source(value) => router.source = value,
            Self::FastHandover(value) => router.fast_handover = value,
            Self::Probe(value) => router.probe = value,
            Self::Checksum(value) => router.checksum = value,
            Self::Lease(value) => router.lease = value,
            Self::Announce(value) => router.announce = value,
            Self::SourceOk(value) => router.source_ok = value,
        }
    }

    /// Returns the key in the file.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Interface(_) => "interface",
            Self::Vrid(_) => "vrid",
            Self::Priority(_) => "priority",
            Self::Addresses(_) => "addresses",
            Self::Interval(_) => "advertisement_interval",
            Self::Version(_) => "version",
            Self::Preempt(_) => "preempt",
            Self::PreemptDelay(_) => "preempt_delay",
            Self::StartupDelay(_) => "startup_delay",
            Self::Peers(_) => "peers",
            Self::Routers(_) => "routers",
            Self::HopLimit(_) => "hop_limit",
            Self::Password(_) => "password_file",
            Self::Authentication(_) => "authentication",
            Self::Source(_) => "source",
            Self::FastHandover(_) => "fast_handover",
            Self::Probe(_) => "probe",
            Self::Checksum(_) => "checksum",
            Self::Lease(_) => "lease",
            Self::Announce(_) => "announce",
            Self::SourceOk(_) => "source_ok",
        }
    }

    /// Returns what it takes to change this value into another one.
    pub fn effect(&self, to: &Self) -> Effect {
        match (self, to) {
            (Self::Interface(_) | Self::Vrid(_) | Self::Version(_), _) => Effect::Anew,
            // Ownership rule 16: an owner claims nothing, everybody else does.
            (Self::Priority(from), Self::Priority(to)) if from.is_owner() != to.is_owner() => Effect::Anew,
            (Self::Addresses(from), Self::Addresses(to)) if is_ipv4(from) != is_ipv4(to) => Effect::Anew,
            (
                Self::Priority(_)
                | Self::Addresses(_)
                | Self::Interval(_)
                | Self::Preempt(_)
                | Self::PreemptDelay(_)
                | Self::StartupDelay(_)
                | Self::Peers(_)
                | Self::Routers(_)
                | Self::HopLimit(_)
                | Self::Password(_)
                | Self::Authentication(_)
                | Self::Source(_)
                | Self::FastHandover(_)
                | Self::Probe(_)
                | Self::Checksum(_)
                | Self::Lease(_)
                | Self::Announce(_)
                | Self::SourceOk(_),
                _,
            ) => Effect::InPlace,
        }
    }
}

fn is_ipv4(addresses: &[VirtualAddress]) -> bool {
    addresses.first().is_some_and(|first| first.address.is_ipv4())
}

impl fmt::Display for RouterSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(value) => f.write_str(value),
            Self::Vrid(value) => value.fmt(f),
            Self::Priority(value) => value.fmt(f),
            Self::Addresses(value) => write!(f, "[{}]", join(value.iter().map(address))),
            Self::Interval(value) => f.write_str(&span(value.duration())),
            Self::Version(value) => value.fmt(f),
            Self::Preempt(value) | Self::FastHandover(value) | Self::SourceOk(value) => value.fmt(f),
            Self::PreemptDelay(value) | Self::StartupDelay(value) => f.write_str(&span(*value)),
            Self::Peers(value) => write!(f, "[{}]", join(value.iter().map(ToString::to_string))),
            Self::Routers(None) => f.write_str("not declared"),
            Self::Routers(Some(value)) => value.fmt(f),
            Self::HopLimit(HopLimit::OnLink) => f.write_str("255"),
            Self::HopLimit(HopLimit::Any) => f.write_str("any"),
            Self::Password(None) | Self::Authentication(None) | Self::Probe(None) => f.write_str("none"),
            Self::Probe(Some(Probe { after, count, interval })) => {
                write!(f, "{{ after: {after}, count: {count}, interval: {} }}", span(*interval))
            }
            Self::Authentication(Some(value)) => f.write_str(&authentication(value)),
            Self::Password(Some(_)) => f.write_str("(secret)"),
            Self::Source(Source::Auto) | Self::Checksum(Checksum::Auto) | Self::Lease(Lease::Auto) => {
                f.write_str("auto")
            }
            Self::Source(Source::Address(value)) => value.fmt(f),
            Self::Checksum(Checksum::Rfc9568) => f.write_str("rfc9568"),
            Self::Checksum(Checksum::PseudoHeader) => f.write_str("pseudo-header"),
            Self::Lease(Lease::Seconds(value)) => write!(f, "{value} s"),
            Self::Lease(Lease::Off) => f.write_str("off"),
            Self::Announce(Announce { repeat, interval, delay, refresh }) => {
                let [interval, delay, refresh] = [interval, delay, refresh].map(|value| span(*value));
                write!(f, "{{ repeat: {repeat}, interval: {interval}, delay: {delay}, refresh: {refresh} }}")
            }
        }
    }
}

/// Tells apart whatever may change, but for the keys themselves.
fn authentication(value: &Authentication) -> String {
    let Authentication { mode, keys, active_key, anti_replay, window } = value;
    let mode = match mode {
        AuthenticationMode::Enforce => "enforce",
        AuthenticationMode::Permissive => "permissive",
        AuthenticationMode::ReceiveOnly => "receive-only",
    };
    let guard = match anti_replay {
        AntiReplay::Time => format!("time within {}", span(*window)),
        AntiReplay::Monotonic => "monotonic".to_owned(),
    };
    let ids = join(keys.iter().map(|key| key.id().to_string()));
    format!("{{ {mode}, keys [{ids}], signs with {active_key}, {guard} }}")
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn address(value: &VirtualAddress) -> String {
    let VirtualAddress { address, prefix, dev, label, scope, advertised } = value;
    let mut text = format!("{address}/{prefix}");
    for (key, value) in [("dev", dev), ("label", label)] {
        if let Some(value) = value {
            text.push_str(&format!(" {key} {value}"));
        }
    }
    match scope {
        Scope::Global => {}
        Scope::Link => text.push_str(" scope link"),
        Scope::Host => text.push_str(" scope host"),
    }
    if !advertised {
        text.push_str(" not advertised");
    }
    text
}
