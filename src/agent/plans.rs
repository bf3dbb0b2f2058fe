//! From the configuration to what each thread is told.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use vrrp_packet::{ChecksumForm, ReplayGuard};

use crate::config::{
    Authentication, AuthenticationMode, Checksum, Config, HopLimit, Lease, Scope, Source, VirtualAddress, VirtualRouter,
};
use crate::{dataplane, election, engine};

/// As many intervals without an advertisement are the shortest wait of any peer (ownership rule 11).
const INTERVALS_OF_SILENCE: u32 = 3;

/// Says what is known of a router from before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past {
    /// Whether the operator had drained it.
    pub(super) drained: bool,
    /// Which sequences it had used.
    pub(super) memory: engine::Memory,
}

/// Returns how long leaving every role in order may take: as long as a withdrawal may stay unconfirmed (ownership rule 8).
pub(super) fn longest_leave(config: &Config) -> Duration {
    let leave = |it: &VirtualRouter| it.advertisement_interval.active_down_interval(it.version, it.priority);
    config.virtual_routers.iter().map(leave).max().unwrap_or_default()
}

/// Returns the election thread's plans; where `past` is shorter than the list of routers, nothing is known of the rest.
pub(super) fn for_election(config: &Config, past: &[Past]) -> Vec<engine::Plan> {
    let automatic = config.automatic_lease();
    let past = past.iter().copied().chain(core::iter::repeat(Past::default()));
    config.virtual_routers.iter().zip(past).map(|(router, past)| election_plan(router, past, automatic)).collect()
}

/// Returns what the election thread is told of one router, on a node whose automatic lease has so many seconds.
pub(super) fn election_plan(router: &VirtualRouter, past: Past, automatic_lease: u32) -> engine::Plan {
    engine::Plan {
        interface: router.interface.clone(),
        family: router.family(),
        vrid: router.vrid,
        settings: election::Settings {
            version: router.version,
            priority: router.priority,
            interval: router.advertisement_interval,
            preempt: router.preempt,
            preempt_delay: router.preempt_delay,
            startup_delay: router.startup_delay,
            // Ownership rule 4: only where no third router can wait.
            fast_handover: router.fast_handover && router.has_one_peer(),
            probe: router.probe.map(|probe| election::Probe { after: probe.after }),
            gate: None,
            // Replaced before the election begins, as soon as the interface is known.
            source: configured_source(router).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            drained: past.drained,
        },
        addresses: router.advertised().map(|address| address.address).collect(),
        peers: router.peers.clone(),
        on_link_only: match router.hop_limit {
            HopLimit::OnLink => true,
            HopLimit::Any => false,
        },
        password: router.password.as_ref().map(|password| password.0),
        authentication: router.authentication.as_ref().map(signatures),
        remembered: (past.memory != engine::Memory::default()).then(|| Box::new(past.memory)),
        checksum: match router.checksum {
            Checksum::Auto => None,
            Checksum::Rfc9568 => Some(ChecksumForm::Message),
            Checksum::PseudoHeader => Some(ChecksumForm::PseudoHeader),
        },
        source: configured_source(router),
        lease: lease_of(router, automatic_lease),
    }
}

fn signatures(authentication: &Authentication) -> engine::Authentication {
    let (signs, takes_unsigned) = match authentication.mode {
        AuthenticationMode::Enforce => (true, false),
        AuthenticationMode::Permissive => (true, true),
        AuthenticationMode::ReceiveOnly => (false, true),
    };
    let active = authentication.keys.iter().find(|key| key.id() == authentication.active_key);
    engine::Authentication {
        keys: Arc::clone(&authentication.keys),
        signing_key: active.filter(|_| signs).cloned(),
        takes_unsigned,
        guard: ReplayGuard { mode: authentication.anti_replay, window: authentication.window },
    }
}

fn configured_source(router: &VirtualRouter) -> Option<IpAddr> {
    match router.source {
        Source::Auto => None,
        Source::Address(address) => Some(address),
    }
}

/// Returns the address thread's plans.
pub(super) fn for_addresses(config: &Config) -> Vec<dataplane::Plan> {
    let automatic = config.automatic_lease();
    config.virtual_routers.iter().map(|router| address_plan(router, automatic)).collect()
}

/// Returns what the address thread is told of one router, on a node whose automatic lease has so many seconds.
pub(super) fn address_plan(router: &VirtualRouter, automatic_lease: u32) -> dataplane::Plan {
    dataplane::Plan {
        interface: router.interface.clone(),
        source: configured_source(router),
        addresses: router.addresses.iter().map(planned_address).collect(),
        lease: lease_of(router, automatic_lease),
        silence: router.advertisement_interval.duration() * INTERVALS_OF_SILENCE,
        announce: dataplane::Announce {
            repeat: router.announce.repeat,
            interval: router.announce.interval,
            delay: router.announce.delay,
            refresh: router.announce.refresh,
        },
        source_ok: router.source_ok,
        owner: router.priority.is_owner(),
    }
}

fn lease_of(router: &VirtualRouter, automatic: u32) -> Option<Duration> {
    let seconds = match router.lease {
        // Ownership rule 16: the owner's addresses are never leased.
        _ if router.priority.is_owner() => return None,
        Lease::Auto => automatic,
        Lease::Seconds(seconds) => seconds,
        Lease::Off => return None,
    };
    Some(Duration::from_secs(u64::from(seconds)))
}

fn planned_address(address: &VirtualAddress) -> dataplane::PlannedAddress {
    dataplane::PlannedAddress {
        address: address.address,
        prefix: address.prefix,
        dev: address.dev.clone(),
        label: address.label.clone(),
        scope: match address.scope {
            Scope::Global => dataplane::Scope::Global,
            Scope::Link => dataplane::Scope::Link,
            Scope::Host => dataplane::Scope::Host,
        },
    }
}
