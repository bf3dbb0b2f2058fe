//! What the guardian needs when the address thread is gone: to remove its addresses, and to know the interface.
//!
//! Each call opens a socket of its own and asks the kernel anew: nothing here relies on what the dead thread knew.

use crate::net::Netlink;
use crate::net::link::{Link, LinkAddress, links};
use crate::net::netlink::{Batch, NetlinkError};

use super::host::Host;
use super::kernel::{PROTOCOL, removal};
use super::message::InterfaceState;
use super::plan::{Plan, PlannedAddress};

/// Removes every address of a plan that vipd has claimed, and returns when none is left.
///
/// An address that somebody else configured stays, as does everything of an address owner. Before Linux 5.18, which
/// cannot mark addresses, only leased ones are recognised.
///
/// # Errors
/// [`NetlinkError`]: what is left is not known.
pub fn remove_all(plan: &Plan) -> Result<(), NetlinkError> {
    if plan.owner {
        return Ok(());
    }
    let mut netlink = Netlink::open().map_err(NetlinkError::Socket)?;
    let mut batch = Batch::default();
    for link in links(&mut netlink)? {
        for known in link.addresses.iter().filter(|known| is_claimed(plan, &link, known)) {
            batch.push(removal(known.index, known.address, known.prefix), 0);
        }
    }
    let failures = netlink.submit(&mut batch)?;
    let failure = failures.into_iter().find(|failure| !failure.refusal.is_not_found());
    failure.map_or(Ok(()), |failure| {
        Err(NetlinkError::Refused { doing: "remove addresses".to_owned(), refusal: failure.refusal })
    })
}

fn is_claimed(plan: &Plan, link: &Link, known: &LinkAddress) -> bool {
    let carries = |planned: &PlannedAddress| planned.address == known.address && plan.carrier(planned) == link.name;
    let unmarked = known.protocol == 0 && known.valid_seconds.is_some() && plan.lease.is_some();
    plan.addresses.iter().any(carries) && (known.protocol == PROTOCOL || unmarked)
}

/// Returns what a router's interface looks like now, on a node with all these plans.
///
/// # Errors
/// [`NetlinkError`].
pub fn survey<'a>(plans: impl Iterator<Item = &'a Plan>, of: &Plan) -> Result<InterfaceState, NetlinkError> {
    let mut netlink = Netlink::open().map_err(NetlinkError::Socket)?;
    let mut host = Host::new(plans);
    host.replace(links(&mut netlink)?);
    Ok(host.interface_state(of))
}
