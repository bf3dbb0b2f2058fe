//! The election thread's hands: what a router asks for is done, what others answer or order is passed on to it.

use core::sync::atomic::Ordering;
use core::time::Duration;

use crate::dataplane::{Answer, Order};
use crate::election::{Action, Epoch, Event, Instant, StateName};

use super::election_thread::Engine;
use super::handle::Command;
use super::member::Link;
use super::notice::News;

/// How soon a socket that could not be opened is tried again.
const SOCKET_RETRY: Duration = Duration::from_secs(1);

impl Engine {
    /// Carries out what the election asked for, in order. Answers that are known at once are given at once.
    pub(super) fn act(&mut self, index: usize, now: Instant) {
        let mut next = 0;
        while let Some(&action) = self.members[index].actions.get(next) {
            next += 1;
            match action {
                Action::SendAdvertisement { priority } => {
                    let socket = self.shares[self.share_of[index]].socket();
                    let member = &mut self.members[index];
                    let (clock, offset) = (self.clock.read(now), (self.clock.offset(now), self.clock.is_confirmed()));
                    let record = |router, sequence| self.ledger.signing(router, sequence, offset);
                    self.ledger.speaking(index, member.checksum_form());
                    match member.advertise(socket, priority, clock, record, &mut self.payload) {
                        Ok(()) => {
                            member.published.counters.sent.increment();
                            if !priority.is_release() {
                                self.dataplane.vouch(index, now.as_nanos());
                            }
                            member.handle(now, Event::Sent);
                        }
                        // A failed send is counted and skipped: the next Adver_Timer is the retry.
                        Err(errno) => {
                            member.published.counters.send_failed.increment();
                            let news = News::SendFailed { priority, errno };
                            member.tell(&self.teller, now, news);
                        }
                    }
                }
                Action::Claim { epoch } => {
                    self.ledger.claiming(index, epoch);
                    self.dataplane.vouch(index, now.as_nanos());
                    if self.dataplane.order(Order::Claim { router: index, epoch: epoch.0 }).is_err() {
                        self.members[index].handle(now, Event::ClaimFailed { epoch });
                    }
                }
                Action::Withdraw { epoch } => self.withdraw(index, epoch),
                Action::Announce => self.announce(index),
                // No database is configured for any router, so nothing could answer; a refusal is the safe answer.
                Action::OpenGate { epoch } => self.members[index].handle(now, Event::GateRefused { epoch }),
                Action::CloseGate { epoch } => self.members[index].handle(now, Event::GateClosed { epoch }),
                Action::Probe { peer, silence } => {
                    self.members[index].published.counters.probed.increment();
                    self.members[index].tell(&self.teller, now, News::Suspicion { peer, silence });
                }
                Action::Report(transition) => {
                    if transition.to == StateName::Active && transition.from != StateName::Active {
                        self.members[index].published.counters.became_active.increment();
                    }
                    self.ledger.entered(index, transition.to);
                    self.members[index].tell(&self.teller, now, News::Transition(transition));
                }
            }
        }
        self.members[index].actions.clear();
        self.note(index);
    }

    /// Brings what is known of a router at every turn up to date.
    pub(super) fn note(&mut self, index: usize) {
        let member = &self.members[index];
        self.agenda.note(index, member.router.next_deadline(), member.speaking());
    }

    fn announce(&self, index: usize) {
        let member = &self.members[index];
        if member.plan.settings.priority.is_owner() {
            // An owner has nothing to claim, but the address thread announces only what it has found on the host.
            let epoch = member.router.view().epoch.0;
            let _ = self.dataplane.order(Order::Claim { router: index, epoch });
        }
        // Without room the address thread is busy; the refresh will follow.
        let _ = self.dataplane.order(Order::Announce { router: index });
    }

    pub(super) fn withdraw(&mut self, index: usize, epoch: Epoch) {
        self.order(Order::Withdraw { router: index, epoch: epoch.0 });
    }

    pub(super) fn take_answers(&mut self) {
        self.answers.acknowledge();
        while let Some(answer) = self.answers.next() {
            let now = Self::now();
            let (index, event) = match answer {
                Answer::Claimed { router, epoch } => (router, Event::AddressesClaimed { epoch: Epoch(epoch) }),
                Answer::ClaimFailed { router, epoch } => (router, self.claim_failed(router, Epoch(epoch))),
                Answer::Withdrawn { router, epoch } => {
                    self.ledger.withdrawn(router);
                    (router, Event::AddressesWithdrawn { epoch: Epoch(epoch) })
                }
                Answer::Removed { router } => {
                    self.forget(router);
                    continue;
                }
                Answer::Lost { router, epoch } => (router, Event::AddressesLost { epoch: Epoch(epoch) }),
                Answer::Interface { router, state } => {
                    let plan = &self.members[router].plan;
                    let source = state.source(plan.family, plan.source);
                    let link = Link { index: state.index, up: state.up, source };
                    // Ownership rule 6: known before it counts, or the node would depose one that can serve.
                    self.members[router].handle(now, Event::Readiness(state.claimable));
                    self.act(router, now);
                    self.follow_interface(router, now, link);
                    continue;
                }
            };
            self.members[index].handle(now, event);
            self.act(index, now);
        }
    }

    /// An owner does not wait for a claim, so it is Active already when the host turns out not to have its address.
    fn claim_failed(&self, index: usize, epoch: Epoch) -> Event {
        if self.members[index].plan.settings.priority.is_owner() {
            Event::AddressesLost { epoch }
        } else {
            Event::ClaimFailed { epoch }
        }
    }

    pub(super) fn follow_interface(&mut self, index: usize, now: Instant, link: Link) {
        if !self.members[index].is_on_the_wire() {
            return;
        }
        let share = self.share_of[index];
        let opened = self.shares[share].follow(link.index, &self.epoll, share as u64);
        let has_socket = self.shares[share].socket().is_some();
        let member = &mut self.members[index];
        if let Err(error) = opened {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            member.tell(&self.teller, now, News::SocketFailed { errno });
            self.retry_sockets_at = Some(now + SOCKET_RETRY);
        }
        if member.link != link || !member.started {
            let Link { index: interface, up, source } = link;
            member.tell(&self.teller, now, News::Interface { index: interface, up, source });
        }
        member.set_link(now, link, has_socket);
        self.act(index, now);
    }

    pub(super) fn take_commands(&mut self) {
        self.inbox.wake.drain();
        self.take_changes();
        while let Some(command) = self.inbox.commands.pop() {
            let (router, event) = match command {
                Command::Drain { router, mode } => (router, Event::Drain(mode)),
                Command::Resume { router } => (router, Event::Resume),
                Command::HostGone { router, silence } => {
                    let now = Self::now();
                    self.members[router].handle(now, Event::HostGone { silence });
                    self.act(router, now);
                    continue;
                }
            };
            self.carry_out(router, event);
        }
        if self.inbox.shutdown.swap(false, Ordering::AcqRel) {
            self.stop_by = Some(Self::now() + self.longest_leave());
            self.carry_out(None, Event::Shutdown);
        }
    }

    fn carry_out(&mut self, router: Option<usize>, event: Event) {
        for index in 0..self.members.len() {
            if router.is_none_or(|wanted| wanted == index) {
                let now = Self::now();
                self.members[index].commands += 1;
                self.members[index].handle(now, event);
                self.act(index, now);
            }
        }
    }
}
