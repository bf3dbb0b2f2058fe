//! How the thread follows what others do to links and addresses, and puts right what it must.

use core::time::Duration;

use crate::net::boot_nanos;
use crate::net::link::links;
use crate::net::netlink::MonitorEvent;

use super::announcer::{Frame, forwards};
use super::host::Host;
use super::kernel::{Prepared, Target, new_additions, removal, removals};
use super::lease::{RETRY, Renewal};
use super::leftovers::leftovers;
use super::message::{Answer, Place, ReportEvent};
use super::plan::Plan;
use super::thread::{Stay, Worker};

/// How often the kernel's tables are read at the start before it is given up.
const LOOKS: u32 = 5;

impl Worker {
    /// Removes what an earlier run left behind, and nothing else (ownership rule 15).
    pub(super) fn remove_leftovers(&mut self) {
        self.unrecorded = true;
        // Where the kernel's tables change while they are read, the next look is likely to succeed.
        let looked = insistent(LOOKS, || self.look_around());
        if let Err(error) = looked {
            self.tell(None, ReportEvent::Kernel(error));
            return;
        }
        let recorded = self.state_file.read().unwrap_or_else(|error| {
            let path = self.state_file.path().display();
            self.tell(None, ReportEvent::StateFile(format!("{path} cannot be read: {error}")));
            Vec::new()
        });
        for (index, place) in leftovers(&self.host, &recorded) {
            let Place { address, prefix, .. } = place;
            match self.netlink.request(removal(index, address, prefix), 0) {
                Err(error) if !error.is_not_found() => self.tell(None, ReportEvent::Kernel(error.to_string())),
                Ok(()) | Err(_) => {
                    self.host.remove(index, address, prefix);
                    self.tell(None, ReportEvent::LeftoverRemoved(place));
                }
            }
        }
        self.prepare();
        self.tell_interfaces();
    }

    /// Takes all notifications and acts on them.
    pub(super) fn follow_kernel(&mut self) {
        let (mut heard, mut changed, mut lost) = (false, false, false);
        loop {
            match self.monitor.next_event() {
                Ok(None) => break,
                Ok(Some(MonitorEvent::Overrun)) => self.blind = true,
                Ok(Some(event)) => {
                    heard = true;
                    lost |= matches!(event, MonitorEvent::AddressGone(_));
                    changed |= self.host.follow(event);
                }
                Err(error) => {
                    self.blind = true;
                    self.tell(None, ReportEvent::Kernel(error.to_string()));
                    break;
                }
            }
        }
        if self.blind {
            match self.look_around() {
                Ok(()) => changed = true,
                Err(error) => {
                    self.retry_at = Some(boot_nanos() + RETRY);
                    self.tell(None, ReportEvent::Kernel(error));
                }
            }
        }
        if changed {
            self.prepare();
        }
        if heard || changed {
            self.tell_interfaces();
        }
        if changed || lost {
            for index in 0..self.routers.len() {
                self.reconcile(index);
            }
        }
    }

    /// Asks for everything anew.
    pub(super) fn look_around(&mut self) -> Result<(), String> {
        self.host.replace(links(&mut self.netlink).map_err(|error| error.to_string())?);
        self.blind = false;
        Ok(())
    }

    /// Makes ready whatever the next claims need.
    pub(super) fn prepare(&mut self) {
        for router in &mut self.routers {
            router.prepared = prepare(&router.plan, &self.host);
        }
    }

    /// Tells of interfaces that changed, and of addresses that can be claimed or no longer can.
    pub(super) fn tell_interfaces(&mut self) {
        for index in 0..self.routers.len() {
            if self.routers[index].stay == Stay::Gone {
                continue;
            }
            let mut state = self.host.interface_state(&self.routers[index].plan);
            state.claimable = self.is_claimable(index);
            let told = self.routers[index].told.replace(state);
            if told.is_none_or(|told| told.claimable) && !state.claimable {
                self.tell_what_is_taken(index);
            }
            if told != Some(state) {
                self.answer(Answer::Interface { router: index, state });
            }
        }
    }

    /// Says which addresses of a router are somebody else's, before they are needed.
    fn tell_what_is_taken(&self, index: usize) {
        for reason in self.check_addresses(index).err().into_iter().flatten() {
            if let ReportEvent::Taken { wanted, found } = reason {
                self.tell(Some(index), ReportEvent::Occupied { wanted, found });
            }
        }
    }

    /// Puts right what others did to claimed addresses.
    fn reconcile(&mut self, index: usize) {
        let Some(held) = self.routers[index].claim.held() else { return };
        if self.routers[index].plan.owner {
            if let Some(place) = self.missing_own(index) {
                self.lose(index, ReportEvent::NotOwned(place));
            }
            return;
        }
        let is_gone = |target: &&Target| self.host.by_index(target.index).is_none();
        if let Some(place) = held.prepared.targets.iter().find(is_gone).map(Target::place) {
            self.lose(index, ReportEvent::InterfaceGone(place));
            return;
        }
        let obsolete = self.adopt_prepared(index);
        let missing = self.missing(index);
        if missing.is_empty() && obsolete.is_empty() {
            return;
        }
        let now = boot_nanos();
        let objection = self.objection(index, now);
        let router = &mut self.routers[index];
        if let Some(objection) = objection {
            self.lose(index, objection);
        } else if let Renewal::Overrun(age) = router.claim.renewal(router.plan.lease_seconds(), now) {
            self.lose(index, ReportEvent::LeaseOverrun(Duration::from_nanos(age)));
        } else if !missing.is_empty() && !router.claim.restore(now) {
            self.lose(index, ReportEvent::RemovedTooOften);
        } else {
            self.restore(index, &missing, &obsolete);
        }
    }

    /// Follows a host whose own addresses changed, and with them the form that ours must have (ownership rule 17).
    /// Returns the addresses in their former form.
    fn adopt_prepared(&mut self, index: usize) -> Vec<Target> {
        let router = &mut self.routers[index];
        let (Ok(prepared), Some(held)) = (&router.prepared, router.claim.held_mut()) else { return Vec::new() };
        if prepared.targets == held.prepared.targets && prepared.frames == held.prepared.frames {
            return Vec::new();
        }
        let former = core::mem::replace(&mut held.prepared, prepared.clone());
        self.unrecorded = true;
        former.targets.into_iter().filter(|target| !prepared.targets.contains(target)).collect()
    }

    fn missing(&self, index: usize) -> Vec<Target> {
        let Some(held) = self.routers[index].claim.held() else { return Vec::new() };
        // While the link is down IPv6 addresses do not stay, and nobody could reach them anyway.
        let is_missing = |target: &&Target| {
            self.host.by_index(target.index).is_some_and(|link| link.up)
                && !self.host.has(target.index, target.address, target.prefix)
        };
        held.prepared.targets.iter().filter(is_missing).cloned().collect()
    }

    fn restore(&mut self, index: usize, missing: &[Target], obsolete: &[Target]) {
        let failures = match self.netlink.submit(&mut new_additions(missing)) {
            Ok(failures) => failures,
            Err(error) => {
                self.lose(index, ReportEvent::Kernel(error.to_string()));
                return;
            }
        };
        // An address that is there after all, such as one renewed in this moment, is what was wanted.
        if let Some(failure) = failures.into_iter().find(|failure| !failure.refusal.is_exists()) {
            let reason = missing.get(failure.index).map(|target| ReportEvent::Refused(target.place(), failure.refusal));
            self.lose(index, reason.unwrap_or(ReportEvent::RemovedTooOften));
            return;
        }
        for target in missing {
            self.host.add(target.expected());
            let reshaped = obsolete.iter().any(|former| former.address == target.address);
            if !reshaped {
                self.tell(Some(index), ReportEvent::Restored(target.place()));
            }
        }
        self.remove_obsolete(index, obsolete);
    }

    fn remove_obsolete(&mut self, index: usize, obsolete: &[Target]) {
        if let Err(error) = self.netlink.submit(&mut removals(obsolete)) {
            // Two forms of an address on the same host do no harm; the former one ends with its lease.
            self.tell(Some(index), ReportEvent::Kernel(error.to_string()));
        }
        for target in obsolete {
            self.host.remove(target.index, target.address, target.prefix);
        }
    }
}

/// Makes everything that a claim needs, or names the interface that is missing.
fn prepare(plan: &Plan, host: &Host) -> Result<Prepared, String> {
    let main = host.by_name(&plan.interface).ok_or_else(|| plan.interface.clone())?;
    let router = plan.addresses.iter().any(|planned| planned.address.is_ipv6()) && forwards(&plan.interface);
    let mut targets = Vec::with_capacity(plan.addresses.len());
    let mut frames = Vec::with_capacity(plan.addresses.len());
    for planned in &plan.addresses {
        let carrier = plan.carrier(planned);
        let link = host.by_name(carrier).ok_or_else(|| carrier.to_owned())?;
        // An address on an interface without neighbours, such as `lo`, is reached through the router's.
        let voice = if link.mac.is_some() { link } else { main };
        if let Some(mac) = voice.mac {
            frames.push(Frame::new(voice.index, mac, planned.address, router));
        }
        // What is the host's own must never get into a list of things to remove.
        if !plan.owner {
            targets.push(Target::new(plan, planned, link));
        }
    }
    Ok(Prepared::new(targets, frames))
}

/// Tries until it works, or so many times; returns the last outcome.
fn insistent<T>(times: u32, mut attempt: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let mut outcome = attempt();
    for _ in 1..times {
        if outcome.is_ok() {
            break;
        }
        outcome = attempt();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_at_first_is_tried_again_but_not_for_ever() {
        let failing = |failures: u32| {
            let mut tried = 0;
            let outcome = insistent(LOOKS, || {
                tried += 1;
                if tried > failures { Ok(()) } else { Err("EINTR".to_owned()) }
            });
            (outcome.is_ok(), tried)
        };

        assert_eq!([0, 2, 9].map(failing), [(true, 1), (true, 3), (false, LOOKS)]);
    }
}
