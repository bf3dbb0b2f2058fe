//! A configuration in words: what would happen on this host.

use core::fmt::Write as _;
use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::{AntiReplay, Family};

use super::host::{self, HostFacts, Interface};
use super::model::{Authentication, AuthenticationMode, Config, Lease, Realtime, Source, VirtualRouter};

/// How many addresses of a router are listed; the file has the others.
const LISTED: usize = 20;

/// Says in one line a router what a node with this configuration does on this host, then how it is run.
pub fn describe(config: &Config, facts: &HostFacts) -> String {
    let mut text = String::new();
    for router in &config.virtual_routers {
        let interface = facts.interface(&router.interface);
        let mut parts =
            vec![on(router, interface), advertises(router, interface), takes_over(router), claims(config, router)];
        parts.extend(router.authentication.as_ref().map(authentication));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {}", router.name, parts.join("; "));
    }
    let scheduling = match config.realtime {
        Realtime::Try => "real-time priority 50 where permitted".to_owned(),
        Realtime::Priority(priority) => format!("real-time priority {priority} where permitted"),
        Realtime::Off => "ordinary scheduling".to_owned(),
    };
    let _ = writeln!(text, "control socket {}, {scheduling}", config.control_socket.display());
    text
}

fn on(router: &VirtualRouter, interface: Option<&Interface>) -> String {
    let state = match interface {
        Some(interface) => format!("index {}, {}", interface.index, if interface.up { "up" } else { "down" }),
        None => "not there yet".to_owned(),
    };
    format!("VRID {} on {} ({state}), version {}", router.vrid, router.interface, router.version)
}

fn advertises(router: &VirtualRouter, interface: Option<&Interface>) -> String {
    let source = match router.source {
        Source::Address(source) => Some(source),
        Source::Auto => interface.and_then(|interface| host::automatic_source(router, interface)),
    };
    let source = source.map_or("an address yet to come".to_owned(), |source| source.to_string());
    let group = match router.family() {
        Family::Ipv4 => "224.0.0.18",
        Family::Ipv6 => "ff02::12",
    };
    let targets = if router.peers.is_empty() { group.to_owned() } else { join(&router.peers) };
    let every = span(router.advertisement_interval.duration());
    format!("advertises {source} -> {targets} every {every} with priority {}", router.priority)
}

fn takes_over(router: &VirtualRouter) -> String {
    if router.priority.is_owner() {
        return "owns the addresses and takes over as soon as it runs".to_owned();
    }
    let wait = router.advertisement_interval.active_down_interval(router.version, router.priority);
    let mut text = format!("takes over {} after the Active Router falls silent", span(wait));
    if router.fast_handover && router.has_one_peer() {
        text.push_str(", at once when it leaves in order");
    }
    if let Some(probe) = router.probe {
        let missing = router.advertisement_interval.duration() * u32::from(probe.after.get());
        let _ = write!(text, ", {} after {} of silence if its host does not answer", span(probe.span()), span(missing));
    }
    if !router.preempt {
        text.push_str(", never from a router that is alive");
    } else if !router.preempt_delay.is_zero() {
        let _ = write!(text, ", from a lower priority after {}", span(router.preempt_delay));
    }
    if !router.startup_delay.is_zero() {
        let _ = write!(text, ", nothing in the first {}", span(router.startup_delay));
    }
    text
}

fn claims(config: &Config, router: &VirtualRouter) -> String {
    let mut addresses: Vec<_> = router
        .addresses
        .iter()
        .take(LISTED)
        .map(|address| {
            let on = address.dev.as_ref().map_or_else(String::new, |dev| format!(" on {dev}"));
            let silent = if address.advertised { "" } else { " (not advertised)" };
            format!("{}/{}{on}{silent}", address.address, address.prefix)
        })
        .collect();
    if router.addresses.len() > LISTED {
        addresses.push(format!("{} more", router.addresses.len() - LISTED));
    }
    let addresses = addresses.join(", ");
    if router.priority.is_owner() {
        return format!("answers for {addresses}, which the host has by itself");
    }
    match router.lease {
        Lease::Auto => format!("claims {addresses} for {} s leases", config.automatic_lease()),
        Lease::Seconds(seconds) => format!("claims {addresses} for {seconds} s leases"),
        Lease::Off => format!("claims {addresses} without a lease: a host that freezes keeps them"),
    }
}

fn authentication(authentication: &Authentication) -> String {
    let what = match authentication.mode {
        AuthenticationMode::Enforce => "believes only what is signed",
        AuthenticationMode::Permissive => "also believes what is not signed",
        AuthenticationMode::ReceiveOnly => "does not sign yet",
    };
    let ids: Vec<_> = authentication.keys.iter().map(|key| key.id().to_string()).collect();
    let keys = if ids.len() == 1 { "key" } else { "keys" };
    let ids = ids.join(", ");
    let signing = match authentication.mode {
        AuthenticationMode::Enforce | AuthenticationMode::Permissive => {
            format!("signs with key {}, knows {keys} {ids}", authentication.active_key)
        }
        AuthenticationMode::ReceiveOnly => format!("knows {keys} {ids}"),
    };
    let clocks = match authentication.anti_replay {
        AntiReplay::Time => format!("within {} of its own clock", span(authentication.window)),
        AntiReplay::Monotonic => "in the order of each sender".to_owned(),
    };
    format!("{signing}, {what}, {clocks}")
}

fn join(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Writes a span of time for people: two digits after the point at most, in the unit that suits.
pub(super) fn span(span: Duration) -> String {
    let (value, unit) =
        if span < Duration::from_secs(1) { (span.as_secs_f64() * 1000.0, "ms") } else { (span.as_secs_f64(), "s") };
    let digits = format!("{value:.2}");
    format!("{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}
