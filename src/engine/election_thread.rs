//! The election thread's loop: hear, decide, act, publish, wait.
//!
//! When steady it does not allocate, does not log, and waits nowhere but in its own poll.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::dataplane::{Answer, DataplaneHandle, Order};
use crate::election::{Action, Effective, Epoch, Event, Instant, StateName, earliest};
use crate::net::{ReceiveError, Timer, boot_nanos};

use super::answers::Answers;
use super::handle::{Command, Inbox};
use super::inspect;
use super::ledger::Ledger;
use super::member::{Link, Member};
use super::notice::{Limited, News, Notice, Teller};
use super::sockets::Share;

const COMMANDS: u64 = u64::MAX;
const ANSWERS: u64 = u64::MAX - 1;
const TIMER: u64 = u64::MAX - 2;
/// Packets that one socket may deliver before timers and other sockets get their turn.
const BATCH: usize = 64;
/// How soon something that could not be done is tried again: a withdrawal without room in the queue, a busy reader.
const SOON: Duration = Duration::from_millis(1);
/// How soon a socket that could not be opened is tried again.
const SOCKET_RETRY: Duration = Duration::from_secs(1);

/// The election thread.
pub(super) struct Engine {
    pub(super) members: Vec<Member>,
    shares: Vec<Share>,
    share_of: Vec<usize>,
    epoll: Epoll,
    timer: Timer,
    inbox: Inbox,
    answers: Answers,
    dataplane: DataplaneHandle,
    teller: Teller,
    ledger: Box<dyn Ledger>,
    buffer: Vec<u8>,
    retry_sockets_at: Option<Instant>,
    /// Withdrawals that found no room in the address thread's queue.
    unsent_withdrawals: Vec<(usize, Epoch)>,
    stop_by: Option<Instant>,
}

impl Engine {
    pub(super) fn new(
        members: Vec<Member>,
        inbox: Inbox,
        answers: Answers,
        dataplane: DataplaneHandle,
        teller: Teller,
        ledger: Box<dyn Ledger>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = Timer::new()?;
        let readable = |token| EpollEvent::new(EpollFlags::EPOLLIN, token);
        epoll.add(inbox.wake.as_fd(), readable(COMMANDS))?;
        epoll.add(answers.as_fd(), readable(ANSWERS))?;
        epoll.add(timer.as_fd(), readable(TIMER))?;
        let (shares, share_of) = Share::group(&members);
        let unsent_withdrawals = Vec::with_capacity(members.len());
        Ok(Self {
            members,
            shares,
            share_of,
            epoll,
            timer,
            inbox,
            answers,
            dataplane,
            teller,
            ledger,
            // An IPv4 header with options and the longest advertisement; anything longer is not one of ours.
            buffer: vec![0; 8192],
            retry_sockets_at: None,
            unsent_withdrawals,
            stop_by: None,
        })
    }

    /// Runs until every router has left its role after [`Command::Shutdown`], or the time for that is over.
    ///
    /// # Errors
    /// What the kernel says of the poll itself; nothing else ends the thread.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 16];
        loop {
            self.rearm()?;
            let ready = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => &events[..count],
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            // What was heard comes before what timed out: a silence that ends in the queue was none.
            for token in ready.iter().map(EpollEvent::data) {
                match token {
                    COMMANDS => self.take_commands(),
                    ANSWERS => self.take_answers(),
                    TIMER => self.timer.drain(),
                    share => self.receive(usize::try_from(share).unwrap_or(usize::MAX)),
                }
            }
            self.time_out();
            self.publish();
            if self.has_stopped() {
                return Ok(());
            }
        }
    }

    fn now() -> Instant {
        Instant::from_nanos(boot_nanos())
    }

    fn rearm(&mut self) -> io::Result<()> {
        let mut next = earliest(self.retry_sockets_at, self.stop_by);
        let mut busy = !self.unsent_withdrawals.is_empty();
        for member in &self.members {
            next = earliest(next, member.router.next_deadline());
            busy |= member.is_unpublished();
        }
        if busy {
            next = earliest(next, Some(Self::now() + SOON));
        }
        self.timer.arm(next.map(Instant::as_nanos))
    }

    fn receive(&mut self, share: usize) {
        for _ in 0..BATCH {
            let Some(socket) = self.shares.get(share).and_then(Share::socket) else { return };
            let datagram = match socket.receive(&mut self.buffer) {
                Ok(Some(datagram)) => datagram,
                // A failing socket belongs to an interface that is going away: its own news will follow.
                Ok(None) | Err(ReceiveError::Kernel(_)) => return,
                Err(ReceiveError::Truncated) => continue,
            };
            let vrid = inspect::vrid_of(datagram.payload);
            let owner = (0..self.members.len())
                .find(|&index| self.share_of[index] == share && Some(self.members[index].plan.vrid) == vrid);
            let Some(index) = owner else { continue };
            let now = Self::now();
            let member = &mut self.members[index];
            match inspect::inspect(&member.plan, member.link.source, &datagram) {
                Ok((heard, advertisement)) => {
                    member.published.counters.received.increment();
                    if heard.priority.is_release() {
                        member.published.counters.received_release.increment();
                    }
                    note_differences(&self.teller, index, member, now, &advertisement);
                    member.handle(now, Event::Advertisement(heard));
                    if inspect::has_two_forms(&member.plan) {
                        member.follow_checksum(heard.source, advertisement.checksum());
                    }
                }
                Err(reason) => {
                    member.published.counters.discard(reason);
                    let news = News::Discarded { reason, source: datagram.source };
                    tell_limited(&self.teller, index, member, now, Limited::Discarded(reason), news);
                }
            }
            self.act(index, now);
        }
    }

    fn time_out(&mut self) {
        let now = Self::now();
        for index in 0..self.members.len() {
            let due = self.members[index].router.next_deadline().is_some_and(|deadline| deadline <= now);
            if due {
                self.members[index].handle(now, Event::Timeout);
                self.act(index, now);
            }
        }
        if self.retry_sockets_at.is_some_and(|at| now >= at) {
            self.retry_sockets_at = None;
            for index in 0..self.members.len() {
                self.follow_interface(index, now, self.members[index].link);
            }
        }
        for (index, epoch) in std::mem::take(&mut self.unsent_withdrawals) {
            self.withdraw(index, epoch);
        }
    }

    /// Carries out what the election asked for, in order. Answers that are known at once are given at once.
    fn act(&mut self, index: usize, now: Instant) {
        let mut next = 0;
        while let Some(&action) = self.members[index].actions.get(next) {
            next += 1;
            match action {
                Action::SendAdvertisement { priority } => {
                    let socket = self.shares[self.share_of[index]].socket();
                    let member = &mut self.members[index];
                    match member.advertise(socket, priority) {
                        Ok(()) => {
                            member.published.counters.sent.increment();
                            member.handle(now, Event::Sent);
                        }
                        // A failed send is counted and skipped: the next Adver_Timer is the retry.
                        Err(errno) => {
                            member.published.counters.send_failed.increment();
                            let news = News::SendFailed { priority, errno };
                            tell_limited(&self.teller, index, member, now, Limited::SendFailed, news);
                        }
                    }
                }
                Action::Claim { epoch } => {
                    self.ledger.claiming(index, epoch);
                    if self.dataplane.order(Order::Claim { router: index, epoch: epoch.0 }).is_err() {
                        self.members[index].handle(now, Event::ClaimFailed { epoch });
                    }
                }
                Action::Withdraw { epoch } => self.withdraw(index, epoch),
                Action::Announce => self.announce(index),
                // No database is configured for any router, so nothing could answer; a refusal is the safe answer.
                Action::OpenGate { epoch } => self.members[index].handle(now, Event::GateRefused { epoch }),
                Action::CloseGate { epoch } => self.members[index].handle(now, Event::GateClosed { epoch }),
                Action::Report(transition) => {
                    if transition.to == StateName::Active && transition.from != StateName::Active {
                        self.members[index].published.counters.became_active.increment();
                    }
                    self.ledger.entered(index, transition.to);
                    self.teller.tell(Notice { router: index, news: News::Transition(transition) });
                }
            }
        }
        self.members[index].actions.clear();
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

    fn withdraw(&mut self, index: usize, epoch: Epoch) {
        if self.dataplane.order(Order::Withdraw { router: index, epoch: epoch.0 }).is_err() {
            self.unsent_withdrawals.push((index, epoch));
        }
    }

    fn take_answers(&mut self) {
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
                Answer::Lost { router, epoch } => (router, Event::AddressesLost { epoch: Epoch(epoch) }),
                Answer::Interface { router, state } => {
                    let plan = &self.members[router].plan;
                    let source = state.source(plan.family, plan.source);
                    let link = Link { index: state.index, up: state.up, source };
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

    fn follow_interface(&mut self, index: usize, now: Instant, mut link: Link) {
        let share = self.share_of[index];
        let token = u64::try_from(share).unwrap_or(TIMER);
        let member = &mut self.members[index];
        let changed = member.link != link || !member.started;
        if let Err(error) = self.shares[share].follow(link.index, &self.epoll, token) {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            tell_limited(&self.teller, index, member, now, Limited::SocketFailed, News::SocketFailed { errno });
            self.retry_sockets_at = Some(now + SOCKET_RETRY);
            // A router without a socket hears nobody, whatever its interface says.
            link.up = false;
        }
        if changed {
            let Link { index: interface, up, source } = link;
            self.teller.tell(Notice { router: index, news: News::Interface { index: interface, up, source } });
        }
        member.set_link(now, link);
        self.act(index, now);
    }

    fn take_commands(&mut self) {
        self.inbox.wake.drain();
        while let Some(command) = self.inbox.commands.pop() {
            let (router, event) = match command {
                Command::Drain { router, mode } => (router, Event::Drain(mode)),
                Command::Resume { router } => (router, Event::Resume),
                Command::Shutdown => {
                    self.stop_by = Some(Self::now() + self.longest_leave());
                    (None, Event::Shutdown)
                }
            };
            for index in 0..self.members.len() {
                if router.is_none_or(|wanted| wanted == index) {
                    let now = Self::now();
                    self.members[index].handle(now, event);
                    self.act(index, now);
                }
            }
        }
    }

    /// The longest that an orderly withdrawal may take before each router has given up on it.
    fn longest_leave(&self) -> Duration {
        let longest = self.members.iter().map(|member| {
            let settings = member.plan.settings;
            settings.interval.active_down_interval(settings.version, settings.priority)
        });
        longest.max().unwrap_or_default()
    }

    fn has_stopped(&self) -> bool {
        let Some(stop_by) = self.stop_by else { return false };
        let left = |member: &Member| member.router.view().state == StateName::Initialize;
        self.members.iter().all(left) || Self::now() >= stop_by
    }

    fn publish(&mut self) {
        let now = Self::now();
        for member in &mut self.members {
            member.publish(now);
        }
        self.ledger.beat(now);
    }
}

fn tell_limited(teller: &Teller, index: usize, member: &mut Member, now: Instant, kind: Limited, news: News) {
    if member.may_tell(now, kind) {
        teller.tell(Notice { router: index, news });
    }
}

/// RFC 9568 §7.1: differences that are worth a word but do not make a packet invalid.
fn note_differences(
    teller: &Teller,
    index: usize,
    member: &mut Member,
    now: Instant,
    advertisement: &vrrp_packet::Advertisement<'_>,
) {
    let source = advertisement.ip().source;
    let theirs = advertisement.interval();
    if theirs != member.plan.settings.interval {
        let news = News::IntervalDiffers { source, theirs };
        tell_limited(teller, index, member, now, Limited::IntervalDiffers, news);
    }
    if !inspect::lists_same_addresses(&member.plan, advertisement) {
        tell_limited(teller, index, member, now, Limited::AddressesDiffer, News::AddressesDiffer { source });
    }
    let both_own = member.router.view().effective == Effective::Priority(vrrp_packet::Priority::OWNER)
        && advertisement.priority().is_owner();
    if both_own {
        tell_limited(teller, index, member, now, Limited::SecondOwner, News::SecondOwner { source });
    }
}
