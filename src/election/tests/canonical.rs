//! The canonical form does what the router does.

use proptest::collection::vec;
use proptest::prelude::*;

use super::properties::{happening, pause, variants};
use super::*;

/// Where the canonical routers live, far from the other's time.
const THEN: Instant = Instant::from_nanos(1 << 50);

/// Tells an event in the words of the canonical router: it is `THEN` for it, its epoch is 1, and all others are over.
fn translated(now: Instant, event: Event, current: Epoch) -> Event {
    let over = |epoch| if epoch == current { Epoch(1) } else { Epoch(0) };
    match event {
        Event::AddressesClaimed { epoch } => Event::AddressesClaimed { epoch: over(epoch) },
        Event::AddressesWithdrawn { epoch } => Event::AddressesWithdrawn { epoch: over(epoch) },
        Event::ClaimFailed { epoch } => Event::ClaimFailed { epoch: over(epoch) },
        Event::AddressesLost { epoch } => Event::AddressesLost { epoch: over(epoch) },
        Event::GateOpened { epoch } => Event::GateOpened { epoch: over(epoch) },
        Event::GateRefused { epoch } => Event::GateRefused { epoch: over(epoch) },
        Event::GateClosed { epoch } => Event::GateClosed { epoch: over(epoch) },
        Event::HostGone { silence } => Event::HostGone { silence: THEN - now.since(silence) },
        Event::Started
        | Event::Timeout
        | Event::Advertisement(_)
        | Event::Sent
        | Event::EffectivePriority(_)
        | Event::Readiness(_)
        | Event::Drain(_)
        | Event::Resume
        | Event::Shutdown
        | Event::Stalled { .. }
        | Event::Source(_)
        | Event::Settings(_) => event,
    }
}

/// What the world sees of an action: neither when it was, nor in which epoch.
fn seen(action: Action) -> Action {
    match action {
        Action::OpenGate { .. } => Action::OpenGate { epoch: Epoch(0) },
        Action::Claim { .. } => Action::Claim { epoch: Epoch(0) },
        Action::Withdraw { .. } => Action::Withdraw { epoch: Epoch(0) },
        Action::CloseGate { .. } => Action::CloseGate { epoch: Epoch(0) },
        Action::Report(transition) => Action::Report(Transition { at: Instant::ZERO, epoch: Epoch(0), ..transition }),
        Action::Probe { peer, .. } => Action::Probe { peer, silence: Instant::ZERO },
        Action::SendAdvertisement { .. } | Action::Announce => action,
    }
}

fn answers(actions: &[Action]) -> impl Iterator<Item = Event> + '_ {
    actions.iter().filter_map(|action| match *action {
        Action::SendAdvertisement { .. } => Some(Event::Sent),
        Action::Claim { epoch } => Some(Event::AddressesClaimed { epoch }),
        Action::Withdraw { epoch } => Some(Event::AddressesWithdrawn { epoch }),
        Action::OpenGate { epoch } => Some(Event::GateOpened { epoch }),
        Action::CloseGate { epoch } => Some(Event::GateClosed { epoch }),
        Action::Probe { silence, .. } => Some(Event::HostGone { silence }),
        Action::Announce | Action::Report(_) => None,
    })
}

fn keeps_settings(event: &Option<Event>) -> bool {
    !matches!(event, Some(Event::Settings(_)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn a_router_that_forgets_the_past_does_the_same(
        settings in variants(),
        script in vec((pause(), happening().prop_filter("settings that stay", keeps_settings)), 1..60),
    ) {
        let mut now = Instant::from_nanos(1_000_000_000);
        let mut router = Router::new(settings);
        let mut twin = router.canonical(now, THEN);
        let mut queue = vec![Event::Started];
        for (pause, happening) in script {
            while let Some(event) = queue.pop() {
                let (mut actions, mut again) = (Vec::new(), Vec::new());
                let current = router.view().epoch;

                twin.handle(THEN, translated(now, event, current), &mut again);
                router.handle(now, event, &mut actions);
                twin = twin.canonical(THEN, THEN);

                let [actions_seen, again] = [&actions, &again].map(|list| list.iter().copied().map(seen).collect::<Vec<_>>());
                prop_assert_eq!(actions_seen, again, "{:?}", event);
                let waits = |router: &Router, now| router.next_deadline().map(|deadline| deadline.since(now));
                prop_assert_eq!(waits(&twin, THEN), waits(&router, now), "{:?}", event);
                queue.extend(answers(&actions));
            }
            let span = match (pause, router.next_deadline()) {
                (None, Some(deadline)) => deadline.since(now),
                (None, None) => Duration::ZERO,
                (Some(micros), _) => Duration::from_micros(micros * 20),
            };
            now = now + span;
            twin = twin.canonical(THEN + span, THEN);
            queue.extend(happening);
        }
    }
}
