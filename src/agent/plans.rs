//! From the configuration to what each thread is told.

use std::net::{IpAddr, Ipv4Addr};

use vrrp_packet::ChecksumForm;

use crate::config::{Checksum, Config, HopLimit, Source, VirtualRouter};
use crate::{dataplane, election, engine};

/// Returns the election thread's plans; `drained` tells for a name whether the operator had drained that router.
pub(super) fn for_election(config: &Config, drained: impl Fn(&str) -> bool) -> Vec<engine::Plan> {
    config.virtual_routers.iter().map(|router| election_plan(router, drained(&router.name))).collect()
}

fn election_plan(router: &VirtualRouter, drained: bool) -> engine::Plan {
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
            gate: None,
            // Replaced before the election begins, as soon as the interface is known.
            source: configured_source(router).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            drained,
        },
        addresses: router.addresses.iter().map(|address| address.address).collect(),
        peers: router.peers.clone(),
        on_link_only: match router.hop_limit {
            HopLimit::OnLink => true,
            HopLimit::Any => false,
        },
        password: router.password.as_ref().map(|password| password.0),
        checksum: match router.checksum {
            Checksum::Auto => None,
            Checksum::Rfc9568 => Some(ChecksumForm::Message),
            Checksum::PseudoHeader => Some(ChecksumForm::PseudoHeader),
        },
        source: configured_source(router),
    }
}

fn configured_source(router: &VirtualRouter) -> Option<IpAddr> {
    match router.source {
        Source::Auto => None,
        Source::Address(address) => Some(address),
    }
}
