//! A node: a real router, an address thread, and a process that may stop.

use core::time::Duration;

use vipd::election::{Effective, Epoch, Event, Router, Settings, StateName};

use crate::setup::Kind;
use crate::step::Step;
use crate::world::{ABSENCE, BURIAL, DRAIN, FAULT, INTERVAL, LEASE, NOW};
use vrrp_packet::Priority;

/// The election thread runs at least this often while it does not speak; while it does, once an interval.
const BEAT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Life {
    Runs,
    Frozen {
        age: Duration,
        /// When, counted from the freeze, the election thread would have run again.
        armed: Duration,
        /// Whether its socket keeps nothing: the whole host is away.
        deaf: bool,
    },
    Down {
        returns: bool,
    },
}

/// What an address thread, or the guardian, has been told to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Order {
    Claim,
    Withdraw,
    /// The guardian withdraws for an agent that died, and says Priority 0 where it had the role.
    CleanUp {
        had_role: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ordered {
    pub(crate) order: Order,
    /// The kernel has done it within this span.
    pub(crate) within: Duration,
    pub(crate) hangs: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Answer {
    Claimed,
    Failed,
    Withdrawn,
    Lost,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub(crate) router: Router,
    pub(crate) life: Life,
    /// Whether the kernel has the addresses.
    pub(crate) held: bool,
    pub(crate) ordered: Option<Ordered>,
    /// Answers that the election thread has not read, and whether they belong to its epoch.
    pub(crate) answers: Vec<(Answer, bool)>,
    /// What waits in the socket of a frozen node.
    pub(crate) inbox: Vec<(usize, Priority)>,
    /// How long ago the election thread spoke for its addresses; no longer than [`ABSENCE`].
    pub(crate) vouched: Duration,
}

impl Node {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            router: Router::new(settings),
            life: Life::Runs,
            held: false,
            ordered: None,
            answers: Vec::new(),
            inbox: Vec::new(),
            vouched: ABSENCE,
        }
    }

    pub(crate) fn runs(&self) -> bool {
        self.life == Life::Runs
    }

    /// Tells whether the node may be Active as far as operator and checks are concerned.
    pub(crate) fn is_eligible(&self) -> bool {
        let view = self.router.view();
        self.runs() && !view.drained && matches!(view.effective, Effective::Priority(_))
    }

    pub(crate) fn begin(&mut self, order: Order, within: Duration) {
        self.ordered = Some(Ordered { order, within, hangs: false });
    }

    /// Notes that a new epoch has begun.
    pub(crate) fn outdate_answers(&mut self) {
        self.answers.iter_mut().for_each(|(_, current)| *current = false);
    }

    pub(crate) fn next_answer(&mut self) -> Event {
        let (answer, current) = self.answers.remove(0);
        let epoch = if current { self.router.view().epoch } else { Epoch(0) };
        match answer {
            Answer::Claimed => Event::AddressesClaimed { epoch },
            Answer::Failed => Event::ClaimFailed { epoch },
            Answer::Withdrawn => Event::AddressesWithdrawn { epoch },
            Answer::Lost => Event::AddressesLost { epoch },
        }
    }

    /// Carries the order out; tells whether the guardian says Priority 0 now.
    pub(crate) fn carry(&mut self, refuses: bool) -> bool {
        let Some(Ordered { order, .. }) = self.ordered.take() else { return false };
        self.held = order == Order::Claim && !refuses && self.vouched < ABSENCE;
        let answer = match order {
            Order::Claim if self.held => Answer::Claimed,
            // Ownership rule 11 holds for the address thread as well: it claims for nobody who has fallen silent.
            Order::Claim => Answer::Failed,
            Order::Withdraw => Answer::Withdrawn,
            Order::CleanUp { had_role } => return had_role,
        };
        self.answers.push((answer, true));
        false
    }

    pub(crate) fn hang(&mut self) {
        if let Some(ordered) = &mut self.ordered {
            *ordered = Ordered { hangs: true, within: LEASE, ..*ordered };
        }
    }

    pub(crate) fn lapse(&mut self) {
        self.held = false;
        if self.ordered.is_none() {
            self.answers.push((Answer::Lost, true));
        }
    }

    pub(crate) fn freeze(&mut self, deaf: bool) {
        let beat = if self.has_role() { INTERVAL } else { BEAT };
        let armed = self.router.next_deadline().map_or(beat, |deadline| deadline.since(NOW).min(beat));
        self.life = Life::Frozen { age: Duration::ZERO, armed, deaf };
    }

    /// Tells whether its timer is so late that the router does not believe it.
    pub(crate) fn distrusts_its_timer(&self) -> bool {
        self.router.next_deadline().is_some_and(|deadline| NOW.since(deadline) >= INTERVAL)
    }

    /// Goes on; returns what the engine tells a router that was away for long.
    pub(crate) fn thaw(&mut self) -> Option<Event> {
        let Life::Frozen { age, armed, deaf: _ } = core::mem::replace(&mut self.life, Life::Runs) else { return None };
        let by = age.saturating_sub(armed);
        if by < ABSENCE {
            return None;
        }
        // Old news: a Priority 0 among it may long have been answered by others.
        self.inbox.clear();
        Some(Event::Stalled { by })
    }

    /// Ends for ever.
    pub(crate) fn bury(&mut self, settings: Settings) {
        *self = Self { life: Life::Down { returns: false }, ..Self::new(settings) };
    }

    /// The process ends, and the guardian cleans up.
    pub(crate) fn crash(&mut self, settings: Settings, within: Duration) {
        let had_role = self.has_role();
        let ordered =
            (had_role || self.held).then_some(Ordered { order: Order::CleanUp { had_role }, within, hangs: false });
        *self = Self { life: Life::Down { returns: true }, held: self.held, ordered, ..Self::new(settings) };
    }

    pub(crate) fn has_role(&self) -> bool {
        match self.router.view().state {
            StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
            StateName::Initialize | StateName::Backup | StateName::Aside => false,
        }
    }

    pub(crate) fn age(&mut self, span: Duration) {
        self.vouched = (self.vouched + span).min(ABSENCE);
        if let Life::Frozen { age, .. } = &mut self.life {
            *age += span;
            return;
        }
        if let Some(ordered) = &mut self.ordered {
            ordered.within -= span;
        }
    }

    /// Returns for how long nothing has to happen here.
    pub(crate) fn patience(&self) -> Duration {
        let order = self.ordered.map_or(Duration::MAX, |ordered| ordered.within);
        match self.life {
            Life::Runs if !self.inbox.is_empty() || !self.answers.is_empty() => Duration::ZERO,
            Life::Runs => {
                let timer = self.router.next_deadline().map_or(Duration::MAX, |deadline| deadline.since(NOW));
                order.min(timer)
            }
            Life::Frozen { age, .. } => (if self.held { LEASE } else { BURIAL }).saturating_sub(age),
            Life::Down { .. } => order,
        }
    }

    /// Lists what can happen here next.
    pub(crate) fn steps(&self, node: usize, priority: Priority, may: impl Fn(Kind) -> bool, steps: &mut Vec<Step>) {
        match self.life {
            Life::Runs => self.steps_while_it_runs(node, priority, may, steps),
            Life::Frozen { age, .. } => {
                if !age.is_zero() {
                    steps.push(Step::Thaw { node });
                }
                if self.held && age >= LEASE {
                    steps.push(Step::Lapse { node });
                } else if age >= BURIAL {
                    steps.push(Step::Bury { node });
                }
            }
            Life::Down { returns } => match self.ordered {
                Some(_) => steps.push(Step::Carry { node }),
                None if returns => steps.push(Step::Restart { node }),
                None => {}
            },
        }
    }

    fn steps_while_it_runs(
        &self,
        node: usize,
        configured: Priority,
        may: impl Fn(Kind) -> bool,
        steps: &mut Vec<Step>,
    ) {
        let view = self.router.view();
        let first = self.inbox.first();
        steps.extend(first.map(|(from, priority)| Step::Read { node, from: *from, priority: *priority }));
        let due = self.router.next_deadline().is_some_and(|deadline| deadline <= NOW);
        if !self.answers.is_empty() {
            steps.push(Step::Answer { node });
        } else if due && self.inbox.is_empty() {
            // The engine looks at its timers when it has read what was there.
            steps.push(Step::Timeout { node });
        }
        if let Some(Ordered { order, hangs, .. }) = self.ordered {
            steps.push(Step::Carry { node });
            if order == Order::Claim && may(Kind::Refusal) {
                steps.push(Step::Refuse { node });
            }
            if !hangs && may(Kind::Hang) {
                steps.push(Step::Hang { node });
            }
        }
        if self.held && self.ordered.is_none() && may(Kind::Removal) {
            steps.push(Step::Remove { node });
        }
        if may(Kind::Freeze) {
            steps.push(Step::Freeze { node, deaf: false });
        }
        if may(Kind::Suspend) {
            steps.push(Step::Freeze { node, deaf: true });
        }
        if may(Kind::Crash) {
            steps.push(Step::Crash { node });
        }
        if view.drained {
            steps.push(Step::Tell { node, event: Event::Resume });
        } else if may(Kind::Drain) {
            steps.push(Step::Tell { node, event: DRAIN });
        }
        match view.effective {
            Effective::Fault(_) => {
                let event = Event::EffectivePriority(Effective::Priority(configured));
                steps.push(Step::Tell { node, event });
            }
            Effective::Priority(_) if may(Kind::Check) => steps.push(Step::Tell { node, event: FAULT }),
            Effective::Priority(_) => {}
        }
    }
}
