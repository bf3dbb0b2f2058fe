//! What a sound configuration may still get wrong about the host it runs on.
//!
//! Pure: the caller says what the host looks like.

use std::net::IpAddr;

use vrrp_packet::AntiReplay;

use super::address;
use super::diagnostics::{Findings, Report, Span};
use super::file::{Loaded, RouterPlaces};
use super::model::{Source, VirtualRouter};

/// Says what this host looks like now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostFacts {
    /// Every interface, the loopback included.
    pub interfaces: Vec<Interface>,
    /// Whether the kernel says that its wall clock follows a time source.
    pub clock_synchronised: bool,
}

/// Describes one interface of the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its kernel index.
    pub index: u32,
    /// Whether it is up and has carrier.
    pub up: bool,
    /// The bytes of the longest packet that it carries; 0: not known.
    pub mtu: u32,
    /// Its addresses, in the kernel's order.
    pub addresses: Vec<HostAddress>,
}

/// Describes one address of the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostAddress {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// Whether vipd configured it: such an address is a virtual one.
    pub claimed: bool,
}

impl HostFacts {
    /// Returns the interface of that name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// Returns the host's own interface and entry for an address, whoever configured it.
    fn find(&self, address: IpAddr) -> Option<(&Interface, &HostAddress)> {
        self.interfaces.iter().find_map(|interface| {
            interface.addresses.iter().find(|own| own.address == address).map(|own| (interface, own))
        })
    }
}

/// Compares a configuration with the host: errors are settings that cannot work here, warnings what may be meant so.
///
/// An interface that does not exist is a warning: `vipd run` waits for it.
pub fn check_host(loaded: &Loaded, facts: &HostFacts) -> Report {
    let mut findings = Findings::default();
    for (router, places) in loaded.config.virtual_routers.iter().zip(&loaded.places) {
        peers(router, places, facts, &mut findings);
        clock(router, places, facts, &mut findings);
        match facts.interface(&router.interface) {
            Some(interface) => {
                source(router, places, interface, &mut findings);
                packet(router, places, interface, &mut findings);
                addresses(router, places, facts, interface, &mut findings);
            }
            None => missing(&router.interface, places.interface, facts, &mut findings),
        }
    }
    findings.into_report(loaded.warnings.origin(), loaded.warnings.text())
}

fn missing(name: &str, at: Span, facts: &HostFacts, findings: &mut Findings) {
    let known: Vec<_> = facts.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    let found = findings.warning(at, format!("this host has no interface {name}"));
    found.help(format!("`vipd run` waits for it; the interfaces now are {}", known.join(", ")));
}

fn peers(router: &VirtualRouter, places: &RouterPlaces, facts: &HostFacts, findings: &mut Findings) {
    for (peer, at) in router.peers.iter().zip(&places.peers) {
        if let Some((interface, _)) = facts.find(*peer) {
            let found = findings.error(*at, format!("the peer {peer} is this host"));
            found.label(format!("{} has it", interface.name));
            found.help("`peers` lists the other hosts; each host's file leaves out its own address");
        }
    }
}

/// Ownership rule 27: peers refuse what is signed with a clock too far from theirs.
fn clock(router: &VirtualRouter, places: &RouterPlaces, facts: &HostFacts, findings: &mut Findings) {
    let by_time = router.authentication.as_ref().is_some_and(|it| it.anti_replay == AntiReplay::Time);
    if by_time && !facts.clock_synchronised {
        let at = places.authentication.unwrap_or_default();
        let found = findings.warning(at, "the clock of this host is not synchronised");
        found.help("run an NTP client before vipd on every node, or write `anti_replay: monotonic`");
    }
}

fn source(router: &VirtualRouter, places: &RouterPlaces, interface: &Interface, findings: &mut Findings) {
    let name = &interface.name;
    match router.source {
        Source::Address(source) => {
            if !interface.addresses.iter().any(|own| own.address == source) {
                let found =
                    findings.warning(places.source.unwrap_or_default(), format!("{name} has no address {source}"));
                found.help("nothing can be advertised before it has; `source: auto` takes what is there");
            }
        }
        Source::Auto => {
            if automatic_source(router, interface).is_none() {
                let family = router.family();
                let found = findings.warning(places.interface, format!("{name} has no {family} address of its own"));
                found.help("nothing can be advertised before it has one");
            }
        }
    }
}

/// RFC 9568 §5.2.5 counts up to 255 addresses, but an advertisement that travels in pieces is lost with any of them.
fn packet(router: &VirtualRouter, places: &RouterPlaces, interface: &Interface, findings: &mut Findings) {
    let (length, mtu) = (router.packet_length(), usize::try_from(interface.mtu).unwrap_or(usize::MAX));
    if mtu == 0 || length <= mtu {
        return;
    }
    let count = router.advertised().count();
    let message =
        format!("an advertisement of {count} addresses has {length} bytes, but {} carries {mtu}", interface.name);
    let found = findings.warning(places.addresses.last().copied().unwrap_or(places.interface), message);
    found.help("it leaves in fragments; write some of the addresses as `{ address: .., advertise: false }`");
}

/// Returns the address that `source: auto` takes: the first of the family that is not virtual, link-local for IPv6.
pub(super) fn automatic_source(router: &VirtualRouter, interface: &Interface) -> Option<IpAddr> {
    let is_virtual = |address| router.addresses.iter().any(|own| own.address == address) && !router.priority.is_owner();
    let suits = |address: IpAddr| match address {
        IpAddr::V4(_) => router.family() == vrrp_packet::Family::Ipv4,
        IpAddr::V6(_) => router.family() == vrrp_packet::Family::Ipv6 && address::is_link_local(address),
    };
    let mut own = interface.addresses.iter().filter(|own| !own.claimed);
    own.find(|own| suits(own.address) && !is_virtual(own.address)).map(|own| own.address)
}

fn addresses(
    router: &VirtualRouter,
    places: &RouterPlaces,
    facts: &HostFacts,
    interface: &Interface,
    findings: &mut Findings,
) {
    for (virtual_address, at) in router.addresses.iter().zip(&places.addresses) {
        let address = virtual_address.address;
        // An address may name an interface of its own.
        let carrier = match &virtual_address.dev {
            None => interface,
            Some(dev) => match facts.interface(dev) {
                Some(carrier) => carrier,
                None => {
                    missing(dev, *at, facts, findings);
                    continue;
                }
            },
        };
        let found = facts.find(address);
        if router.priority.is_owner() {
            if found.is_none_or(|(holder, own)| own.claimed || holder.name != carrier.name) {
                let priority = places.priority.unwrap_or(*at);
                let message = format!("priority 255 means that {} owns {address}, but it does not", carrier.name);
                findings.error(priority, message).see(*at, "not configured there").help(
                    "write a priority from 1 to 254: vipd then claims the address; or configure the address on the host",
                );
            }
            continue;
        }
        if let Some((holder, own)) = found
            && !own.claimed
        {
            let found = findings.warning(*at, format!("{} already has {address}: who configured it?", holder.name));
            found.help(
                "vipd never takes over an address that somebody else configured; remove it from the host's settings",
            );
        } else {
            subnet(address, *at, carrier, findings);
        }
    }
}

fn subnet(address: IpAddr, at: Span, carrier: &Interface, findings: &mut Findings) {
    let own = || carrier.addresses.iter().filter(|own| !own.claimed && own.address.is_ipv4() == address.is_ipv4());
    if address::is_link_local(address) || own().any(|own| address::same_subnet(own.address, address, own.prefix)) {
        return;
    }
    let found = findings.warning(at, format!("{address} is in no subnet of {}", carrier.name));
    found.help(match address {
        IpAddr::V4(_) => {
            "it is then configured as /32, so that it cannot become the primary address of a subnet; \
             hosts of the link reach it only if their routes say so"
        }
        IpAddr::V6(_) => "hosts of the link reach it only if their routes say so",
    });
}
