//! Active in the protocol: Opening, Claiming and Active itself (RFC 9568 §6.4.3).

use core::time::Duration;

use vrrp_packet::Priority;

use super::event::{Action, Cause, Epoch, Fault, Heard};
use super::router::Router;
use super::state::{Farewell, INTERVALS_OF_SILENCE, Listening, Release, State, Step, Tenure, Then};
use super::time::Instant;

/// Answers to losing advertisements keep this distance, so that a flood is not answered packet by packet.
const ASSERTION_GAP: Duration = Duration::from_millis(1);
/// Announcements that contention provokes keep at least this distance, and at the most one of
/// [`LONGEST_ANNOUNCEMENT_GAP`]: between the two it is the Advertisement_Interval.
const SHORTEST_ANNOUNCEMENT_GAP: Duration = Duration::from_millis(100);
pub(super) const LONGEST_ANNOUNCEMENT_GAP: Duration = Duration::from_secs(1);

impl Router {
    /// Takes the role: the first advertisement leaves before the gate or the kernel is asked.
    pub(super) fn become_active(&mut self, now: Instant, cause: Cause, actions: &mut Vec<Action>) {
        self.epoch = Epoch(self.epoch.0 + 1);
        let epoch = self.epoch;
        let priority = self.priority();
        self.pledged = self.settings.interval;
        let tenure = Tenure {
            adver_deadline: now + self.settings.interval.duration(),
            priority,
            last_sent: now,
            last_asked: now,
            last_announced: now,
            owes_announcement: false,
            deposed: self.awaited(now, cause),
        };
        actions.push(Action::SendAdvertisement { priority });
        if self.settings.priority.is_owner() {
            // Ownership rule 16: the addresses are the host's own; there is nothing to claim.
            actions.push(Action::Announce);
            self.enter(now, State::Active(tenure), cause, actions);
        } else if self.settings.gate.is_some() {
            actions.push(Action::OpenGate { epoch });
            self.enter(now, State::Opening(tenure), cause, actions);
        } else if tenure.deposed.is_some() {
            self.enter(now, State::Opening(tenure), cause, actions);
        } else {
            actions.push(Action::Claim { epoch });
            self.enter(now, State::Claiming(tenure), cause, actions);
        }
    }

    pub(super) fn adver_timeout(&mut self, now: Instant, mut tenure: Tenure, actions: &mut Vec<Action>) {
        if now < tenure.adver_deadline {
            return;
        }
        let interval = self.settings.interval.duration();
        // The schedule is kept, lateness does not add up; what was missed while away is not sent afterwards.
        let next = tenure.adver_deadline + interval;
        tenure.adver_deadline = if next > now { next } else { now + interval };
        if tenure.owes_announcement {
            self.announce_again(now, &mut tenure, actions);
        }
        self.advertise(now, tenure, actions);
    }

    pub(super) fn heard_while_active(&mut self, now: Instant, tenure: Tenure, heard: Heard, actions: &mut Vec<Action>) {
        if !self.is_better(tenure.priority, heard) {
            self.assert_role(now, tenure, heard, actions);
            return;
        }
        let peer = heard.source;
        let cause = if heard.priority == tenure.priority {
            Cause::HigherAddress { peer }
        } else {
            Cause::HigherPriority { peer, priority: heard.priority }
        };
        self.step_down(now, tenure, heard, cause, actions);
    }

    /// Somebody else believed that it was Active, or ceased to.
    fn assert_role(&mut self, now: Instant, mut tenure: Tenure, heard: Heard, actions: &mut Vec<Action>) {
        // Its announcements may have misled switches and hosts.
        self.announce_again(now, &mut tenure, actions);
        if now.since(tenure.last_asked) < ASSERTION_GAP {
            // What it answers to is often the last advertisement itself: the announcement is due all the same.
            self.put_tenure(tenure);
            return;
        }
        if heard.priority.is_release() {
            tenure.adver_deadline = now + self.settings.interval.duration();
        }
        // New in RFC 9568: answer at once, but leave Adver_Timer alone.
        self.advertise(now, tenure, actions);
    }

    /// Announces at once, or with the first advertisement after the gap.
    fn announce_again(&self, now: Instant, tenure: &mut Tenure, actions: &mut Vec<Action>) {
        match self.state {
            State::Active(_) => {
                let gap = self.settings.interval.duration().clamp(SHORTEST_ANNOUNCEMENT_GAP, LONGEST_ANNOUNCEMENT_GAP);
                tenure.owes_announcement = now.since(tenure.last_announced) < gap;
                if !tenure.owes_announcement {
                    tenure.last_announced = now;
                    actions.push(Action::Announce);
                }
            }
            // The addresses are announced when they come.
            State::Initialize
            | State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Releasing(_) => {}
        }
    }

    pub(super) fn advertise_new_priority(
        &mut self,
        now: Instant,
        mut tenure: Tenure,
        priority: Priority,
        actions: &mut Vec<Action>,
    ) {
        tenure.priority = priority;
        tenure.adver_deadline = now + self.settings.interval.duration();
        self.advertise(now, tenure, actions);
    }

    fn advertise(&mut self, now: Instant, mut tenure: Tenure, actions: &mut Vec<Action>) {
        tenure.last_asked = now;
        actions.push(Action::SendAdvertisement { priority: tenure.priority });
        self.put_tenure(tenure);
    }

    /// Writes a changed tenure back without leaving the state.
    fn put_tenure(&mut self, tenure: Tenure) {
        self.state = match self.state {
            State::Opening(_) => State::Opening(tenure),
            State::Claiming(_) => State::Claiming(tenure),
            State::Active(_) => State::Active(tenure),
            other @ (State::Initialize | State::Backup(_) | State::Aside(_) | State::Releasing(_)) => other,
        };
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.pledged = self.settings.interval;
        match self.state {
            State::Opening(mut tenure) | State::Claiming(mut tenure) | State::Active(mut tenure) => {
                tenure.last_sent = now;
                self.put_tenure(tenure);
                // A role that was held for longer than the last wait ends a row of failures: at 10 ms an interval
                // would end it before somebody has taken the addresses away again.
                let held = now.since(self.since) >= self.retry_wait();
                if held && matches!(self.state, State::Active(_)) {
                    self.failures = 0;
                }
            }
            State::Releasing(mut release) => {
                release.last_sent = now;
                self.state = State::Releasing(release);
            }
            State::Initialize | State::Backup(_) | State::Aside(_) => {}
        }
    }

    /// Ownership rule 11: an Active Router that did not send for three intervals withdraws before it sends again.
    ///
    /// The owner is exempt: its addresses stay whatever happens (rule 16).
    pub(super) fn notice_absence(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.settings.priority.is_owner() {
            return;
        }
        let bearable = self.pledged.min(self.settings.interval).duration() * INTERVALS_OF_SILENCE;
        match self.state {
            State::Opening(tenure) | State::Claiming(tenure) | State::Active(tenure) => {
                let away = now.since(tenure.last_sent);
                if away < bearable {
                    return;
                }
                if tenure.last_asked > tenure.last_sent {
                    self.release(now, false, Then::Retry { needs_readiness: false }, Cause::SendsFailed, actions);
                } else {
                    self.leave_after_absence(now, away, actions);
                }
            }
            State::Releasing(release) => {
                let away = now.since(release.last_sent);
                if away >= bearable {
                    self.fall_silent_after_absence(now, release, away, actions);
                }
            }
            State::Initialize | State::Backup(_) | State::Aside(_) => {}
        }
    }

    pub(super) fn leave_after_absence(&mut self, now: Instant, by: Duration, actions: &mut Vec<Action>) {
        if self.settings.priority.is_owner() {
            return;
        }
        self.release(now, false, Then::StandBy, Cause::Stalled { by }, actions);
    }

    pub(super) fn leave_for_fault(&mut self, now: Instant, fault: Fault, actions: &mut Vec<Action>) {
        self.release(now, true, Then::StandBy, Cause::Fault(fault), actions);
    }

    pub(super) fn addresses_claimed(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Claiming(mut tenure) if epoch == self.epoch => {
                tenure.last_announced = now;
                actions.push(Action::Announce);
                self.enter(now, State::Active(tenure), Cause::Confirmed, actions);
            }
            State::Initialize
            | State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }

    pub(super) fn claim_failed(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Claiming(_) if epoch == self.epoch => {
                self.release(now, true, Then::Retry { needs_readiness: true }, Cause::ClaimFailed, actions);
            }
            State::Initialize
            | State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }

    pub(super) fn addresses_lost(&mut self, now: Instant, epoch: Epoch, actions: &mut Vec<Action>) {
        match self.state {
            State::Claiming(_) | State::Active(_) if epoch == self.epoch => {
                self.release(now, true, Then::Retry { needs_readiness: false }, Cause::AddressesLost, actions);
            }
            State::Initialize
            | State::Backup(_)
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }

    /// A better router is there: it speaks for the addresses from now on, this node lets go of them.
    ///
    /// Beyond RFC 9568 §6.4.3 it speaks once more, so that a router which was Active all the while, such as on the
    /// other side of a partition, learns that it was not alone and announces the addresses again. To an only peer it says
    /// Priority 0 once they are gone; where others listen, who would take that for their turn, its own priority at once.
    fn step_down(&mut self, now: Instant, tenure: Tenure, heard: Heard, cause: Cause, actions: &mut Vec<Action>) {
        let mut listening = Listening::afresh(now, self.settings.interval);
        listening.follow(now, self.settings.version, heard);
        let farewell = self.farewell_to_a_successor();
        // Also before it has announced anything itself: it may have deposed one that had, and that is heard no more.
        let speaks_now = farewell == Farewell::Silent;
        self.begin_release(
            now,
            Release {
                step: Step::Addresses,
                adver_deadline: None,
                give_up_at: None,
                last_sent: tenure.last_sent,
                farewell,
                priority: tenure.priority,
                listening,
                then: Then::StandBy,
            },
            cause,
            actions,
        );
        if speaks_now && !self.settings.priority.is_owner() {
            // After the order to withdraw, which must not wait for it.
            actions.push(Action::SendAdvertisement { priority: tenure.priority });
        }
    }
}
