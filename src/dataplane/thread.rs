//! The loop of the address thread: orders, notifications, timers. Withdrawals come before everything else.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::net::netlink::{Groups, Monitor};
use crate::net::{FrameSocket, Netlink, Timer, boot_nanos, go_first, go_realtime, privileges};

use super::announcer::Schedule;
use super::claims::{Claim, Phase};
use super::handle::Shared;
use super::host::Host;
use super::kernel::Prepared;
use super::lease::{beat_within, promised_within};
use super::leftovers::StateFile;
use super::message::{Answer, InterfaceState, Order, Report, ReportEvent};
use super::oversight::Oversight;
use super::plan::{Plan, Settings};

/// Is everything that the thread knows of one Virtual Router.
pub(super) struct Router {
    pub(super) plan: Plan,
    pub(super) claim: Claim,
    pub(super) schedule: Option<Schedule>,
    /// What the next claim needs; else the interface that is missing.
    pub(super) prepared: Result<Prepared, String>,
    /// The state of the interface as it was last told.
    pub(super) told: Option<InterfaceState>,
    pub(super) stay: Stay,
}

/// Says how long a router stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stay {
    /// Until further notice.
    Installed,
    /// Until nothing of it is left on the host.
    Leaving,
    /// It is gone: the place is free.
    Gone,
}

impl Router {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            prepared: Err(plan.interface.clone()),
            plan,
            claim: Claim::default(),
            schedule: None,
            told: None,
            stay: Stay::Installed,
        }
    }
}

/// The address thread.
pub(super) struct Worker {
    pub(super) routers: Vec<Router>,
    pub(super) host: Host,
    pub(super) netlink: Netlink,
    pub(super) monitor: Monitor,
    pub(super) state_file: StateFile,
    pub(super) shared: Arc<Shared>,
    /// When withdrawals, or a dump, that failed are tried again.
    pub(super) retry_at: Option<u64>,
    /// Whether links and addresses have to be asked for, since notifications were lost or never came.
    pub(super) blind: bool,
    /// Whether the set of claimed addresses may differ from what the state file says.
    pub(super) unrecorded: bool,
    pub(super) oversight: Box<dyn Oversight>,
    frames: FrameSocket,
    timer: Timer,
    answer: Box<dyn Fn(Answer) + Send>,
    report: Box<dyn Fn(Report) + Send>,
}

impl Worker {
    pub(super) fn new(
        plans: Vec<Plan>,
        settings: Settings,
        shared: Arc<Shared>,
        answer: Box<dyn Fn(Answer) + Send>,
        report: Box<dyn Fn(Report) + Send>,
    ) -> io::Result<Self> {
        let Settings { realtime: _, state_file, frames, places: _, oversight } = settings;
        let host = Host::new(&plans);
        Ok(Self {
            routers: plans.into_iter().map(Router::new).collect(),
            host,
            netlink: Netlink::open()?,
            // Opened before the first dump, so that no change falls between the two.
            monitor: Monitor::open(Groups::ALL)?,
            state_file: StateFile::new(&state_file),
            shared,
            retry_at: None,
            blind: true,
            unrecorded: false,
            oversight,
            frames,
            timer: Timer::new()?,
            answer,
            report,
        })
    }

    /// Runs until [`Order::Shutdown`].
    pub(super) fn run(mut self, realtime: Option<u8>) {
        let promotion = realtime.map(go_realtime);
        if !matches!(promotion, Some(Ok(()))) {
            // Without permission for either it takes its turn as everybody does.
            let _ = go_first();
        }
        if let Some(Err(error)) = promotion {
            self.tell(None, ReportEvent::NotRealtime(error.to_string()));
        }
        if let Err(error) = privileges::settle() {
            self.tell(None, ReportEvent::Privileges(error.to_string()));
        }
        self.beat();
        self.remove_leftovers();
        loop {
            self.follow_kernel();
            self.keep_time();
            self.record();
            self.wait();
            if self.take_orders() {
                break;
            }
        }
        for index in 0..self.routers.len() {
            self.give_up(index);
        }
        self.record();
        self.oversight.promise(None);
    }

    /// Shows that the thread runs. Called before anything that may have to wait for the kernel.
    fn beat(&self) {
        self.oversight.promise(Some(promised_within(self.has_addresses())));
    }

    fn has_addresses(&self) -> bool {
        self.routers.iter().any(|router| !matches!(router.claim.phase, Phase::Free))
    }

    /// Takes all orders that are there and tells whether the thread is to end.
    fn take_orders(&mut self) -> bool {
        self.shared.wake.drain();
        let mut orders: VecDeque<(u64, Order)> = core::iter::from_fn(|| self.shared.orders.pop()).collect();
        for (_, order) in &orders {
            self.beat();
            if let Order::Withdraw { router, epoch } = *order {
                self.withdraw(router, epoch);
            }
        }
        let (mut end, mut expected) = (false, false);
        while let Some((ordered, order)) = orders.pop_front() {
            self.beat();
            // An order that changes what is planned changes what the claims behind it will add.
            match order {
                Order::Withdraw { .. } => {}
                Order::Install { router, plan } => {
                    self.install(router, *plan);
                    expected = false;
                }
                Order::Remove { router } => {
                    self.remove(router);
                    expected = false;
                }
                Order::Claim { router, epoch } => {
                    if !expected {
                        self.foresee(core::iter::once((router, epoch)).chain(claims_ahead(&orders)));
                        expected = true;
                    }
                    self.claim(router, epoch, ordered);
                }
                Order::Announce { router } => self.announce(router),
                Order::Shutdown => end = true,
            }
        }
        end
    }

    pub(super) fn announce(&mut self, index: usize) {
        let router = &mut self.routers[index];
        if router.claim.held().is_some() {
            router.schedule = Some(Schedule::begin(router.plan.announce, boot_nanos()));
        }
    }

    /// Does what is due.
    fn keep_time(&mut self) {
        let now = boot_nanos();
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            for index in 0..self.routers.len() {
                self.beat();
                self.finish_withdrawal(index);
            }
        }
        let leased = self.leased();
        for index in 0..self.routers.len() {
            let router = &self.routers[index];
            if router.claim.renew_at(router.plan.lease_seconds(), leased).is_some_and(|at| at <= now) {
                self.beat();
                self.renew(index);
            }
            // One round at a time: an order to withdraw must not wait behind thousands of frames.
            if self.routers[index].schedule.as_ref().and_then(Schedule::due).is_some_and(|due| due <= now) {
                self.send_round(index);
            }
        }
    }

    fn send_round(&mut self, index: usize) {
        let objection = self.objection(index, boot_nanos());
        let router = &mut self.routers[index];
        let (Some(held), Some(schedule)) = (router.claim.held(), &mut router.schedule) else { return };
        let mut failure = None;
        if objection.is_none() {
            for frame in &held.prepared.frames {
                failure = self.frames.send(frame.index, frame.bytes()).err().or(failure);
            }
        }
        schedule.sent(boot_nanos());
        if let Some(error) = failure {
            self.tell(Some(index), ReportEvent::NotAnnounced(error.to_string()));
        }
    }

    /// Counts the leased addresses that are here.
    fn leased(&self) -> usize {
        let leased = self.routers.iter().filter(|router| router.plan.lease.is_some());
        leased.filter_map(|router| Some(router.claim.held()?.prepared.targets.len())).sum()
    }

    fn next_deadline(&self) -> Option<u64> {
        let leased = self.leased();
        let of_routers = self.routers.iter().flat_map(|router| {
            let renewal = router.claim.renew_at(router.plan.lease_seconds(), leased);
            [renewal, router.schedule.as_ref().and_then(Schedule::due)]
        });
        of_routers.chain([self.retry_at]).flatten().min()
    }

    /// Sleeps until there is an order, a notification, something is due, or it is time to show that the thread runs.
    fn wait(&mut self) {
        self.beat();
        let beat = boot_nanos()
            .saturating_add(u64::try_from(beat_within(self.has_addresses()).as_nanos()).unwrap_or(u64::MAX));
        let armed = self.timer.arm(Some(self.next_deadline().map_or(beat, |due| due.min(beat))));
        let mut sources = [
            PollFd::new(self.shared.wake.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.monitor.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
        ];
        // Without the timer the loop still turns, only less exactly.
        let timeout = if armed.is_ok() { PollTimeout::NONE } else { PollTimeout::from(10_u8) };
        match poll(&mut sources, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Nothing but lack of memory is left as a reason; the loop goes on and asks again.
            Err(errno) => self.tell(None, ReportEvent::Kernel(format!("address thread cannot wait: {errno}"))),
        }
        self.timer.drain();
    }

    pub(super) fn tell(&self, router: Option<usize>, event: ReportEvent) {
        (self.report)(Report { router, event });
    }

    pub(super) fn answer(&self, answer: Answer) {
        (self.answer)(answer);
    }
}

/// Lists the claims that wait, up to the next order that changes what is planned.
fn claims_ahead(orders: &VecDeque<(u64, Order)>) -> impl Iterator<Item = (usize, u64)> {
    let same_plans = |(_, order): &&(u64, Order)| !matches!(order, Order::Install { .. } | Order::Remove { .. });
    orders.iter().take_while(same_plans).filter_map(|(_, order)| match order {
        Order::Claim { router, epoch } => Some((*router, *epoch)),
        Order::Withdraw { .. }
        | Order::Install { .. }
        | Order::Remove { .. }
        | Order::Announce { .. }
        | Order::Shutdown => None,
    })
}
