//! The bookkeeping of one router's claim: what is here, since when, and what may be done about it. No I/O, no clock.
//!
//! Times are nanoseconds since boot and always an argument.

use crate::net::netlink::Batch;

use super::kernel::{Prepared, Target, removals};
use super::lease::{self, Renewal};

const SECOND: u64 = 1_000_000_000;
/// How often addresses that somebody removed are put back within [`RESTORE_WINDOW`].
const RESTORES: usize = 10;
const RESTORE_WINDOW: u64 = 60 * SECOND;

/// Says where a router's addresses are.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// Not here.
    #[default]
    Free,
    /// Here, confirmed by the kernel.
    Held(Held),
    /// On their way out: not confirmed yet.
    Leaving(Leaving),
}

/// Holds a confirmed claim.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) epoch: u64,
    pub(super) prepared: Prepared,
    /// When the kernel's lifetime began at the latest: taken before the request was sent.
    pub(super) renewed: u64,
    /// After a renewal that failed: when it is tried again; 0 after one that did not.
    pub(super) retry_at: u64,
}

/// Holds an unfinished withdrawal.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    pub(super) targets: Vec<Target>,
    /// Removes them.
    pub(super) removal: Batch,
    /// The withdrawal that waits for an answer.
    pub(super) answer: Option<u64>,
    /// Whether people were told that it takes longer.
    pub(super) reported: bool,
}

/// Keeps the books for one router.
#[derive(Debug, Default)]
pub(super) struct Claim {
    pub(super) phase: Phase,
    /// The greatest epoch that was withdrawn.
    withdrawn: Option<u64>,
    /// When addresses were put back, newest last.
    restored: Vec<u64>,
}

impl Claim {
    pub(super) fn held(&self) -> Option<&Held> {
        match &self.phase {
            Phase::Held(held) => Some(held),
            Phase::Free | Phase::Leaving(_) => None,
        }
    }

    pub(super) fn held_mut(&mut self) -> Option<&mut Held> {
        match &mut self.phase {
            Phase::Held(held) => Some(held),
            Phase::Free | Phase::Leaving(_) => None,
        }
    }

    /// Returns every address that is or may be here because of this claim.
    pub(super) fn targets(&self) -> &[Target] {
        match &self.phase {
            Phase::Free => &[],
            Phase::Held(held) => &held.prepared.targets,
            Phase::Leaving(leaving) => &leaving.targets,
        }
    }

    /// Tells whether a claim was withdrawn before it was taken up.
    pub(super) fn is_obsolete(&self, epoch: u64) -> bool {
        self.withdrawn.is_some_and(|withdrawn| epoch <= withdrawn)
    }

    /// Notes a confirmed claim, valid from before it was sent.
    pub(super) fn confirm(&mut self, epoch: u64, prepared: Prepared, sent: u64) {
        self.phase = Phase::Held(Held { epoch, prepared, renewed: sent, retry_at: 0 });
        self.restored.clear();
    }

    /// Notes that a withdrawal was ordered and must be answered.
    pub(super) fn order_withdrawal(&mut self, epoch: u64) {
        self.withdrawn = self.withdrawn.max(Some(epoch));
        self.leave(Some(epoch));
    }

    /// Gives the addresses up, whether or not anybody waits for the answer.
    pub(super) fn leave(&mut self, answer: Option<u64>) {
        let leaving = match core::mem::take(&mut self.phase) {
            Phase::Free => Leaving::default(),
            Phase::Held(Held { prepared: Prepared { targets, withdrawal, .. }, .. }) => {
                Leaving { targets, removal: withdrawal, ..Leaving::default() }
            }
            Phase::Leaving(leaving) => leaving,
        };
        self.phase = Phase::Leaving(Leaving { answer: answer.or(leaving.answer), ..leaving });
    }

    /// Notes that addresses of a failed claim have to go.
    pub(super) fn roll_back(&mut self, targets: Vec<Target>) {
        self.phase = Phase::Leaving(Leaving { removal: removals(&targets), targets, ..Leaving::default() });
    }

    /// Tells whether the lease of a held claim may be renewed or its addresses put back (ownership rule 12).
    pub(super) fn renewal(&self, lease: Option<u32>, now: u64) -> Renewal {
        let (Some(held), Some(lease)) = (self.held(), lease) else { return Renewal::Allowed };
        lease::renewal(lease, held.renewed, now)
    }

    /// Returns when the lease of a held claim is to be renewed, where all routers together hold so many leased addresses.
    pub(super) fn renew_at(&self, lease: Option<u32>, leased: usize) -> Option<u64> {
        let held = self.held()?;
        Some(lease::renew_at(lease?, held.renewed, leased).max(held.retry_at))
    }

    /// Notes that addresses are put back, unless that happened too often of late.
    pub(super) fn restore(&mut self, now: u64) -> bool {
        self.restored.retain(|&then| now.saturating_sub(then) < RESTORE_WINDOW);
        if self.restored.len() >= RESTORES {
            return false;
        }
        self.restored.push(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(renewed: u64) -> Claim {
        let mut claim = Claim::default();
        claim.confirm(1, Prepared::new(Vec::new(), Vec::new()), renewed);
        claim
    }

    #[test]
    fn rule_12_a_lease_is_renewed_only_while_half_a_second_is_left() {
        let claim = held(10 * SECOND);

        assert_eq!(claim.renewal(Some(3), 12 * SECOND + SECOND / 2 - 1), Renewal::Allowed);
        assert_eq!(claim.renewal(Some(3), 12 * SECOND + SECOND / 2), Renewal::Overrun(SECOND * 5 / 2));
        assert_eq!(claim.renewal(None, 1000 * SECOND), Renewal::Allowed);
    }

    #[test]
    fn rule_18_renewals_stay_under_64_a_second_but_come_thrice_in_a_lease() {
        let claim = held(0);

        assert_eq!(claim.renew_at(Some(3), 1), Some(SECOND / 2));
        assert_eq!(claim.renew_at(Some(3), 64), Some(SECOND));
        assert_eq!(claim.renew_at(Some(47), 1000), Some(1000 * SECOND / 64));
        assert_eq!(claim.renew_at(Some(3), 1000), Some(SECOND));
        assert_eq!(claim.renew_at(None, 1), None);
    }

    #[test]
    fn a_claim_that_was_withdrawn_before_it_was_taken_up_is_obsolete() {
        let mut claim = Claim::default();
        claim.order_withdrawal(7);

        assert!(claim.is_obsolete(7));
        assert!(!claim.is_obsolete(8));
    }

    #[test]
    fn addresses_are_put_back_ten_times_a_minute_at_most() {
        let mut claim = held(0);
        for second in 0..10 {
            assert!(claim.restore(second * SECOND));
        }

        assert!(!claim.restore(59 * SECOND));
        assert!(claim.restore(60 * SECOND));
    }

    #[test]
    fn giving_up_does_not_forget_who_waits_for_the_withdrawal() {
        let mut claim = held(0);
        claim.order_withdrawal(1);

        claim.leave(None);

        let Phase::Leaving(leaving) = &claim.phase else { panic!("{claim:?}") };
        assert_eq!(leaving.answer, Some(1));
    }
}
