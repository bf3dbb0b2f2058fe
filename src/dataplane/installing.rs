//! How routers come, change and go while the thread runs.

use core::sync::atomic::Ordering;
use core::time::Duration;

use crate::net::boot_nanos;

use super::claims::Phase;
use super::kernel::{Prepared, Target, new_additions, removals};
use super::lease::Renewal;
use super::message::{Answer, Place, ReportEvent};
use super::plan::Plan;
use super::thread::{Router, Stay, Worker};

impl Worker {
    /// Takes in a router, or changes the one that is there.
    pub(super) fn install(&mut self, index: usize, plan: Plan) {
        while self.routers.len() <= index {
            self.routers.push(Router { stay: Stay::Gone, ..Router::new(plan.clone()) });
        }
        let former = &self.routers[index].plan;
        let (announce, lease) = (former.announce != plan.announce, former.lease_seconds());
        match self.routers[index].stay {
            Stay::Gone => self.routers[index] = Router::new(plan),
            Stay::Installed | Stay::Leaving => {
                let router = &mut self.routers[index];
                (router.plan, router.told) = (plan, None);
            }
        }
        self.recount();
        if let Err(error) = self.look_around() {
            // What may be changed is not known, but what is ours is.
            self.lose(index, ReportEvent::Kernel(error));
            return;
        }
        self.prepare();
        match self.adjust(index, lease) {
            Ok(more) if more || (announce && self.routers[index].schedule.is_some()) => self.announce(index),
            Ok(_) => {}
            Err(reasons) => self.lose_for(index, reasons),
        }
        self.tell_interfaces();
    }

    /// Forgets a router once nothing of it is left.
    pub(super) fn remove(&mut self, index: usize) {
        let Some(router) = self.routers.get_mut(index) else { return };
        router.stay = Stay::Leaving;
        match router.claim.phase {
            Phase::Free => self.forget_if_leaving(index),
            Phase::Held(_) | Phase::Leaving(_) => self.give_up(index),
        }
    }

    /// Makes the place of a router free if it is to leave; called when nothing of it is left.
    pub(super) fn forget_if_leaving(&mut self, index: usize) {
        if self.routers[index].stay == Stay::Leaving {
            self.routers[index].stay = Stay::Gone;
            self.recount();
            self.blind = true;
            self.answer(Answer::Removed { router: index });
        }
    }

    /// Counts as virtual what is planned, and what is still here although it is not planned any more.
    fn recount(&mut self) {
        let installed = self.routers.iter().filter(|router| router.stay != Stay::Gone && !router.plan.owner);
        let planned = installed.flat_map(|router| &router.plan.addresses).map(|planned| planned.address);
        let here = self.routers.iter().flat_map(|router| router.claim.targets()).map(|target| target.address);
        self.host.set_virtual(planned.chain(here));
    }

    /// Makes a held claim what is planned now, address by address; tells whether addresses came. `lease` is the one that
    /// is still in force.
    fn adjust(&mut self, index: usize, lease: Option<u32>) -> Result<bool, Vec<ReportEvent>> {
        let router = &self.routers[index];
        let Some(held) = router.claim.held() else { return Ok(false) };
        let prepared = router.prepared.clone().map_err(|missing| vec![ReportEvent::NoInterface(missing)])?;
        let now = boot_nanos();
        if let Some(objection) = self.objection(index, now) {
            return Err(vec![objection]);
        }
        if let Renewal::Overrun(age) = router.claim.renewal(lease, now) {
            return Err(vec![ReportEvent::LeaseOverrun(Duration::from_nanos(age))]);
        }
        let former = held.prepared.targets.clone();
        let coming = without_like(&prepared.targets, &former);
        let going = without_like(&former, &prepared.targets);
        let taken: Vec<ReportEvent> = coming.iter().filter_map(|target| self.taken(target, &former)).collect();
        if !taken.is_empty() {
            return Err(taken);
        }
        self.unrecorded = true;
        self.record_with(&[index]);
        // Until all of it is done, all of it is ours to remove.
        let both = former.iter().chain(&coming).cloned().collect();
        self.hold(index, Prepared::new(both, prepared.frames.clone()));
        self.exchange(&coming, &going).map_err(|reason| vec![reason])?;
        let renewed = prepared.targets != former;
        self.hold(index, prepared);
        self.note_added(index);
        if renewed {
            self.renew_within(index, lease);
        }
        if self.routers[index].plan.lease.is_none() {
            self.shared.renewed[index].store(0, Ordering::Relaxed);
        }
        Ok(!coming.is_empty())
    }

    /// Tells who has an address that is to come; one that only changes its form is ours.
    fn taken(&self, target: &Target, former: &[Target]) -> Option<ReportEvent> {
        let (link, found) = self.host.find(target.address, target.index)?;
        let ours = former.iter().any(|it| it.address == found.address && it.index == found.index);
        let found = Place { address: found.address, prefix: found.prefix, interface: link.name.clone() };
        (!ours).then(|| ReportEvent::Taken { wanted: target.place(), found })
    }

    fn hold(&mut self, index: usize, prepared: Prepared) {
        if let Some(held) = self.routers[index].claim.held_mut() {
            held.prepared = prepared;
        }
    }

    /// Adds and removes addresses; those that come in another form in the same place have to go first.
    fn exchange(&mut self, coming: &[Target], going: &[Target]) -> Result<(), ReportEvent> {
        let in_the_way = |target: &Target| coming.iter().any(|other| other.place() == target.place());
        let (first, last): (Vec<Target>, Vec<Target>) = going.iter().cloned().partition(in_the_way);
        self.take_away(&first)?;
        let failures = self.netlink.submit(&mut new_additions(coming));
        let failures = failures.map_err(|error| ReportEvent::Kernel(error.to_string()))?;
        if let Some(failure) = failures.into_iter().next() {
            let place = coming.get(failure.index).map(Target::place);
            return Err(place.map_or_else(
                || ReportEvent::Kernel(failure.refusal.to_string()),
                |place| ReportEvent::Refused(place, failure.refusal.clone()),
            ));
        }
        self.take_away(&last)
    }

    fn take_away(&mut self, targets: &[Target]) -> Result<(), ReportEvent> {
        let failures = self.netlink.submit(&mut removals(targets));
        let failures = failures.map_err(|error| ReportEvent::Kernel(error.to_string()))?;
        match failures.into_iter().find(|failure| !failure.refusal.is_not_found()) {
            Some(failure) => Err(ReportEvent::NotWithdrawn(failure.refusal.to_string())),
            None => Ok(()),
        }
    }

    fn lose_for(&mut self, index: usize, reasons: Vec<ReportEvent>) {
        let mut reasons = reasons.into_iter();
        if let Some(first) = reasons.next() {
            self.lose(index, first);
        }
        for reason in reasons {
            self.tell(Some(index), reason);
        }
    }
}

/// Returns the targets that have no like among others.
fn without_like(targets: &[Target], others: &[Target]) -> Vec<Target> {
    targets.iter().filter(|target| !others.iter().any(|other| other.is_like(target))).cloned().collect()
}
