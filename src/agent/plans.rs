//! From the configuration to what each thread is told.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use vrrp_packet::ChecksumForm;

use crate::config::{Checksum, Config, HopLimit, Lease, Scope, Source, VirtualAddress, VirtualRouter};
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

/// Returns the address thread's plans.
pub(super) fn for_addresses(config: &Config) -> Vec<dataplane::Plan> {
    let leased: usize =
        config.virtual_routers.iter().filter(|router| router.lease != Lease::Off).map(|router| router.addresses.len()).sum();
    config.virtual_routers.iter().map(|router| address_plan(router, leased)).collect()
}

fn address_plan(router: &VirtualRouter, leased: usize) -> dataplane::Plan {
    let owner = router.priority.is_owner();
    dataplane::Plan {
        interface: router.interface.clone(),
        source: configured_source(router),
        addresses: router.addresses.iter().map(planned_address).collect(),
        // Ownership rule 16: the owner's addresses are never leased.
        lease: lease_seconds(router.lease, leased).filter(|_| !owner),
        announce: dataplane::Announce {
            repeat: router.announce.repeat,
            interval: router.announce.interval,
            delay: router.announce.delay,
            refresh: router.announce.refresh,
        },
        source_ok: router.source_ok,
        owner,
    }
}

/// Ownership rule 18: 3 s for up to 64 addresses of a node; more of them are renewed less often.
fn lease_seconds(lease: Lease, leased: usize) -> Option<Duration> {
    const COMFORTABLE: usize = 64;
    const SHORTEST: u64 = 3;
    match lease {
        Lease::Auto => {
            let times = u64::try_from(leased.div_ceil(COMFORTABLE)).unwrap_or(u64::MAX).max(1);
            Some(Duration::from_secs(SHORTEST.saturating_mul(times)))
        }
        Lease::Seconds(seconds) => Some(Duration::from_secs(u64::from(seconds))),
        Lease::Off => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_automatic_lease_grows_with_the_number_of_addresses() {
        let seconds = |leased| lease_seconds(Lease::Auto, leased).map(|lease| lease.as_secs());

        assert_eq!(seconds(1), Some(3));
        assert_eq!(seconds(64), Some(3));
        assert_eq!(seconds(65), Some(6));
        assert_eq!(seconds(1000), Some(48));
    }
}
