//! The election thread's ears: from a socket to the router that a packet is for.

use vrrp_packet::Advertisement;

use crate::election::{Effective, Event, Instant, StateName};
use crate::net::ReceiveError;

use super::counters::Discard;
use super::election_thread::Engine;
use super::inspect;
use super::member::Member;
use super::notice::{News, Teller};
use super::sockets::Share;

/// Packets that one socket may deliver before timers and other sockets get their turn.
const BATCH: usize = 16;
/// More packets than a receive buffer holds.
const MOST_QUEUED: usize = 65_536;

impl Engine {
    /// Drops what waits in a socket.
    ///
    /// That is what came while this thread did not run, for every router that shares the socket. One with a longer interval
    /// may count as present all the same; it misses one advertisement of the three that it waits for.
    pub(super) fn forget_queued(&mut self, share: usize) {
        let Some(socket) = self.shares.get(share).and_then(Share::socket) else { return };
        // Bounded, should packets come as fast as they are dropped.
        for _ in 0..MOST_QUEUED {
            if let Ok(None) | Err(ReceiveError::Kernel(_)) = socket.receive(&mut self.buffer) {
                return;
            }
        }
    }

    pub(super) fn receive(&mut self, share: usize) {
        for _ in 0..BATCH {
            let Some(socket) = self.shares.get(share).and_then(Share::socket) else { return };
            let datagram = match socket.receive(&mut self.buffer) {
                Ok(Some(datagram)) => datagram,
                // A failing socket belongs to an interface that is going away: its own news will follow.
                Ok(None) | Err(ReceiveError::Kernel(_)) => return,
                Err(ReceiveError::Truncated) => continue,
            };
            let vrid = inspect::vrid_of(datagram.payload);
            let Some(index) = vrid.and_then(|vrid| self.shares[share].router(vrid)) else { continue };
            let now = Self::now();
            let member = &mut self.members[index];
            let source = member.link.source;
            let mut inspect = |clock| inspect::inspect(&member.plan, source, &datagram, &mut member.memory, clock);
            let mut outcome = inspect(self.clock.read(now));
            // Ownership rule 27: what a host without the time takes for stale may prove what the time is.
            if matches!(outcome, Err(Discard::OutsideWindow))
                && !self.clock.is_confirmed()
                && let Some(theirs) = inspect::later_time(&member.plan, &datagram, self.clock.read(now))
                && self.clock.believe(now, theirs)
            {
                outcome = inspect(self.clock.read(now));
            }
            match outcome {
                Ok((heard, advertisement)) => {
                    member.published.counters.received.increment();
                    if heard.priority.is_release() {
                        member.published.counters.received_release.increment();
                    }
                    note_differences(&self.teller, member, now, &advertisement);
                    let contends = is_settled(member, now);
                    member.handle(now, Event::Advertisement(heard));
                    if contends {
                        let yields = member.router.view().state != StateName::Active;
                        let news = News::Contended { source: heard.source, priority: heard.priority, yields };
                        member.tell(&self.teller, now, news);
                    }
                    if inspect::has_two_forms(&member.plan) {
                        member.follow_checksum(heard.source, advertisement.checksum());
                    }
                }
                Err(reason) => {
                    member.published.counters.discard(reason);
                    let news = News::Discarded { reason, source: datagram.source };
                    member.tell(&self.teller, now, news);
                }
            }
            self.act(index, now);
        }
    }
}

/// Tells whether a member has been Active for long enough that nobody else can still believe to be.
fn is_settled(member: &Member, now: Instant) -> bool {
    let view = member.router.view();
    view.state == StateName::Active && now.since(view.since) >= member.plan.settings.interval.duration()
}

/// RFC 9568 §7.1: differences that are worth a word but do not make a packet invalid.
fn note_differences(teller: &Teller, member: &mut Member, now: Instant, advertisement: &Advertisement<'_>) {
    let source = advertisement.ip().source;
    let theirs = advertisement.interval();
    if theirs != member.plan.settings.interval {
        let news = News::IntervalDiffers { source, theirs };
        member.tell(teller, now, news);
    }
    if !inspect::lists_same_addresses(&member.plan, advertisement) {
        member.tell(teller, now, News::AddressesDiffer { source });
    }
    let both_own = member.router.view().effective == Effective::Priority(vrrp_packet::Priority::OWNER)
        && advertisement.priority().is_owner();
    if both_own {
        member.tell(teller, now, News::SecondOwner { source });
    }
}
