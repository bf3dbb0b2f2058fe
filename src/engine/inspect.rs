//! From a datagram to what the election hears: every check of RFC 9568 §7.1, each with its reason.

use core::time::Duration;
use std::net::IpAddr;

use vrrp_packet::authentication::verify;
use vrrp_packet::{Advertisement, Family, IpHeader, ParseError, UnixTime, Version, Vrid};

use crate::election::Heard;
use crate::net::Datagram;

use super::counters::Discard;
use super::plan::Plan;
use super::signatures::Memory;

/// Reads the VRID, which decides whose packet this is, before anything else is known to be right.
///
/// The kernel's filter passes only VRIDs of this interface and family.
pub(super) fn vrid_of(payload: &[u8]) -> Option<Vrid> {
    payload.get(1).copied().and_then(Vrid::new)
}

/// Checks a datagram for the router that it names; `now` is what the signing clock says.
///
/// # Errors
/// The reason why it must be discarded.
pub(super) fn inspect<'a>(
    plan: &Plan,
    own: Option<IpAddr>,
    datagram: &Datagram<'a>,
    memory: &mut Memory,
    now: UnixTime,
) -> Result<(Heard, Advertisement<'a>), Discard> {
    let ip = IpHeader { source: datagram.source, destination: datagram.destination, hop_limit: datagram.hop_limit };
    if own == Some(ip.source) {
        return Err(Discard::OwnAddress);
    }
    if plan.on_link_only && !ip.is_on_link() {
        return Err(Discard::HopLimit);
    }
    // Ownership rule 1.
    if !plan.peers.is_empty() && (ip.destination.is_multicast() || !plan.peers.contains(&ip.source)) {
        return Err(Discard::UnlistedPeer);
    }
    let advertisement = Advertisement::parse(datagram.payload, &ip).map_err(|error| discard_of(&error))?;
    if advertisement.version() != plan.settings.version {
        return Err(Discard::Version);
    }
    authenticate(plan, &advertisement, memory, now)?;
    let heard = Heard { source: ip.source, priority: advertisement.priority(), interval: advertisement.interval() };
    Ok((heard, advertisement))
}

fn authenticate(
    plan: &Plan,
    advertisement: &Advertisement<'_>,
    memory: &mut Memory,
    now: UnixTime,
) -> Result<(), Discard> {
    let accepted = advertisement.v2_authentication().is_none_or(|theirs| theirs.matches(plan.password));
    match &plan.authentication {
        _ if !accepted => Err(Discard::Authentication),
        Some(authentication) => memory.admit(authentication, advertisement, now),
        // Whoever signs expects to be verified; this router has no key to do so.
        None if advertisement.trailer().is_some() => Err(Discard::Authentication),
        None => Ok(()),
    }
}

/// Returns the time that a signed datagram proves, where that is later than the signing clock says: a sender that has a
/// key has said so, and nobody records the future.
pub(super) fn later_time(plan: &Plan, datagram: &Datagram<'_>, now: UnixTime) -> Option<UnixTime> {
    let authentication = plan.authentication.as_ref()?;
    let ip = IpHeader { source: datagram.source, destination: datagram.destination, hop_limit: datagram.hop_limit };
    let advertisement = Advertisement::parse(datagram.payload, &ip).ok()?;
    let sequence = verify(&advertisement, &authentication.keys).ok()?;
    let ahead = u64::try_from(sequence.offset_nanos(now)).ok().filter(|ahead| *ahead > 0)?;
    Some(UnixTime::new(now.since_epoch() + Duration::from_nanos(ahead)))
}

/// Tells whether the advertisement lists the configured addresses, in any order.
pub(super) fn lists_same_addresses(plan: &Plan, advertisement: &Advertisement<'_>) -> bool {
    let theirs = advertisement.addresses();
    // Most list them in the same order: comparing each with each is for those who do not.
    theirs.iter().eq(plan.addresses.iter().copied())
        || theirs.len() == plan.addresses.len() && theirs.iter().all(|address| plan.addresses.contains(&address))
}

/// Tells whether the sender's checksum form says anything about what it wants to receive.
pub(super) fn has_two_forms(plan: &Plan) -> bool {
    plan.settings.version == Version::V3 && plan.family == Family::Ipv4
}

fn discard_of(error: &ParseError) -> Discard {
    match error {
        ParseError::Version(_) | ParseError::FamilyMismatch { .. } => Discard::Version,
        ParseError::Type(_) => Discard::Type,
        ParseError::Truncated { .. } | ParseError::TrailingBytes { .. } => Discard::Length,
        ParseError::Checksum { .. } => Discard::Checksum,
        ParseError::Vrid => Discard::UnknownVrid,
        ParseError::ZeroInterval => Discard::Interval,
        ParseError::NoAddress => Discard::NoAddress,
    }
}
