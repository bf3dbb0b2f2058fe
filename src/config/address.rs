//! Addresses as the file writes them, and which of them can serve.

use std::net::{IpAddr, Ipv4Addr};

use super::diagnostics::Findings;
use super::model::{Scope, VirtualAddress};
use super::read::{Field, Section};
use super::tree::Value;

/// The kernel's IFNAMSIZ without the final zero; labels have the same limit.
const NAME_BYTES: usize = 15;

const ADDRESS_KEYS: [&str; 5] = ["address", "dev", "label", "scope", "advertise"];

/// Reads `10.77.0.100/24`, or a mapping with that under `address`.
pub(super) fn virtual_address(field: Field<'_>, findings: &mut Findings) -> Option<VirtualAddress> {
    let Value::Mapping(_) = field.node.value else {
        let (address, prefix) = with_prefix(field, findings)?;
        let scope = Scope::default();
        return Some(VirtualAddress { address, prefix, dev: None, label: None, scope, advertised: true });
    };
    let section = Section::open(field.node, "an address", &ADDRESS_KEYS, findings)?;
    let address = section.required("address", "10.77.0.100/24", findings, with_prefix);
    let dev = section.optional("dev", findings, interface_name);
    let label = section.optional("label", findings, interface_name);
    let scopes = [("global", Scope::Global), ("link", Scope::Link), ("host", Scope::Host)];
    let scope = section.optional("scope", findings, |field, findings| field.word(&scopes, findings));
    let advertised = section.optional("advertise", findings, Field::boolean);
    let (address, prefix) = address.value()?;
    if let Some(label) = label.given().filter(|_| address.is_ipv6()) {
        findings.error(label.at, "an IPv6 address has no label").help("remove `label`");
        return None;
    }
    let dev = dev.or(String::new()).map(|dev| Some(dev).filter(|dev| !dev.is_empty()))?;
    let label = label.or(String::new()).map(|label| Some(label).filter(|label| !label.is_empty()))?;
    let (scope, advertised) = (scope.or(Scope::default())?, advertised.or(true)?);
    Some(VirtualAddress { address, prefix, dev, label, scope, advertised })
}

fn with_prefix(field: Field<'_>, findings: &mut Findings) -> Option<(IpAddr, u8)> {
    let text = field.text(findings)?;
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address = parse(field, address, findings)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix.map(str::parse::<u8>) {
        None => longest,
        Some(Ok(prefix)) if (1..=longest).contains(&prefix) => prefix,
        Some(Ok(_) | Err(_)) => {
            let found = findings.error(field.at(), format!("the prefix length of {address} is not 1 to {longest}"));
            found.help(format!("write for example `{address}/{}`", if address.is_ipv4() { 24 } else { 64 }));
            return None;
        }
    };
    if let Some(kind) = unusable(address).or_else(|| edge_of_subnet(address, prefix)) {
        let found = findings.error(field.at(), format!("{address} cannot be a virtual address: it is {kind}"));
        found.help("use the address that clients connect to");
        return None;
    }
    Some((address, prefix))
}

/// Reads the address of a host: a peer or the source.
pub(super) fn host_address(field: Field<'_>, findings: &mut Findings) -> Option<IpAddr> {
    let text = field.text(findings)?;
    if let Some((address, _)) = text.split_once('/').filter(|(address, _)| address.parse::<IpAddr>().is_ok()) {
        let found = findings.error(field.at(), format!("`{}` takes addresses without a prefix length", field.name));
        found.help(format!("write `{address}`"));
        return None;
    }
    let address = parse(field, text, findings)?;
    if let Some(kind) = unusable(address) {
        let found = findings.error(field.at(), format!("{address} cannot stand in `{}`: it is {kind}", field.name));
        found.help("write an address that a host has for itself");
        return None;
    }
    Some(address)
}

fn parse(field: Field<'_>, text: &str, findings: &mut Findings) -> Option<IpAddr> {
    let Ok(address) = text.parse() else {
        let found = field.refuse(findings, "an IP address");
        if let Some((address, zone)) = text.split_once('%') {
            found.help(format!("write `{address}`: the zone `{zone}` follows from `interface`"));
        } else if text.chars().any(|c| c.is_ascii_alphabetic()) && !text.contains(':') {
            found.help("names are not resolved: the election must not depend on DNS");
        }
        return None;
    };
    Some(address)
}

/// Says what is wrong with an address that no host can have for itself.
fn unusable(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("the broadcast address"),
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => Some("an IPv4 address in IPv6 clothes"),
        address if address.is_unspecified() => Some("the unspecified address"),
        address if address.is_multicast() => Some("a multicast address"),
        address if address.is_loopback() => Some("a loopback address"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

fn edge_of_subnet(address: IpAddr, prefix: u8) -> Option<&'static str> {
    let IpAddr::V4(address) = address else { return None };
    // A /31 has no network and no broadcast address (RFC 3021).
    if prefix > 30 {
        return None;
    }
    let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    match address.to_bits() & host {
        0 => Some("the address of the network itself"),
        bits if bits == host => Some("the broadcast address of its network"),
        _ => None,
    }
}

/// Reads the name of an interface, or a label, which has the same limits.
pub(super) fn interface_name(field: Field<'_>, findings: &mut Findings) -> Option<String> {
    let name = field.text(findings)?;
    if name.len() > NAME_BYTES {
        field.refuse(findings, "at most 15 bytes long").help("the kernel knows no longer names");
    } else if name.contains('/') || name.contains(char::is_whitespace) || matches!(name, "." | "..") {
        field.refuse(findings, "a name without `/` and spaces").help("`ip link` shows the names of this host");
    } else {
        return Some(name.to_owned());
    }
    None
}

/// Tells whether an IPv6 address is good for one link only; false for IPv4.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Tells whether two addresses share the first `prefix` bits.
pub(super) fn same_subnet(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let differs = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    differs >= u32::from(prefix)
}
