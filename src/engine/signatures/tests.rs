//! Each reason not to believe a signed packet, through the path that every datagram takes; and packets of keepalived.

use core::time::Duration;

use serde::Deserialize;
use vrrp_packet::{
    AntiReplay, ChecksumForm, Family, Interval, IpHeader, KeyId, Outgoing, Priority, ReplayGuard, Version, Vrid,
};

use super::*;
use crate::election::{Heard, Settings};
use crate::engine::inspect::inspect;
use crate::engine::plan::Plan;
use crate::net::Datagram;

const NOW: UnixTime = UnixTime::new(Duration::new(1_795_169_500, 250_000_000));
const PEER: &str = "10.77.0.2";

fn key(id: u8) -> Key {
    Key::new(KeyId::new(id).unwrap(), &[id; 32]).unwrap()
}

fn guard(mode: AntiReplay) -> ReplayGuard {
    ReplayGuard { mode, window: Duration::from_secs(5) }
}

/// A router of VRID 51 that believes only what is signed with key 1 or 2.
fn plan() -> Plan {
    let own = IpAddr::from([10, 77, 0, 1]);
    Plan {
        interface: "eth0".to_owned(),
        family: Family::Ipv4,
        vrid: Vrid::new(51).unwrap(),
        settings: Settings {
            version: Version::V3,
            priority: Priority::DEFAULT,
            interval: Interval::from_seconds(1).unwrap(),
            preempt: true,
            preempt_delay: Duration::ZERO,
            startup_delay: Duration::ZERO,
            fast_handover: false,
            probe: None,
            gate: None,
            source: own,
            drained: false,
        },
        addresses: vec![[10, 77, 0, 100].into()],
        peers: vec![],
        on_link_only: true,
        password: None,
        authentication: Some(Authentication {
            keys: [key(1), key(2)].into(),
            signing_key: Some(key(1)),
            takes_unsigned: false,
            guard: guard(AntiReplay::Time),
        }),
        remembered: None,
        checksum: None,
        source: None,
        lease: None,
    }
}

fn by(mode: AntiReplay, takes_unsigned: bool) -> Plan {
    let mut plan = plan();
    let authentication = plan.authentication.as_mut().unwrap();
    *authentication = Authentication { guard: guard(mode), takes_unsigned, ..authentication.clone() };
    plan
}

/// Writes what the peer would send at this moment, signed with a key or not at all.
fn packet(source: &str, at: UnixTime, key: Option<&Key>) -> Vec<u8> {
    let ip = IpHeader { source: source.parse().unwrap(), destination: [224, 0, 0, 18].into(), hop_limit: 255 };
    let outgoing = Outgoing {
        version: Version::V3,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(200),
        interval: Interval::from_seconds(1).unwrap(),
        addresses: &[[10, 77, 0, 100].into()],
        checksum: ChecksumForm::PseudoHeader,
        password: None,
    };
    let mut payload = Vec::new();
    match key {
        Some(key) => outgoing.emit_signed_into(&ip, key, Sequence::at(at), &mut payload),
        None => outgoing.emit_into(&ip, &mut payload),
    }
    .unwrap();
    payload
}

fn hear(plan: &Plan, memory: &mut Memory, source: &str, payload: &[u8]) -> Result<Heard, Discard> {
    let datagram = Datagram {
        source: source.parse().unwrap(),
        destination: [224, 0, 0, 18].into(),
        hop_limit: 255,
        interface: 2,
        payload,
    };
    inspect(plan, Some([10, 77, 0, 1].into()), &datagram, memory, NOW).map(|(heard, _)| heard)
}

fn later(span: Duration) -> UnixTime {
    UnixTime::new(NOW.since_epoch() + span)
}

fn earlier(span: Duration) -> UnixTime {
    UnixTime::new(NOW.since_epoch() - span)
}

/// Hears one packet of the peer with a fresh memory.
fn verdict(payload: &[u8]) -> Result<Heard, Discard> {
    hear(&plan(), &mut Memory::default(), PEER, payload)
}

#[test]
fn a_signed_packet_is_heard_and_tells_its_senders_clock() {
    let mut memory = Memory::default();
    let at = later(Duration::from_millis(1_500));

    let heard = hear(&plan(), &mut memory, PEER, &packet(PEER, at, Some(&key(2)))).unwrap();

    assert_eq!(heard.priority, Priority::new(200));
    let mark = *memory.heard.iter().next().unwrap();
    assert_eq!((mark.source, mark.sequence), (PEER.parse().unwrap(), Sequence::at(at)));
    // The wire counts in 1/65536 s.
    assert!((1_499_980_000..=1_500_000_000).contains(&mark.offset_nanos), "{}", mark.offset_nanos);
}

#[test]
fn an_unsigned_packet_is_discarded_unless_the_mode_takes_it() {
    let unsigned = packet(PEER, NOW, None);

    assert_eq!(verdict(&unsigned), Err(Discard::Unsigned));
    assert!(hear(&by(AntiReplay::Time, true), &mut Memory::default(), PEER, &unsigned).is_ok());
}

#[test]
fn a_malformed_trailer_is_counted_as_such() {
    let mut payload = packet(PEER, NOW, Some(&key(1)));
    payload[14] = 1;

    assert_eq!(verdict(&payload), Err(Discard::MalformedTrailer));
}

#[test]
fn a_clock_that_is_too_far_away_is_outside_the_window() {
    for at in [later(Duration::from_secs(6)), earlier(Duration::from_secs(6))] {
        assert_eq!(verdict(&packet(PEER, at, Some(&key(1)))), Err(Discard::OutsideWindow));
    }
}

#[test]
fn a_key_that_is_not_configured_is_unknown() {
    assert_eq!(verdict(&packet(PEER, NOW, Some(&key(3)))), Err(Discard::UnknownKey));
}

#[test]
fn a_wrong_key_and_a_borrowed_source_make_a_bad_tag() {
    let wrong = Key::new(KeyId::new(1).unwrap(), &[9; 32]).unwrap();

    assert_eq!(verdict(&packet(PEER, NOW, Some(&wrong))), Err(Discard::BadTag));
    // The form of checksum that does not cover addresses; otherwise that would notice first.
    let mut borrowed = packet("10.77.0.3", NOW, Some(&key(1)));
    borrowed[6..8].fill(0);
    let sum = pnet::util::checksum(&borrowed[..12], 3);
    borrowed[6..8].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(verdict(&borrowed), Err(Discard::BadTag));
}

#[test]
fn a_packet_is_heard_once() {
    for mode in [AntiReplay::Time, AntiReplay::Monotonic] {
        let (plan, mut memory) = (by(mode, false), Memory::default());
        let old = packet(PEER, earlier(Duration::from_secs(1)), Some(&key(1)));
        let payload = packet(PEER, NOW, Some(&key(1)));

        assert!(hear(&plan, &mut memory, PEER, &payload).is_ok());

        assert_eq!(hear(&plan, &mut memory, PEER, &payload), Err(Discard::Replayed));
        assert_eq!(hear(&plan, &mut memory, PEER, &old), Err(Discard::Replayed));
    }
}

#[test]
fn permissive_modes_tolerate_a_missing_signature_and_no_wrong_one() {
    let plan = by(AntiReplay::Time, true);
    let mut memory = Memory::default();
    let mut forged = packet(PEER, NOW, Some(&key(1)));
    *forged.last_mut().unwrap() ^= 1;

    assert_eq!(hear(&plan, &mut memory, PEER, &forged), Err(Discard::BadTag));
    assert_eq!(hear(&plan, &mut memory, PEER, &packet(PEER, NOW, Some(&key(3)))), Err(Discard::UnknownKey));
    assert_eq!(memory, Memory::default());
}

#[test]
fn a_signed_packet_for_a_router_without_keys_is_discarded() {
    let plan = Plan { authentication: None, ..plan() };

    let result = hear(&plan, &mut Memory::default(), PEER, &packet(PEER, NOW, Some(&key(1))));

    assert_eq!(result, Err(Discard::Authentication));
}

#[test]
fn whoever_has_no_key_takes_no_place_in_the_memory() {
    let mut memory = Memory::default();
    let wrong = Key::new(KeyId::new(1).unwrap(), &[9; 32]).unwrap();

    for host in 2..=250 {
        let source = format!("10.77.0.{host}");
        assert_eq!(hear(&plan(), &mut memory, &source, &packet(&source, NOW, Some(&wrong))), Err(Discard::BadTag));
    }

    assert_eq!(memory, Memory::default());
}

#[test]
fn the_oldest_sender_makes_room_for_the_seventeenth() {
    let mut marks = Marks::default();
    let mark = |host: u8, sequence: u64| Mark {
        source: [10, 77, 0, host].into(),
        sequence: Sequence::from_bits(sequence),
        offset_nanos: 0,
    };
    // Host 5 was heard longest ago, before the 64 bits wrapped.
    for host in 1..=16 {
        marks.set(mark(host, if host == 5 { u64::MAX } else { u64::from(host) }));
    }

    marks.set(mark(17, 17));
    marks.set(mark(1, 18));

    assert_eq!(marks.last([10, 77, 0, 5].into()), None);
    assert_eq!(marks.last([10, 77, 0, 17].into()), Some(Sequence::from_bits(17)));
    assert_eq!(marks.last([10, 77, 0, 1].into()), Some(Sequence::from_bits(18)));
    assert_eq!(marks.iter().count(), SENDERS);
}

#[test]
fn a_sequence_is_sent_once_even_if_the_clock_stands_still() {
    let mut memory = Memory::default();
    let guard = guard(AntiReplay::Time);

    let first = memory.next_to_send(guard, NOW);
    let second = memory.next_to_send(guard, NOW);

    assert!(second.is_after(first));
    assert_eq!(memory.sent, Some(second));
}

#[derive(Deserialize)]
struct Recorded {
    name: String,
    captured_unix: f64,
    source: IpAddr,
    destination: IpAddr,
    hop_limit: u8,
    payload: String,
    hmac_key_id: Option<u8>,
    hmac_key: Option<String>,
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_keepalived_2_4_signs_is_heard_once_and_only_with_its_key() {
    let text = include_str!("../../../packet/tests/vectors/advertisements.json");
    let recorded: Vec<Recorded> = serde_json::from_str(text).unwrap();
    let mut count = 0;
    for vector in recorded.iter().filter(|vector| vector.hmac_key.is_some()) {
        let name = &vector.name;
        let id = KeyId::new(vector.hmac_key_id.unwrap()).unwrap();
        let mut plan = plan();
        plan.family = Family::of(vector.source);
        plan.settings.version = if name.contains("v2") { Version::V2 } else { Version::V3 };
        let authentication = plan.authentication.as_mut().unwrap();
        authentication.keys = [Key::new(id, &unhex(vector.hmac_key.as_ref().unwrap())).unwrap()].into();
        let payload = unhex(&vector.payload);
        let Recorded { source, destination, hop_limit, .. } = *vector;
        let datagram = Datagram { source, destination, hop_limit, interface: 2, payload: &payload };
        let captured = UnixTime::new(Duration::from_secs_f64(vector.captured_unix));
        let mut memory = Memory::default();

        let first = inspect(&plan, None, &datagram, &mut memory, captured).map(|(heard, _)| heard.source);
        let again = inspect(&plan, None, &datagram, &mut memory, captured).map(|(heard, _)| heard.source);
        plan.authentication.as_mut().unwrap().keys = [Key::new(id, &[9; 32]).unwrap()].into();
        let stranger = inspect(&plan, None, &datagram, &mut memory, captured).map(|(heard, _)| heard.source);

        assert_eq!(first, Ok(source), "{name}");
        assert_eq!(again, Err(Discard::Replayed), "{name}");
        assert_eq!(stranger, Err(Discard::BadTag), "{name}");
        count += 1;
    }
    assert!(count >= 8, "{count} signed vectors");
}
