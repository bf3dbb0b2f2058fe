//! What holds after any sequence of events.

use core::num::NonZeroU8;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::election::Probe;

fn epoch() -> impl Strategy<Value = Epoch> {
    (0..4_u64).prop_map(Epoch)
}

fn source() -> impl Strategy<Value = IpAddr> {
    prop_oneof![Just(PEER), Just(THIRD)]
}

fn heard() -> impl Strategy<Value = Heard> {
    let priority = prop_oneof![Just(0), Just(99), Just(100), Just(101), Just(200)].prop_map(Priority::new);
    let interval = prop_oneof![Just(1), Just(2), Just(100)].prop_map(|centis| Interval::from_centis(centis).unwrap());
    (source(), priority, interval).prop_map(|(source, priority, interval)| Heard { source, priority, interval })
}

fn effective() -> impl Strategy<Value = Effective> {
    prop_oneof![
        Just(Effective::Priority(Priority::new(50))),
        Just(Effective::Priority(Priority::new(100))),
        Just(Effective::Priority(Priority::new(200))),
        Just(Effective::Fault(Fault::Check)),
        Just(Effective::Fault(Fault::Deaf)),
    ]
}

fn new_settings() -> impl Strategy<Value = Settings> {
    let interval = prop_oneof![Just(1), Just(3), Just(100)].prop_map(|centis| Interval::from_centis(centis).unwrap());
    (interval, any::<bool>(), any::<bool>()).prop_map(|(interval, preempt, fast_handover)| Settings {
        interval,
        preempt,
        fast_handover,
        ..settings()
    })
}

/// What happens next: an event, or `None` for an answer to the last question that is still open.
pub(super) fn happening() -> impl Strategy<Value = Option<Event>> {
    prop_oneof![
        6 => Just(None),
        6 => Just(Some(Event::Timeout)),
        4 => heard().prop_map(|heard| Some(Event::Advertisement(heard))),
        1 => Just(Some(Event::Started)),
        1 => effective().prop_map(|effective| Some(Event::EffectivePriority(effective))),
        1 => any::<bool>().prop_map(|ready| Some(Event::Readiness(ready))),
        1 => epoch().prop_map(|epoch| Some(Event::AddressesClaimed { epoch })),
        1 => epoch().prop_map(|epoch| Some(Event::AddressesLost { epoch })),
        1 => epoch().prop_map(|epoch| Some(Event::ClaimFailed { epoch })),
        1 => epoch().prop_map(|epoch| Some(Event::GateOpened { epoch })),
        1 => epoch().prop_map(|epoch| Some(Event::GateRefused { epoch })),
        1 => prop_oneof![Just(Drain::Watched), Just(Drain::Forced)].prop_map(|mode| Some(Event::Drain(mode))),
        1 => Just(Some(Event::Resume)),
        1 => Just(Some(Event::Shutdown)),
        1 => Just(Some(Event::Stalled { by: ms(50) })),
        1 => source().prop_map(|source| Some(Event::Source(source))),
        1 => new_settings().prop_map(|settings| Some(Event::Settings(settings))),
    ]
}

/// How long nothing happens: until the deadline exactly, or for a number of microseconds.
pub(super) fn pause() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 2 => (0..3_000_u64).prop_map(Some), 1 => (0..60_000_u64).prop_map(Some)]
}

pub(super) fn variants() -> impl Strategy<Value = Settings> {
    let priority = prop_oneof![4 => Just(Priority::DEFAULT), 1 => Just(Priority::OWNER)];
    (any::<[bool; 5]>(), priority).prop_map(|([gated, preempt, fast_handover, version_2, probes], priority)| {
        let gate = (gated && !priority.is_owner()).then_some(Gate { bound: ms(20) });
        let probe = probes.then_some(Probe { after: NonZeroU8::MIN });
        let mut settings = Settings { gate, probe, preempt, fast_handover, priority, ..settings() };
        if version_2 {
            settings.version = Version::V2;
            settings.interval = Interval::from_seconds(1).unwrap();
        }
        settings
    })
}

/// Watches the order of what a router asks for.
#[derive(Default)]
struct Auditor {
    gate_opened: Option<Epoch>,
    claimed: Option<Epoch>,
    question: Option<Event>,
}

impl Auditor {
    /// Notes what the router is told: an answer to the withdrawal ends the claim.
    fn hears(&mut self, event: Event) {
        if self.claimed.is_some_and(|epoch| event == Event::AddressesWithdrawn { epoch }) {
            self.claimed = None;
        }
        if self.gate_opened.is_some_and(|epoch| event == Event::GateClosed { epoch }) {
            self.gate_opened = None;
        }
    }

    fn sees(&mut self, action: Action, gated: bool, owner: bool) {
        match action {
            Action::OpenGate { epoch } => {
                assert_eq!(self.gate_opened, None, "two gates are open");
                assert!(!owner, "the owner has no gate");
                self.gate_opened = Some(epoch);
                self.question = Some(Event::GateOpened { epoch });
            }
            Action::Claim { epoch } => {
                assert_eq!(self.claimed, None, "two claims are outstanding");
                assert!(!owner, "the owner claims nothing");
                assert!(!gated || self.gate_opened == Some(epoch), "claimed past the gate");
                self.claimed = Some(epoch);
                self.question = Some(Event::AddressesClaimed { epoch });
            }
            Action::Withdraw { epoch } => {
                assert_eq!(self.claimed, Some(epoch), "withdrawn without a claim");
                self.question = Some(Event::AddressesWithdrawn { epoch });
            }
            Action::CloseGate { epoch } => {
                assert_eq!(self.claimed, None, "the gate closes before the addresses are gone");
                self.question = Some(Event::GateClosed { epoch });
            }
            Action::SendAdvertisement { priority } if priority.is_release() => {
                assert_eq!((self.claimed, self.gate_opened), (None, None), "Priority 0 for a role that is still here");
            }
            Action::Probe { silence, .. } => self.question = Some(Event::HostGone { silence }),
            Action::SendAdvertisement { .. } | Action::Announce | Action::Report(_) => {}
        }
    }

    fn accepts(&self, state: StateName) {
        match state {
            StateName::Initialize | StateName::Backup | StateName::Aside => {
                assert_eq!((self.claimed, self.gate_opened), (None, None), "{state:?} holds something");
            }
            StateName::Opening => assert_eq!(self.claimed, None),
            StateName::Claiming | StateName::Active | StateName::Releasing => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_sequence_of_events_keeps_the_order_of_ownership(
        settings in variants(),
        sends_fail in prop::bool::weighted(0.1),
        script in vec((pause(), happening()), 1..80),
    ) {
        let mut router = Router::new(settings);
        let mut now = Instant::from_nanos(1_000_000_000);
        let mut auditor = Auditor::default();
        let mut queue = vec![Event::Started];
        for (pause, happening) in script {
            while let Some(event) = queue.pop() {
                let before = (router.clone(), now);
                let mut actions = Vec::new();
                auditor.hears(event);
                router.handle(now, event, &mut actions);

                let mut twin = before.0.clone();
                let mut again = Vec::new();
                twin.handle(now, event, &mut again);
                prop_assert_eq!((&twin, &again), (&router, &actions), "not determined by the events");

                for action in &actions {
                    auditor.sees(*action, settings.gate.is_some(), settings.priority.is_owner());
                    if matches!(action, Action::SendAdvertisement { .. }) && !sends_fail {
                        queue.push(Event::Sent);
                    }
                }
                auditor.accepts(router.view().state);
                if event == Event::Timeout && router.next_deadline().is_some_and(|at| at <= now) {
                    prop_assert_ne!(before.0.view().state, router.view().state, "a loop without rest");
                }
            }
            now = match (pause, router.next_deadline()) {
                (None, Some(deadline)) => now.max(deadline),
                (None, None) => now,
                (Some(micros), _) => now + Duration::from_micros(micros),
            };
            queue.extend(happening.or_else(|| auditor.question.take()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// What checks and links say counts by its last word, not by how it came to it (ownership rule 5).
    #[test]
    fn the_last_word_about_the_priority_decides_whatever_came_before(
        heard in 60..=254_u8,
        words in vec((0..500_u64, effective().prop_filter("voids what was heard", |it| *it != Effective::Fault(Fault::Deaf))), 1..20),
    ) {
        let mut bench = Bench::started(|_| {});
        bench.hear(PEER, heard);
        let since = bench.now;
        for (micros, word) in &words {
            bench.sleep(Duration::from_micros(*micros)).tell(Event::EffectivePriority(*word));
        }

        let (_, last) = words[words.len() - 1];
        let mut other = Bench::started(|_| {});
        other.hear(PEER, heard);
        other.sleep(bench.now.since(since)).tell(Event::EffectivePriority(last));

        prop_assert_eq!(bench.router.view().effective, last);
        prop_assert_eq!(bench.state(), other.state());
        prop_assert_eq!(bench.router.next_deadline(), other.router.next_deadline());
    }
}
