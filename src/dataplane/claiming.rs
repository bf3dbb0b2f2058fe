//! How addresses come, stay and go: claims, renewals, withdrawals.

use core::sync::atomic::Ordering;
use core::time::Duration;

use crate::net::boot_nanos;
use crate::net::link::LinkAddress;
use crate::net::netlink::Failure;

use super::claims::Phase;
use super::kernel::Target;
use super::lease::{RETRY, Renewal, STALE};
use super::message::{Answer, Place, ReportEvent};
use super::thread::Worker;

/// How many refused addresses of one claim are reported; the rest is mostly more of the same.
const REPORTED: usize = 4;

impl Worker {
    /// Adds the addresses of a router, all or none.
    pub(super) fn claim(&mut self, index: usize, epoch: u64, ordered: u64) {
        if self.routers[index].claim.is_obsolete(epoch) {
            return;
        }
        match self.try_claim(index, epoch, ordered) {
            Ok(()) => {}
            Err(reasons) => {
                for reason in reasons {
                    self.tell(Some(index), reason);
                }
                self.answer(Answer::ClaimFailed { router: index, epoch });
            }
        }
    }

    fn try_claim(&mut self, index: usize, epoch: u64, ordered: u64) -> Result<(), Vec<ReportEvent>> {
        let waited = boot_nanos().saturating_sub(ordered);
        if waited > STALE {
            return Err(vec![ReportEvent::Stale(Duration::from_nanos(waited))]);
        }
        if let Some(objection) = self.objection(index, boot_nanos()) {
            return Err(vec![objection]);
        }
        self.finish_withdrawal(index);
        match &mut self.routers[index].claim.phase {
            Phase::Free => {}
            Phase::Held(held) => {
                held.epoch = epoch;
                self.answer(Answer::Claimed { router: index, epoch });
                return Ok(());
            }
            Phase::Leaving(_) => {
                return Err(vec![ReportEvent::NotWithdrawn("an earlier withdrawal is not confirmed".to_owned())]);
            }
        }
        self.check_addresses(index)?;
        self.add_addresses(index, epoch)
    }

    /// Makes ready for claims that are about to be made, all with one look at the host and one record of what may come.
    pub(super) fn foresee(&mut self, claims: impl Iterator<Item = (usize, u64)>) {
        // What is configured on the host now decides whether an address is free.
        self.follow_kernel();
        let promising =
            |&(index, epoch): &(usize, u64)| !self.routers[index].claim.is_obsolete(epoch) && self.is_claimable(index);
        let coming: Vec<usize> = claims.filter(promising).map(|(index, _)| index).collect();
        self.unrecorded = true;
        self.record_with(&coming);
    }

    /// Tells whether every address is free, or, for an address owner, there (ownership rules 15 and 16).
    pub(super) fn check_addresses(&self, index: usize) -> Result<(), Vec<ReportEvent>> {
        let router = &self.routers[index];
        let prepared = router.prepared.as_ref().map_err(|missing| vec![ReportEvent::NoInterface(missing.clone())])?;
        if router.plan.owner {
            return self.missing_own(index).map_or(Ok(()), |place| Err(vec![ReportEvent::NotOwned(place)]));
        }
        let taken = |target: &Target| {
            let (link, found) = self.host.find(target.address, target.index)?;
            let found = Place { address: found.address, prefix: found.prefix, interface: link.name.clone() };
            Some(ReportEvent::Taken { wanted: target.place(), found })
        };
        let taken: Vec<ReportEvent> = prepared.targets.iter().filter_map(taken).take(REPORTED).collect();
        if taken.is_empty() { Ok(()) } else { Err(taken) }
    }

    /// Tells whether a claim could succeed now, as far as is known; what is here or on its way out is ours.
    pub(super) fn is_claimable(&self, index: usize) -> bool {
        match self.routers[index].claim.phase {
            Phase::Held(_) | Phase::Leaving(_) => true,
            Phase::Free => self.check_addresses(index).is_ok(),
        }
    }

    /// Finds an address of an address owner that the host does not have.
    pub(super) fn missing_own(&self, index: usize) -> Option<Place> {
        let plan = &self.routers[index].plan;
        plan.addresses.iter().find_map(|planned| {
            let carrier = plan.carrier(planned);
            let present = |link: &crate::net::link::Link| self.host.find(planned.address, link.index).is_some();
            let missing = !self.host.by_name(carrier).is_some_and(present);
            missing.then(|| Place { address: planned.address, prefix: planned.prefix, interface: carrier.to_owned() })
        })
    }

    fn add_addresses(&mut self, index: usize, epoch: u64) -> Result<(), Vec<ReportEvent>> {
        let router = &mut self.routers[index];
        let prepared = router.prepared.as_mut().map_err(|missing| vec![ReportEvent::NoInterface(missing.clone())])?;
        let sent = boot_nanos();
        let (added, reasons) = match self.netlink.submit(&mut prepared.claim) {
            Ok(failures) if failures.is_empty() => {
                let prepared = prepared.clone();
                router.claim.confirm(epoch, prepared, sent);
                if router.plan.lease.is_some() {
                    self.shared.renewed[index].store(sent, Ordering::Relaxed);
                }
                self.answer(Answer::Claimed { router: index, epoch });
                self.note_added(index);
                return Ok(());
            }
            Ok(failures) => (without(&prepared.targets, &failures), refusals(&prepared.targets, &failures)),
            // What the kernel did is not known. All of it was free before, so all of it may be removed.
            Err(error) => (prepared.targets.clone(), vec![ReportEvent::Kernel(error.to_string())]),
        };
        router.claim.roll_back(added);
        self.finish_withdrawal(index);
        Err(reasons)
    }

    /// Notes confirmed addresses in the copy of the host: the kernel tells of IPv6 ones only some time later.
    pub(super) fn note_added(&mut self, index: usize) {
        let Some(held) = self.routers[index].claim.held() else { return };
        let added: Vec<LinkAddress> = held.prepared.targets.iter().map(Target::expected).collect();
        for address in added.into_iter().filter(|address| address.address.is_ipv6()) {
            self.host.add(address);
        }
    }

    /// Renews the lease of a router whose addresses are here.
    pub(super) fn renew(&mut self, index: usize) {
        self.renew_within(index, self.routers[index].plan.lease_seconds());
    }

    /// Renews a lease that is `lease` long so far.
    pub(super) fn renew_within(&mut self, index: usize, lease: Option<u32>) {
        let mut first_sent = None;
        for part in 0.. {
            let now = boot_nanos();
            match self.objection(index, now) {
                None => {}
                Some(ReportEvent::NotVouched(_)) => return self.renew_later(index, now),
                Some(objection) => return self.lose(index, objection),
            }
            let router = &mut self.routers[index];
            // Rule 12: asked before each send, as a renewal would create what another node may own by now.
            if let Renewal::Overrun(age) = router.claim.renewal(lease, now) {
                self.lose(index, ReportEvent::LeaseOverrun(Duration::from_nanos(age)));
                return;
            }
            let Some(held) = router.claim.held_mut() else { return };
            let Some(batch) = held.prepared.renewals.get_mut(part) else { break };
            let failure = match self.netlink.submit(batch) {
                Ok(failures) => failures.first().map(|failure| failure.refusal.to_string()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(text) = failure {
                // Tried twenty times a second: once is enough to be told.
                if core::mem::replace(&mut held.retry_at, now + RETRY) == 0 {
                    self.tell(Some(index), ReportEvent::NotRenewed(text));
                }
                return;
            }
            first_sent.get_or_insert(now);
        }
        if let (Some(held), Some(sent)) = (self.routers[index].claim.held_mut(), first_sent) {
            held.renewed = sent;
            held.retry_at = 0;
            self.shared.renewed[index].store(sent, Ordering::Relaxed);
        }
    }

    /// Lets the lease run on: a node that does not advertise must not keep the addresses from ending with it.
    fn renew_later(&mut self, index: usize, now: u64) {
        if let Some(held) = self.routers[index].claim.held_mut() {
            held.retry_at = now + RETRY;
        }
    }

    /// Carries out an order to withdraw.
    pub(super) fn withdraw(&mut self, index: usize, epoch: u64) {
        self.routers[index].claim.order_withdrawal(epoch);
        self.finish_withdrawal(index);
    }

    /// Withdraws without an order, and tells what became of the claim.
    pub(super) fn lose(&mut self, index: usize, reason: ReportEvent) {
        let Some(epoch) = self.routers[index].claim.held().map(|held| held.epoch) else { return };
        self.give_up(index);
        self.answer(Answer::Lost { router: index, epoch });
        self.tell(Some(index), reason);
    }

    /// Withdraws what is still here.
    pub(super) fn give_up(&mut self, index: usize) {
        self.routers[index].claim.leave(None);
        self.finish_withdrawal(index);
    }

    /// Removes what is on its way out, and answers when the kernel has confirmed that nothing is left.
    pub(super) fn finish_withdrawal(&mut self, index: usize) {
        let router = &mut self.routers[index];
        let Phase::Leaving(leaving) = &mut router.claim.phase else { return };
        router.schedule = None;
        self.shared.renewed[index].store(0, Ordering::Relaxed);
        self.unrecorded = true;
        let failure = match self.netlink.submit(&mut leaving.removal) {
            // An address, or its whole interface, that is not there any more is what was asked for.
            Ok(failures) => failures.into_iter().find(|failure| !failure.refusal.is_not_found()),
            Err(error) => return self.withdraw_later(index, error.to_string()),
        };
        if let Some(Failure { index: position, refusal }) = failure {
            let place = leaving.targets.get(position).map_or_else(String::new, |target| target.place().to_string());
            return self.withdraw_later(index, format!("{place}: {refusal}"));
        }
        let answer = leaving.answer;
        router.claim.phase = Phase::Free;
        if let Some(epoch) = answer {
            self.answer(Answer::Withdrawn { router: index, epoch });
        }
        self.forget_if_leaving(index);
    }

    fn withdraw_later(&mut self, index: usize, reason: String) {
        self.retry_at = Some(boot_nanos() + RETRY);
        let Phase::Leaving(leaving) = &mut self.routers[index].claim.phase else { return };
        // Tried twenty times a second: once is enough to be told.
        if !core::mem::replace(&mut leaving.reported, true) {
            self.tell(Some(index), ReportEvent::NotWithdrawn(reason));
        }
    }

    /// Brings the state file up to date where the set of claimed addresses has changed.
    pub(super) fn record(&mut self) {
        if core::mem::take(&mut self.unrecorded) {
            self.record_with(&[]);
        }
    }

    /// Writes the state file, with the addresses that are about to be claimed.
    pub(super) fn record_with(&mut self, claiming: &[usize]) {
        let prepared = |&index: &usize| self.routers[index].prepared.as_ref().ok();
        let coming = claiming.iter().filter_map(prepared).flat_map(|prepared| &prepared.targets);
        let here = self.routers.iter().flat_map(|router| router.claim.targets());
        // Not a reason to fail a claim: the kernel's mark and the lease still tell and bound what is ours.
        if let Err(error) = self.state_file.record(here.chain(coming)) {
            let path = self.state_file.path().display();
            self.tell(None, ReportEvent::StateFile(format!("{path} cannot be written: {error}")));
        }
    }
}

fn without(targets: &[Target], failures: &[Failure]) -> Vec<Target> {
    let mut refused: Vec<usize> = failures.iter().map(|failure| failure.index).collect();
    refused.sort_unstable();
    let added = targets.iter().enumerate().filter(|(index, _)| refused.binary_search(index).is_err());
    added.map(|(_, target)| target.clone()).collect()
}

fn refusals(targets: &[Target], failures: &[Failure]) -> Vec<ReportEvent> {
    let refusal =
        |failure: &Failure| Some(ReportEvent::Refused(targets.get(failure.index)?.place(), failure.refusal.clone()));
    failures.iter().take(REPORTED).filter_map(refusal).collect()
}
