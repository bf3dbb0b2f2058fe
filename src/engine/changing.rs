//! How routers come, change and go while the election runs. Here the election thread may allocate: it is not steady.

use std::sync::Arc;

use crate::dataplane::{self, Order};
use crate::election::{Event, StateName};

use super::election_thread::Engine;
use super::handle::Published;
use super::member::{Life, Member};
use super::plan::Plan;
use super::sockets::Share;

/// Asks for one change; everything that can be made before is made by whoever asks.
#[derive(Debug)]
pub enum Change {
    /// A router that is new, in a free place. It begins when every router has left that has its name, or its VRID on
    /// the same interface.
    Add(Box<Newcomer>),
    /// Other settings for a router that keeps its state. Interface, family, VRID and version stay.
    Update {
        /// The router's place.
        router: usize,
        /// What it is told from now on.
        plan: Box<Plan>,
        /// What the address thread is told, where that changes.
        addresses: Option<Box<dataplane::Plan>>,
    },
    /// A router that leaves its role in order and is gone.
    Remove {
        /// The router's place.
        router: usize,
    },
}

/// Describes a router that is new.
#[derive(Debug)]
pub struct Newcomer {
    /// What the election thread is told.
    pub plan: Plan,
    /// What the address thread is told.
    pub addresses: dataplane::Plan,
    /// Where it is published; it knows the router's place.
    pub published: Arc<Published>,
}

impl Engine {
    pub(super) fn take_changes(&mut self) {
        while let Some(changes) = self.inbox.changes.pop() {
            for change in changes {
                match change {
                    Change::Add(newcomer) => self.add(*newcomer),
                    Change::Update { router, plan, addresses } => self.update(router, *plan, addresses),
                    Change::Remove { router } => self.remove(router),
                }
            }
        }
    }

    fn add(&mut self, newcomer: Newcomer) {
        let Newcomer { plan, addresses, published } = newcomer;
        let index = published.place();
        let member = Member::waiting(index, plan, published);
        // Places are given out from the lowest free one on.
        if index < self.members.len() {
            self.members[index] = member;
        } else {
            self.members.push(member);
            self.share_of.push(0);
            self.agenda.grow(self.members.len());
        }
        self.note(index);
        self.waiting.push((index, addresses));
        self.let_in();
    }

    /// Lets routers begin whose predecessors have left.
    fn let_in(&mut self) {
        if self.stop_by.is_some() {
            return;
        }
        for (index, addresses) in core::mem::take(&mut self.waiting) {
            let newcomer = &self.members[index];
            if self.members.iter().any(|other| other.is_on_the_wire() && other.is_in_the_way_of(newcomer)) {
                self.waiting.push((index, addresses));
                continue;
            }
            let share = Share::find_or_add(&mut self.shares, &newcomer.plan);
            self.share_of[index] = share;
            self.members[index].life = Life::Running;
            self.refilter(share);
            // Its answer, the state of the interface, starts the router.
            self.order(Order::Install { router: index, plan: Box::new(addresses) });
        }
    }

    fn update(&mut self, index: usize, plan: Plan, addresses: Option<Box<dataplane::Plan>>) {
        let now = Self::now();
        let member = &mut self.members[index];
        if member.life == Life::Waiting {
            *member = Member::waiting(index, plan, Arc::clone(&member.published));
            self.note(index);
            if let Some(addresses) = addresses {
                let waiting = self.waiting.iter_mut().filter(|(waiting, _)| *waiting == index);
                waiting.for_each(|(_, planned)| planned.clone_from(&addresses));
            }
            return;
        }
        member.reconfigure(now, plan);
        self.refilter(self.share_of[index]);
        let has_socket = self.shares[self.share_of[index]].socket().is_some();
        let member = &mut self.members[index];
        if member.started {
            member.set_link(now, member.link, has_socket);
        }
        self.act(index, now);
        // After what is sent on this occasion: the address thread measures our silence by the new interval.
        if let Some(plan) = addresses {
            self.order(Order::Install { router: index, plan });
        }
    }

    fn remove(&mut self, index: usize) {
        let now = Self::now();
        match self.members[index].life {
            Life::Waiting => {
                self.waiting.retain(|(waiting, _)| *waiting != index);
                self.members[index].retire();
            }
            Life::Running => {
                self.members[index].life = Life::Leaving;
                self.leaving += 1;
                self.members[index].handle(now, Event::Shutdown);
                self.act(index, now);
                self.see_off();
            }
            Life::Leaving | Life::Left | Life::Gone => {}
        }
    }

    /// Takes routers that have left their role off the wire, and lets in who waited for that.
    pub(super) fn see_off(&mut self) {
        if self.leaving == 0 {
            return;
        }
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            if member.life != Life::Leaving || member.router.view().state != StateName::Initialize {
                continue;
            }
            member.life = Life::Left;
            self.leaving -= 1;
            self.refilter(self.share_of[index]);
            self.order(Order::Remove { router: index });
            self.let_in();
        }
    }

    /// Nothing of a router is left anywhere: its place may be used again.
    pub(super) fn forget(&mut self, index: usize) {
        self.members[index].retire();
    }

    /// Brings what a share lets through up to date with its routers.
    fn refilter(&mut self, share: usize) {
        let members = self.members.iter().enumerate().filter(|(index, _)| self.share_of[*index] == share);
        let served: Vec<(usize, &Plan)> = members
            .filter(|(_, member)| member.is_on_the_wire())
            .map(|(index, member)| (index, &member.plan))
            .collect();
        if self.shares[share].serve(&served).is_err() {
            // A socket that does not hear everybody is none: it is opened anew, and why that fails is told then.
            self.shares[share].socket = None;
            self.retry_sockets_at = Some(Self::now());
        }
    }

    /// Orders something that must not be lost; without room it is ordered again soon.
    pub(super) fn order(&mut self, order: Order) {
        if let Err(dataplane::Full(order)) = self.dataplane.order(order) {
            self.unsent.push(order);
        }
    }

    /// Orders again what found no room.
    pub(super) fn order_unsent(&mut self) {
        for order in core::mem::take(&mut self.unsent) {
            self.order(order);
        }
    }
}
