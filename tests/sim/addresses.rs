//! The address thread and the kernel of a node: slow, failing, and with leases. When and whether to renew, and whether to
//! claim at all, is the real address thread's own arithmetic (`dataplane::lease`).

use vipd::dataplane::lease::{RETRY, Renewal, STALE, is_silent, renew_at, renewal};
use vipd::election::Epoch;

use crate::clock::{MS, SECOND};
use crate::node::Node;
use crate::outside::Outside;
use crate::queue::{Answer, Item};

/// How late the kernel removes an address whose lifetime is over, at most (measured: 0.2 s).
pub(crate) const EXPIRY: u64 = 250 * MS;
/// How often removed addresses are put back.
const RESTORES: u64 = 10;

/// The addresses of the Virtual Router in the kernel, all or none.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Kernel {
    pub(crate) address: Option<Configured>,
    /// Whether it is an earlier agent's, and could not be removed.
    pub(crate) is_leftover: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Configured {
    /// When the kernel removes it, in the world's time.
    pub(crate) expires: u64,
}

impl Kernel {
    pub(crate) fn expires(&self) -> Option<u64> {
        self.address.map(|address| address.expires)
    }

    pub(crate) fn expire(&mut self, now: u64) -> bool {
        let over = self.address.is_some_and(|address| address.expires <= now);
        if over {
            self.address = None;
        }
        over
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Claim(Epoch),
    Withdraw(Epoch),
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Phase {
    #[default]
    Free,
    Held {
        epoch: Epoch,
        renewed: u64,
        retry_at: u64,
    },
    Leaving {
        answer: Option<Epoch>,
        lost: Option<Epoch>,
    },
}

/// A request that the kernel works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Work {
    kind: Kind,
    number: u32,
    /// When it was sent, by the node's clock.
    sent: u64,
    /// What came of it; `None`: not done yet.
    result: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Leftovers,
    Add { epoch: Epoch },
    Renew,
    Restore,
    Remove,
}

/// The address thread.
#[derive(Default, Debug)]
pub(crate) struct Addresses {
    orders: Vec<(u64, Order)>,
    phase: Phase,
    withdrawn: Epoch,
    working: Option<Work>,
    works: u32,
    retry_at: Option<u64>,
    /// Whether the kernel told that the addresses went away.
    pub(crate) gone: bool,
    restored: u64,
    begins: bool,
}

impl Addresses {
    pub(crate) fn starting() -> Self {
        Self { begins: true, ..Self::default() }
    }

    pub(crate) fn has_addresses(&self) -> bool {
        self.phase != Phase::Free
    }

    pub(crate) fn is_in_the_kernel(&self) -> bool {
        self.working.is_some_and(|work| work.result.is_none())
    }

    /// When it has something to do, by the node's clock.
    pub(crate) fn deadline(&self, lease: Option<u32>) -> Option<u64> {
        if self.working.is_some() {
            return None;
        }
        match self.phase {
            Phase::Free => None,
            Phase::Held { renewed, retry_at, .. } => lease.map(|lease| renew_at(lease, renewed, 1).max(retry_at)),
            Phase::Leaving { .. } => self.retry_at,
        }
    }
}

impl Node {
    pub(crate) fn order(&mut self, order: Order, out: &mut Outside) {
        let now = self.clock(out);
        self.addresses.orders.push((now, order));
        self.work(out);
    }

    /// Lets the address thread run until it waits for the kernel or for something to do.
    pub(crate) fn work(&mut self, out: &mut Outside) {
        if !self.addresses_run() {
            return;
        }
        self.promise_addresses(out);
        while let Some(Work { result, .. }) = self.addresses.working {
            let Some(done) = result else { return };
            self.conclude(done, out);
        }
        if core::mem::take(&mut self.addresses.begins) {
            self.begin(Kind::Leftovers, out);
        } else if let Some(at) = self.addresses.orders.iter().position(|(_, order)| matches!(order, Order::Withdraw(_)))
        {
            let (_, order) = self.addresses.orders.remove(at);
            if let Order::Withdraw(epoch) = order {
                self.addresses.withdrawn = self.addresses.withdrawn.max(epoch);
                self.leave(Some(epoch), None, out);
            }
        } else if !self.addresses.orders.is_empty() {
            let (ordered, order) = self.addresses.orders.remove(0);
            if let Order::Claim(epoch) = order
                && epoch > self.addresses.withdrawn
            {
                self.claim(epoch, ordered, out);
            }
            self.work(out);
        } else {
            self.keep_time(out);
        }
    }

    fn claim(&mut self, epoch: Epoch, ordered: u64, out: &mut Outside) {
        let now = self.clock(out);
        let refused = now.saturating_sub(ordered) > STALE || self.objects(now) || self.ills.address_taken;
        match self.addresses.phase {
            _ if refused => self.answer(Answer::ClaimFailed(epoch), out),
            Phase::Free => self.begin(Kind::Add { epoch }, out),
            Phase::Held { renewed, retry_at, .. } => {
                self.addresses.phase = Phase::Held { epoch, renewed, retry_at };
                self.answer(Answer::Claimed(epoch), out);
            }
            Phase::Leaving { .. } => self.answer(Answer::ClaimFailed(epoch), out),
        }
    }

    /// Ownership rules 11 and 12: what speaks against bringing the addresses here.
    fn objects(&self, now: u64) -> bool {
        let silence = self.settings.interval.duration() * 3;
        self.guard.is_condemned() || self.agent.as_ref().is_none_or(|agent| is_silent(silence, agent.vouched, now))
    }

    /// Does what is due: renewals, withdrawals that failed, addresses that somebody removed.
    fn keep_time(&mut self, out: &mut Outside) {
        let now = self.clock(out);
        match self.addresses.phase {
            Phase::Held { epoch, renewed, retry_at } => {
                let Some(lease) = self.lease() else { return };
                let overrun = renewal(lease, renewed, now) != Renewal::Allowed;
                if core::mem::take(&mut self.addresses.gone) {
                    self.addresses.restored += 1;
                    if self.objects(now) || overrun || self.addresses.restored > RESTORES {
                        self.leave(None, Some(epoch), out);
                    } else {
                        self.begin(Kind::Restore, out);
                    }
                } else if now >= renew_at(lease, renewed, 1).max(retry_at) {
                    if self.guard.is_condemned() || (overrun && !self.objects(now)) {
                        self.leave(None, Some(epoch), out);
                    } else if self.objects(now) {
                        self.addresses.phase = Phase::Held { epoch, renewed, retry_at: now + RETRY };
                    } else {
                        self.begin(Kind::Renew, out);
                    }
                }
            }
            Phase::Leaving { .. } if self.addresses.retry_at.is_some_and(|at| now >= at) => {
                self.addresses.retry_at = None;
                self.begin(Kind::Remove, out);
            }
            Phase::Free | Phase::Leaving { .. } => self.addresses.gone = false,
        }
    }

    fn leave(&mut self, answer: Option<Epoch>, lost: Option<Epoch>, out: &mut Outside) {
        let waits = match self.addresses.phase {
            Phase::Leaving { answer, .. } => answer,
            Phase::Free | Phase::Held { .. } => None,
        };
        self.addresses.phase = Phase::Leaving { answer: answer.or(waits), lost };
        self.addresses.restored = 0;
        if let Some(agent) = &mut self.agent {
            agent.renewed = None;
        }
        self.begin(Kind::Remove, out);
    }

    fn begin(&mut self, kind: Kind, out: &mut Outside) {
        self.addresses.works += 1;
        let number = self.addresses.works;
        self.addresses.working = Some(Work { kind, number, sent: self.clock(out), result: None });
        let slowest = self.setup.kernel.max(self.ills.slow_kernel);
        let done = out.now + out.random.within(20_000..slowest.max(20_001));
        out.queue.push(done, Item::KernelDone { node: self.index, life: self.life, work: number });
        self.promise_addresses(out);
    }

    /// The kernel has done it, whether or not the thread can see that yet.
    pub(crate) fn kernel_done(&mut self, life: u32, number: u32, out: &mut Outside) {
        if life == self.life && self.addresses.working.is_some_and(|work| work.number == number) {
            self.finish_in_the_kernel(out);
            self.work(out);
        }
    }

    pub(crate) fn finish_in_the_kernel(&mut self, out: &mut Outside) {
        let Some(work) = self.addresses.working.filter(|work| work.result.is_none()) else { return };
        let done = match work.kind {
            Kind::Add { .. } | Kind::Renew | Kind::Restore => !self.ills.claims_fail && !self.ills.down,
            Kind::Remove | Kind::Leftovers => !self.ills.withdrawals_fail,
        };
        self.kernel.is_leftover =
            work.kind == Kind::Leftovers && !done && self.kernel.address.is_some() || self.kernel.is_leftover && !done;
        if done {
            match work.kind {
                Kind::Remove | Kind::Leftovers => self.kernel.address = None,
                Kind::Add { .. } | Kind::Renew | Kind::Restore => self.configure(out),
            }
        }
        self.addresses.working = Some(Work { result: Some(done), ..work });
    }

    fn configure(&mut self, out: &mut Outside) {
        let lease = u64::from(self.setup.lease) * SECOND;
        let late = out.random.within(0..EXPIRY);
        if self.kernel.address.is_none() {
            out.note(|| format!("node {}: the addresses are here", self.index));
        }
        self.kernel.address = Some(Configured { expires: out.now + lease + late });
    }

    /// The thread sees what came of its request.
    fn conclude(&mut self, done: bool, out: &mut Outside) {
        let Some(Work { kind, sent, .. }) = self.addresses.working.take() else { return };
        let now = self.clock(out);
        match (kind, self.addresses.phase) {
            (Kind::Leftovers, _) => {
                self.guard.has_failed &= !done;
                self.answer(Answer::Claimable, out);
                self.answer(Answer::Started, out);
            }
            (Kind::Add { epoch }, _) if done => {
                self.addresses.phase = Phase::Held { epoch, renewed: sent, retry_at: 0 };
                self.set_renewed(sent);
                self.answer(Answer::Claimed(epoch), out);
            }
            (Kind::Add { epoch }, _) => self.answer(Answer::ClaimFailed(epoch), out),
            (Kind::Renew, Phase::Held { epoch, renewed, .. }) => {
                let (renewed, retry_at) = if done { (sent, 0) } else { (renewed, now + RETRY) };
                self.addresses.phase = Phase::Held { epoch, renewed, retry_at };
                self.set_renewed(renewed);
            }
            (Kind::Restore, Phase::Held { epoch, .. }) if !done => self.leave(None, Some(epoch), out),
            (Kind::Remove, Phase::Leaving { answer, lost }) if done => {
                self.addresses.phase = Phase::Free;
                for answer in [answer.map(Answer::Withdrawn), lost.map(Answer::Lost)].into_iter().flatten() {
                    self.answer(answer, out);
                }
            }
            (Kind::Remove, Phase::Leaving { answer, lost }) => {
                self.addresses.retry_at = Some(now + RETRY);
                // Told at once: the election has to know that they are lost, and asks for their withdrawal then.
                if let Some(epoch) = lost {
                    self.addresses.phase = Phase::Leaving { answer, lost: None };
                    self.answer(Answer::Lost(epoch), out);
                }
            }
            (Kind::Renew | Kind::Restore | Kind::Remove, _) => {}
        }
    }

    fn set_renewed(&mut self, renewed: u64) {
        if let Some(agent) = &mut self.agent {
            agent.renewed = Some(renewed);
        }
    }
}
