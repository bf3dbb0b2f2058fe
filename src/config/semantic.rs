//! What must hold within one virtual router.

use std::collections::HashMap;
use std::net::IpAddr;

use vrrp_packet::{Family, Priority, Version};

use super::diagnostics::{Findings, Span};
use super::draft::Draft;
use super::model::{Checksum, HopLimit, Lease, Source};
use super::read::Placed;
use super::{address, duration, timing};

/// Checks one router against itself.
pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    version_2_limits(draft, findings);
    one_authentication(draft, findings);
    interval(draft, findings);
    families(draft, findings);
    link_local_first(draft, findings);
    repeated(&draft.peers.items, "peer", findings);
    source(draft, findings);
    peers_and_virtual_addresses(draft, findings);
    unicast_only(draft, findings);
    router_count(draft, findings);
    fast_handover(draft, findings);
    probe(draft, findings);
    owner(draft, findings);
    idle_settings(draft, findings);
}

fn version_2_limits(draft: &Draft, findings: &mut Findings) {
    match draft.version() {
        Some(Version::V2) => {
            if let (Some(Family::Ipv6), Some(version)) = (draft.family(), draft.version.given()) {
                let found = findings.error(version.at, "version 2 cannot carry IPv6 addresses");
                found.help("write `version: 3`, or remove the line");
            }
        }
        Some(Version::V3) => {
            if let Some(password) = draft.password.given() {
                let found = findings.error(password.at, "only version 2 has a password");
                found.help("remove `password_file`, or write `version: 2`");
            }
        }
        None => {}
    }
}

/// A password crosses the wire in clear: beside a signature it would prove nothing, and look as if it did.
fn one_authentication(draft: &Draft, findings: &mut Findings) {
    if let (Some(password), Some(authentication)) = (draft.password.given(), draft.authentication.given()) {
        let found = findings.error(password.at, "a router has a password or signatures, not both");
        found.see(authentication.at, "the signatures");
        found.help("remove `password_file`: signatures protect version 2 as well");
    }
}

fn interval(draft: &Draft, findings: &mut Findings) {
    let (Some(version), Some(given)) = (draft.version(), draft.interval.given()) else { return };
    if timing::interval(version, given.value).is_some() {
        return;
    }
    let (span, limits) = (duration::write(given.value), timing::limits(version));
    let nearest = duration::write(timing::nearest(version, given.value));
    let message = format!("version {version} cannot advertise every {span}: its interval is {limits}");
    let found = findings.error(given.at, message);
    if let Some(version) = draft.version.given() {
        found.see(version.at, "because of this");
    }
    found.help(format!("the nearest is `advertisement_interval: {nearest}`"));
}

fn families(draft: &Draft, findings: &mut Findings) {
    let (Some(first), Some(family)) = (draft.addresses.items.first(), draft.family()) else { return };
    let other = |address: IpAddr| Family::of(address) != family;
    if let Some(odd) = draft.addresses.items.iter().find(|placed| other(placed.value.address)) {
        let found = findings.error(odd.at, "a virtual router has addresses of one family only");
        found.label(Family::of(odd.value.address).to_string()).see(first.at, format!("{family}"));
        found.help("make a second virtual router for the other family; it may have the same VRID");
    }
    for peer in draft.peers.items.iter().filter(|peer| other(peer.value)) {
        let found = findings.error(peer.at, format!("the peer {} is not {family}", peer.value));
        found.see(first.at, format!("the addresses are {family}"));
    }
    if let Some(Placed { value: Source::Address(source), at }) = draft.source.given()
        && other(*source)
    {
        let found = findings.error(*at, format!("the source {source} is not {family}"));
        found.see(first.at, format!("the addresses are {family}"));
    }
}

/// RFC 9568 §5.2.9 with erratum 8300: the first IPv6 address of a packet is the link-local one.
fn link_local_first(draft: &Draft, findings: &mut Findings) {
    let mut advertised = draft.addresses.items.iter().filter(|placed| placed.value.advertised);
    let Some(first) = advertised.next().filter(|first| first.value.address.is_ipv6()) else { return };
    if address::is_link_local(first.value.address) {
        return;
    }
    let found = findings.error(first.at, "the first address of an IPv6 virtual router must be link-local");
    found.label("not in fe80::/10");
    if let Some(later) = advertised.find(|placed| address::is_link_local(placed.value.address)) {
        found.see(later.at, "move this one to the front").help("RFC 9568 §5.2.9 wants the link-local address first");
    } else {
        let vrid = draft.vrid.value().map_or(1, vrrp_packet::Vrid::get);
        found.help(format!("begin the list with one that no host of the link has, for example `fe80::{vrid:x}/64`"));
    }
}

fn repeated<T: Copy + Eq + core::hash::Hash + core::fmt::Display>(
    items: &[Placed<T>],
    what: &str,
    findings: &mut Findings,
) {
    let mut seen: HashMap<T, Span> = HashMap::new();
    for item in items {
        if let Some(first) = seen.get(&item.value) {
            let found = findings.error(item.at, format!("the {what} {} is listed twice", item.value));
            found.see(*first, "first listed here").help("remove one of them");
        } else {
            seen.insert(item.value, item.at);
        }
    }
}

fn source(draft: &Draft, findings: &mut Findings) {
    let Some(Placed { value: Source::Address(source), at }) = draft.source.given() else { return };
    if let Some(peer) = draft.peers.items.iter().find(|peer| peer.value == *source) {
        let found = findings.error(peer.at, format!("the peer {source} is this router's own source"));
        found.see(*at, "the source").help("list the other hosts only");
    }
    let claimed = |address: &IpAddr| draft.addresses.items.iter().find(|placed| placed.value.address == *address);
    if let Some(claimed) = claimed(source).filter(|_| !draft.is_owner()) {
        let found = findings.error(*at, format!("the source {source} is a virtual address"));
        found
            .see(claimed.at, "claimed here")
            .help("advertise from an address that stays on this host, or write `auto`");
    }
    let multicast = draft.peers.whole && draft.peers.items.is_empty();
    if multicast && draft.family() == Some(Family::Ipv6) && source.is_ipv6() && !address::is_link_local(*source) {
        let found = findings.error(*at, "IPv6 multicast advertisements come from a link-local address");
        found.help("write `source: auto` (RFC 9568 §5.1.2.1)");
    }
}

fn peers_and_virtual_addresses(draft: &Draft, findings: &mut Findings) {
    for peer in &draft.peers.items {
        if let Some(address) = draft.addresses.items.iter().find(|placed| placed.value.address == peer.value) {
            let found = findings.error(peer.at, format!("the peer {} is a virtual address", peer.value));
            found.see(address.at, "claimed here").help("list the other hosts' own addresses");
        }
    }
}

fn unicast_only(draft: &Draft, findings: &mut Findings) {
    if let Some(Placed { value: HopLimit::Any, at }) = draft.hop_limit.given()
        && draft.peers.whole
        && draft.peers.items.is_empty()
    {
        let found = findings.error(*at, "`hop_limit: any` needs `peers`");
        found.help("multicast never leaves the link: remove the line, or list the peers");
    }
}

fn router_count(draft: &Draft, findings: &mut Findings) {
    let (Some(routers), Some(first)) = (draft.routers.given(), draft.peers.items.first()) else { return };
    let count = draft.peers.items.len() + 1;
    if draft.peers.whole && count != usize::from(routers.value.get()) {
        let message = format!("`routers` is {}, but with `peers` there are {count}", routers.value);
        let found = findings.error(routers.at, message);
        found.see(first.at, "the first peer").help("remove `routers`: the list of peers says it already");
    }
}

fn fast_handover(draft: &Draft, findings: &mut Findings) {
    let Some(Placed { value: true, at }) = draft.fast_handover.given() else { return };
    let certain = match draft.peers.items.len() {
        0 => draft.routers.value().is_some_and(|count| count.get() == 2),
        count => count == 1,
    };
    if draft.peers.whole && !certain {
        let found = findings.warning(*at, "`fast_handover` has no effect: a third router may be waiting");
        found.help("write `routers: 2` if two routers share this VRID, or list the one peer");
    }
}

/// Ownership rule 16: the owner's addresses are the host's own, never leased or withdrawn.
/// Probing that takes as long as Active_Down_Interval only adds traffic.
fn probe(draft: &Draft, findings: &mut Findings) {
    let (Some(Placed { value: probe, at }), Some(version)) = (draft.probe.given(), draft.version()) else { return };
    let (Some(interval), Some(priority)) =
        (draft.interval.or(timing::DEFAULT_INTERVAL), draft.priority.or(Priority::DEFAULT))
    else {
        return;
    };
    let Some(interval) = timing::interval(version, interval) else { return };
    let wait = interval.active_down_interval(version, priority);
    let answer = interval.duration() * u32::from(probe.after.get()) + probe.span();
    if answer >= wait {
        let found = findings.warning(*at, "`probe` has no effect: Active_Down_Interval is over before its answer");
        found.help(format!(
            "the answer takes {}, Active_Down_Interval is {}",
            duration::write(answer),
            duration::write(wait)
        ));
    }
}

fn owner(draft: &Draft, findings: &mut Findings) {
    let Some(priority) = draft.priority.given().filter(|priority| priority.value == Priority::OWNER) else { return };
    if let Some(Placed { value: Lease::Auto | Lease::Seconds(_), at }) = draft.lease.given() {
        let found = findings.error(*at, "addresses of the address owner are never leased");
        found.see(priority.at, "255 says that this host owns them");
        found.help("remove `lease`; or write a priority from 1 to 254 if vipd is to claim the addresses");
    }
    if let Some(Placed { value: false, at }) = draft.preempt.given() {
        let found = findings.warning(*at, "`preempt: false` has no effect on the address owner");
        found.see(priority.at, "255 always takes its role back (RFC 9568 §6.1)");
    }
}

fn idle_settings(draft: &Draft, findings: &mut Findings) {
    if let (Some(delay), Some(Placed { value: false, at })) = (draft.preempt_delay.given(), draft.preempt.given())
        && !delay.value.is_zero()
    {
        let found = findings.warning(delay.at, "`preempt_delay` has no effect");
        found.see(*at, "this router never preempts").help("remove one of the two");
    }
    if let Some(Placed { value: Checksum::Rfc9568 | Checksum::PseudoHeader, at }) = draft.checksum.given()
        && (draft.version() == Some(Version::V2) || draft.family() == Some(Family::Ipv6))
    {
        let found = findings.warning(*at, "`checksum` has no effect");
        found.help("only version 3 over IPv4 has two forms; remove the line");
    }
}
