//! The election thread's loop: hear, decide, act, publish, wait.
//!
//! When steady it does not allocate, does not log, and waits nowhere but in its own poll.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::dataplane::{self, DataplaneHandle, Order};
use crate::election::{Event, Instant, StateName, earliest};
use crate::net::{Timer, boot_nanos};

use super::agenda::Agenda;
use super::answers::Answers;
use super::handle::Inbox;
use super::ledger::Ledger;
use super::member::Member;
use super::notice::Teller;
use super::rhythm::{SHORTEST_ABSENCE, was_away};
use super::signing_clock::SigningClock;
use super::sockets::Share;
use super::voice::LONGEST;

const COMMANDS: u64 = u64::MAX;
const ANSWERS: u64 = u64::MAX - 1;
const TIMER: u64 = u64::MAX - 2;
/// How soon something that could not be done is tried again: a withdrawal without room in the queue, a busy reader.
const SOON: Duration = Duration::from_millis(1);

/// The election thread.
pub(super) struct Engine {
    pub(super) members: Vec<Member>,
    pub(super) shares: Vec<Share>,
    pub(super) share_of: Vec<usize>,
    pub(super) epoll: Epoll,
    pub(super) timer: Timer,
    pub(super) inbox: Inbox,
    pub(super) answers: Answers,
    pub(super) dataplane: DataplaneHandle,
    pub(super) teller: Teller,
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) clock: SigningClock,
    pub(super) agenda: Agenda,
    /// What is received.
    pub(super) buffer: Vec<u8>,
    /// What is sent.
    pub(super) payload: Vec<u8>,
    /// How many routers are on their way out.
    pub(super) leaving: usize,
    /// When the leases were last looked at.
    pub(super) renewals_seen: Instant,
    pub(super) retry_sockets_at: Option<Instant>,
    /// Orders that found no room in the address thread's queue, and must not be lost.
    pub(super) unsent: Vec<Order>,
    /// Routers that begin when others have left, and what the address thread will be told of them.
    pub(super) waiting: Vec<(usize, dataplane::Plan)>,
    pub(super) stop_by: Option<Instant>,
    /// When the thread must run again to show that it does.
    pub(super) beat_by: Instant,
    /// What the timer is armed for; `None`: it has fired.
    armed: Option<Instant>,
}

impl Engine {
    pub(super) fn new(
        members: Vec<Member>,
        inbox: Inbox,
        answers: Answers,
        dataplane: DataplaneHandle,
        teller: Teller,
        ledger: Box<dyn Ledger>,
        clock: SigningClock,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = Timer::new()?;
        let readable = |token| EpollEvent::new(EpollFlags::EPOLLIN, token);
        epoll.add(inbox.wake.as_fd(), readable(COMMANDS))?;
        epoll.add(answers.as_fd(), readable(ANSWERS))?;
        epoll.add(timer.as_fd(), readable(TIMER))?;
        let (shares, share_of) = Share::group(&members);
        let unsent = Vec::with_capacity(members.len());
        let mut agenda = Agenda::default();
        agenda.grow(members.len());
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
            clock,
            // An IPv4 header with options and the longest advertisement; anything longer is not one of ours.
            buffer: vec![0; 8192],
            payload: Vec::with_capacity(LONGEST),
            agenda,
            leaving: 0,
            renewals_seen: Instant::ZERO,
            retry_sockets_at: None,
            unsent,
            waiting: Vec::new(),
            stop_by: None,
            beat_by: Instant::ZERO,
            armed: None,
        })
    }

    /// Runs until every router has left its role after [`Handle::shut_down`](super::Handle::shut_down), or the time for that is over.
    ///
    /// # Errors
    /// What the kernel says of the poll itself; nothing else ends the thread.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 16];
        self.beat();
        loop {
            self.rearm()?;
            let ready = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => &events[..count],
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            self.notice_absence();
            // What was heard comes before what timed out: a silence that ends in the queue was none.
            for token in ready.iter().map(EpollEvent::data) {
                match token {
                    COMMANDS => self.take_commands(),
                    ANSWERS => self.take_answers(),
                    TIMER => {
                        self.timer.drain();
                        self.armed = None;
                    }
                    share => self.receive(usize::try_from(share).unwrap_or(usize::MAX)),
                }
            }
            self.watch_renewals();
            self.time_out();
            self.see_off();
            self.publish();
            if self.has_stopped() {
                self.ledger.rest();
                return Ok(());
            }
            self.beat();
        }
    }

    pub(super) fn now() -> Instant {
        Instant::from_nanos(boot_nanos())
    }

    fn rearm(&mut self) -> io::Result<()> {
        let mut next = earliest(earliest(self.retry_sockets_at, self.stop_by), Some(self.beat_by));
        next = earliest(next, self.agenda.next());
        if !self.unsent.is_empty() || self.agenda.is_touched() {
            next = earliest(next, Some(Self::now() + SOON));
        }
        // Whoever hears moves its deadline with each packet. A timer that fires too early once in a while costs less than one that
        // is set each time.
        if matches!((self.armed, next), (Some(armed), Some(next)) if armed <= next) {
            return Ok(());
        }
        self.armed = next;
        self.timer.arm(next.map(Instant::as_nanos))
    }

    /// Notices that this thread was stopped, starved or suspended: its timer fired, and it did not run.
    ///
    /// Packets that were queued meanwhile are old news: a Priority 0 among them may long have been answered by others.
    fn notice_absence(&mut self) {
        let now = Self::now();
        let late = self.armed.map_or(Duration::ZERO, |armed| now.since(armed));
        if late < SHORTEST_ABSENCE {
            return;
        }
        for index in 0..self.members.len() {
            let interval = self.members[index].plan.settings.interval.duration();
            if !was_away(late, interval) || !self.members[index].is_on_the_wire() {
                continue;
            }
            self.forget_queued(self.share_of[index]);
            self.members[index].handle(now, Event::Stalled { by: late });
            self.act(index, now);
        }
    }

    fn time_out(&mut self) {
        let now = Self::now();
        for index in 0..self.members.len() {
            if self.agenda.is_due(index, now) {
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
        if !self.unsent.is_empty() {
            self.order_unsent();
        }
    }

    /// The longest that an orderly withdrawal may take before each router has given up on it.
    pub(super) fn longest_leave(&self) -> Duration {
        self.members.iter().map(|member| member.plan.settings.longest_leave()).max().unwrap_or_default()
    }

    fn has_stopped(&self) -> bool {
        let Some(stop_by) = self.stop_by else { return false };
        let left = |member: &Member| member.router.view().state == StateName::Initialize;
        self.members.iter().all(left) || Self::now() >= stop_by
    }

    fn publish(&mut self) {
        let now = Self::now();
        self.compare_clocks(now);
        self.agenda.settle(|index| self.members[index].publish(now, &self.clock));
    }
}
