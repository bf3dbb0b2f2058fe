//! What must hold between the virtual routers of a file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::address;
use super::diagnostics::{Findings, Span};
use super::draft::Draft;

/// Checks the routers against each other; a conflict is reported at the later one.
pub(super) fn check(drafts: &[Draft], findings: &mut Findings) {
    names(drafts, findings);
    vrids(drafts, findings);
    addresses(drafts, findings);
}

fn names(drafts: &[Draft], findings: &mut Findings) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for name in drafts.iter().filter_map(|draft| draft.name.given()) {
        match seen.entry(&name.value) {
            Entry::Vacant(free) => {
                free.insert(name.at);
            }
            Entry::Occupied(first) => {
                let found = findings.error(name.at, format!("two virtual routers are named `{}`", name.value));
                found.see(*first.get(), "the first one").help("commands name routers: give each its own name");
            }
        }
    }
}

fn vrids(drafts: &[Draft], findings: &mut Findings) {
    let mut seen: HashMap<_, &Draft> = HashMap::new();
    for draft in drafts {
        let (Some(vrid), Some(interface), Some(family)) = (draft.vrid.given(), draft.interface.value(), draft.family())
        else {
            continue;
        };
        let first = *seen.entry((vrid.value, interface.clone(), family)).or_insert(draft);
        if core::ptr::eq(first, draft) {
            continue;
        }
        let message = format!("VRID {} is used twice for {family} on {interface}", vrid.value);
        let found = findings.error(vrid.at, message);
        if let Some(vrid) = first.vrid.given() {
            found.see(vrid.at, format!("{} has it", first.title()));
        }
        found.help("give one of them another VRID, from 1 to 255");
    }
}

fn addresses(drafts: &[Draft], findings: &mut Findings) {
    let mut seen: HashMap<_, (&Draft, Span)> = HashMap::new();
    for draft in drafts {
        for placed in &draft.addresses.items {
            let address = placed.value.address;
            // The same link-local address may live on every link.
            let link = address::is_link_local(address)
                .then(|| placed.value.dev.clone().or_else(|| draft.interface.value()))
                .flatten();
            let (first, at) = *seen.entry((address, link)).or_insert((draft, placed.at));
            if core::ptr::eq(first, draft) {
                if at != placed.at {
                    let found = findings.error(placed.at, format!("the address {address} is listed twice"));
                    found.see(at, "first listed here").help("remove one of them");
                }
                continue;
            }
            let found = findings.error(placed.at, format!("the address {address} belongs to two virtual routers"));
            found.see(at, format!("{} has it", first.title()));
            found.help("an address moves with one virtual router: remove it from the other");
        }
    }
}
