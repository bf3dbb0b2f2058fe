//! One router on a bench: no peer, kernel or gate answers unless the test says so.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod absence;
mod active;
mod backup;
mod canonical;
mod claiming;
mod drain;
mod effective;
mod opening;
mod owner;
mod probing;
mod properties;
mod reconfigure;
mod releasing;
mod timers;
mod words;

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use vrrp_packet::{Interval, Priority, Version};

use super::{
    Action, Cause, Drain, Effective, Epoch, Event, Fault, Gate, Heard, Instant, Router, Settings, StateName, Transition,
};

/// The advertisement interval of the bench.
const INTERVAL: Duration = Duration::from_millis(10);
/// Three intervals and Skew_Time for priority 100: 30 ms + 156/256 of 10 ms.
const DOWN: Duration = Duration::from_nanos(36_093_750);
/// Skew_Time for priority 100.
const SKEW: Duration = Duration::from_nanos(6_093_750);
const NANOSECOND: Duration = Duration::from_nanos(1);

const SELF: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10));
const THIRD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 8));

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn send(priority: u8) -> Action {
    Action::SendAdvertisement { priority: Priority::new(priority) }
}

const fn claim(epoch: u64) -> Action {
    Action::Claim { epoch: Epoch(epoch) }
}

const fn withdraw(epoch: u64) -> Action {
    Action::Withdraw { epoch: Epoch(epoch) }
}

const fn open_gate(epoch: u64) -> Action {
    Action::OpenGate { epoch: Epoch(epoch) }
}

const fn close_gate(epoch: u64) -> Action {
    Action::CloseGate { epoch: Epoch(epoch) }
}

fn settings() -> Settings {
    Settings {
        version: Version::V3,
        priority: Priority::DEFAULT,
        interval: Interval::from_centis(1).unwrap(),
        preempt: true,
        preempt_delay: Duration::ZERO,
        startup_delay: Duration::ZERO,
        fast_handover: false,
        probe: None,
        gate: None,
        source: SELF,
        drained: false,
    }
}

/// Drives one router: the clock stands still unless a test moves it, and the kernel takes what is sent.
struct Bench {
    router: Router,
    now: Instant,
    causes: Vec<Cause>,
    sends_fail: bool,
}

impl Bench {
    /// A router that has not started; `change` departs from priority 100, 10 ms, Preempt_Mode.
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let now = Instant::from_nanos(1_000_000_000);
        Self { router: Router::new(settings), now, causes: Vec::new(), sends_fail: false }
    }

    /// A router that has just become Backup, or Active as the owner.
    fn started(change: impl FnOnce(&mut Settings)) -> Self {
        let mut bench = Self::new(change);
        bench.tell(Event::Started);
        bench
    }

    /// A router that has just confirmed its first claim.
    fn active(change: impl FnOnce(&mut Settings)) -> Self {
        let mut bench = Self::started(change);
        bench.run_to_deadline();
        if bench.state() == StateName::Opening {
            bench.tell(Event::GateOpened { epoch: bench.epoch() });
        }
        bench.confirm_claim();
        assert_eq!(bench.state(), StateName::Active);
        bench
    }

    /// Handles one event; returns what was asked for, while reports only leave their cause behind.
    fn tell(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.router.handle(self.now, event, &mut actions);
        let mut asked = Vec::new();
        for action in actions {
            match action {
                Action::Report(Transition { cause, .. }) => self.causes.push(cause),
                Action::SendAdvertisement { priority: _ } => {
                    asked.push(action);
                    if !self.sends_fail {
                        assert_eq!(self.tell(Event::Sent), []);
                    }
                }
                Action::OpenGate { .. }
                | Action::Claim { .. }
                | Action::Announce
                | Action::Withdraw { .. }
                | Action::CloseGate { .. }
                | Action::Probe { .. } => asked.push(action),
            }
        }
        asked
    }

    fn hear(&mut self, source: IpAddr, priority: u8) -> Vec<Action> {
        self.hear_with(source, priority, settings().interval)
    }

    fn hear_with(&mut self, source: IpAddr, priority: u8, interval: Interval) -> Vec<Action> {
        self.tell(Event::Advertisement(Heard { source, priority: Priority::new(priority), interval }))
    }

    fn effective(&mut self, priority: u8) -> Vec<Action> {
        self.tell(Event::EffectivePriority(Effective::Priority(Priority::new(priority))))
    }

    fn fault(&mut self, fault: Fault) -> Vec<Action> {
        self.tell(Event::EffectivePriority(Effective::Fault(fault)))
    }

    fn confirm_claim(&mut self) -> Vec<Action> {
        self.tell(Event::AddressesClaimed { epoch: self.epoch() })
    }

    fn confirm_withdrawal(&mut self) -> Vec<Action> {
        self.tell(Event::AddressesWithdrawn { epoch: self.epoch() })
    }

    fn confirm_closing(&mut self) -> Vec<Action> {
        self.tell(Event::GateClosed { epoch: self.epoch() })
    }

    /// Lets time pass in which nothing is handled.
    fn sleep(&mut self, span: Duration) -> &mut Self {
        self.now = self.now + span;
        self
    }

    fn timeout(&mut self) -> Vec<Action> {
        self.tell(Event::Timeout)
    }

    /// Handles `Timeout` exactly at the next deadline.
    fn run_to_deadline(&mut self) -> Vec<Action> {
        self.now = self.now.max(self.router.next_deadline().unwrap());
        self.timeout()
    }

    /// Lets time pass in which every deadline is met.
    fn run(&mut self, span: Duration) -> Vec<Action> {
        let end = self.now + span;
        let mut asked = Vec::new();
        let mut met = 0;
        while let Some(deadline) = self.router.next_deadline().filter(|at| *at <= end) {
            met += 1;
            assert!(met < 10_000, "a deadline that is met and stays");
            self.now = self.now.max(deadline);
            asked.extend(self.timeout());
        }
        self.now = end;
        asked
    }

    /// How long the router would sleep now.
    fn wait(&self) -> Duration {
        self.router.next_deadline().unwrap().since(self.now)
    }

    fn state(&self) -> StateName {
        self.router.view().state
    }

    fn epoch(&self) -> Epoch {
        self.router.view().epoch
    }

    fn last_cause(&self) -> Cause {
        *self.causes.last().unwrap()
    }
}
