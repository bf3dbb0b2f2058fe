//! One Virtual Router under the engine: the election's state machine, its share of an interface, its voice.

use core::time::Duration;
use std::net::IpAddr;
use std::sync::Arc;

use vrrp_packet::{ChecksumForm, Priority, Sequence, UnixTime};

use crate::election::{Action, Effective, Event, Fault, Instant, Router, StateName};
use crate::net::VrrpSocket;

use super::handle::{Published, Signing, Snapshot};
use super::notice::{Limited, News, Notice, Teller};
use super::plan::Plan;
use super::signatures::Memory;
use super::signing_clock::SigningClock;
use super::voice::Voice;

/// How long the same kind of news about a router is kept back after it was told, in nanoseconds.
const NEWS_GAP: u64 = 60_000_000_000;
/// Actions that one event can make the election ask for; more only cost an allocation.
const ACTIONS: usize = 8;

/// Says what is known of a member's interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Link {
    pub(super) index: Option<u32>,
    pub(super) up: bool,
    pub(super) source: Option<IpAddr>,
}

/// Says how a router comes and goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// It begins when others have left.
    Waiting,
    /// It takes part.
    Running,
    /// It leaves its role.
    Leaving,
    /// It has left; the address thread still knows it.
    Left,
    /// Nothing of it is left.
    Gone,
}

pub(super) struct Member {
    index: usize,
    pub(super) life: Life,
    pub(super) plan: Plan,
    pub(super) router: Router,
    pub(super) published: Arc<Published>,
    pub(super) link: Link,
    /// Whether the interface has been looked at, so that the election could begin.
    pub(super) started: bool,
    pub(super) actions: Vec<Action>,
    /// Whether the interface can be used to advertise and to listen.
    usable: bool,
    /// Whether the lease of the addresses is not renewed in time.
    unrenewed: bool,
    /// The lease that is in force until a renewal after this moment.
    former_lease: Option<(Instant, Option<Duration>)>,
    /// How many commands were carried out.
    pub(super) commands: u64,
    voice: Voice,
    /// Which sequences of signed advertisements were used.
    pub(super) memory: Memory,
    told: [u64; Limited::COUNT],
}

impl Member {
    pub(super) fn new(index: usize, mut plan: Plan, published: Arc<Published>) -> Self {
        Self {
            index,
            life: Life::Running,
            router: Router::new(plan.settings),
            voice: Voice::new(&plan),
            commands: 0,
            memory: plan.remembered.take().map_or_else(Memory::default, |remembered| *remembered),
            plan,
            published,
            link: Link::default(),
            started: false,
            actions: Vec::with_capacity(ACTIONS),
            usable: false,
            unrenewed: false,
            former_lease: None,
            told: [0; Limited::COUNT],
        }
    }

    /// Hands an event to the election; what it asks for waits in `actions`.
    pub(super) fn handle(&mut self, now: Instant, event: Event) {
        self.router.handle(now, event, &mut self.actions);
    }

    /// Takes over what is known of the interface, and lets the election begin when it is known for the first time.
    ///
    /// A router without a socket hears nobody, whatever its interface says.
    pub(super) fn set_link(&mut self, now: Instant, link: Link, has_socket: bool) {
        self.link = link;
        if let Some(source) = link.source {
            self.handle(now, Event::Source(source));
        }
        self.usable = has_socket && link.up && link.source.is_some();
        self.handle(now, Event::EffectivePriority(self.effective()));
        if !self.started {
            self.started = true;
            self.handle(now, Event::Started);
        }
    }

    /// Makes a router that waits until others have left.
    pub(super) fn waiting(index: usize, plan: Plan, published: Arc<Published>) -> Self {
        Self { life: Life::Waiting, ..Self::new(index, plan, published) }
    }

    /// Takes over a new plan; the state stays.
    pub(super) fn reconfigure(&mut self, now: Instant, plan: Plan) {
        let former = core::mem::replace(&mut self.plan, plan);
        if former.lease != self.plan.lease {
            self.former_lease = Some((now, former.lease));
        }
        if former.checksum != self.plan.checksum {
            self.voice = Voice::new(&self.plan);
        }
        self.handle(now, Event::Settings(self.plan.settings));
    }

    /// Tells whether advertisements are sent or heard for this router.
    pub(super) fn is_on_the_wire(&self) -> bool {
        match self.life {
            Life::Running | Life::Leaving => true,
            Life::Waiting | Life::Left | Life::Gone => false,
        }
    }

    /// Tells whether both cannot be on the wire at once.
    pub(super) fn is_in_the_way_of(&self, other: &Self) -> bool {
        let wire = |plan: &Plan| (plan.family, plan.vrid);
        let same_wire = wire(&self.plan) == wire(&other.plan) && self.plan.interface == other.plan.interface;
        self.index != other.index && (same_wire || self.published.name == other.published.name)
    }

    /// Gives up the place.
    pub(super) fn retire(&mut self) {
        self.life = Life::Gone;
        self.published.set_gone();
    }

    /// Returns the lease that is in force where it was last renewed at this moment.
    pub(super) fn lease(&self, renewed: Instant) -> Option<Duration> {
        match self.former_lease {
            Some((changed, former)) if renewed < changed => former,
            Some(_) | None => self.plan.lease,
        }
    }

    /// Takes over whether the lease is not renewed in time, and tells whether that is news.
    pub(super) fn set_unrenewed(&mut self, now: Instant, unrenewed: bool) -> bool {
        let changed = core::mem::replace(&mut self.unrenewed, unrenewed) != unrenewed;
        if changed {
            self.handle(now, Event::EffectivePriority(self.effective()));
        }
        changed
    }

    /// What speaks against this node, the worst first.
    fn effective(&self) -> Effective {
        if !self.usable {
            Effective::Fault(Fault::Deaf)
        } else if self.unrenewed {
            Effective::Fault(Fault::Unrenewed)
        } else {
            Effective::Priority(self.plan.settings.priority)
        }
    }

    /// Follows the form that the Active Router sends (ownership rule 2).
    pub(super) fn follow_checksum(&mut self, source: IpAddr, form: ChecksumForm) {
        let is_active = self.router.view().active.is_some_and(|active| active.source == source);
        if self.plan.checksum.is_none() && is_active {
            self.voice.set_checksum(form);
        }
    }

    /// Returns the form in which it sends.
    pub(super) fn checksum_form(&self) -> ChecksumForm {
        self.voice.checksum()
    }

    /// Sends an advertisement; `record` is told each sequence before it is used, and `payload` is room to write it in.
    ///
    /// # Errors
    /// The kernel's error number.
    pub(super) fn advertise(
        &mut self,
        socket: Option<&VrrpSocket>,
        priority: Priority,
        clock: UnixTime,
        record: impl Fn(usize, Sequence),
        payload: &mut Vec<u8>,
    ) -> Result<(), i32> {
        let (Some(socket), Some(source)) = (socket, self.link.source) else { return Err(libc::ENETDOWN) };
        let index = self.index;
        let mut next = |guard| {
            let sequence = self.memory.next_to_send(guard, clock);
            record(index, sequence);
            sequence
        };
        self.voice.advertise(&self.plan, socket, source, priority, &mut next, payload)
    }

    /// Tells news of this router, of the limited kinds only once a minute.
    pub(super) fn tell(&mut self, teller: &Teller, now: Instant, news: News) {
        if Limited::of(&news).is_none_or(|kind| self.may_tell(now, kind)) {
            teller.tell(Notice { router: self.index, news });
        }
    }

    fn may_tell(&mut self, now: Instant, kind: Limited) -> bool {
        let last = &mut self.told[kind.index()];
        if *last != 0 && now.as_nanos().saturating_sub(*last) < NEWS_GAP {
            return false;
        }
        *last = now.as_nanos();
        true
    }

    /// Publishes what changed; where a reader is just copying, the change waits for the next turn, and it returns false.
    pub(super) fn publish(&mut self, now: Instant, clock: &SigningClock) -> bool {
        let snapshot = Snapshot {
            view: self.router.view(),
            interface_index: self.link.index,
            link_up: self.link.up,
            source: self.link.source,
            commands: self.commands,
            signing: self.plan.authentication.as_ref().map(|_| Signing {
                heard: self.memory.heard,
                clock_behind_wall: clock.behind_wall(),
                clock_synchronised: clock.is_synchronised(),
                clock_confirmed: clock.is_confirmed(),
            }),
            taken: now,
        };
        self.published.publish(snapshot)
    }

    /// Returns the interval, where the peers hold this node for Active.
    pub(super) fn speaking(&self) -> Option<Duration> {
        match self.router.view().state {
            StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => {
                Some(self.plan.settings.interval.duration())
            }
            StateName::Initialize | StateName::Backup | StateName::Aside => None,
        }
    }
}
