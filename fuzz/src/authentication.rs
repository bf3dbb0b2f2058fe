//! [`vrrp_packet::authentication`]: signing, verifying, admission.
//!
//! Input: flags (1: IPv6, 2: version 2, 4: password, 8: the other checksum), hop limit, source, destination, VRID,
//! priority, interval, key id, the key's bytes (32), sequence (8), address count, addresses; then changes, of three
//! bytes each: place (2) and what is XORed there.

use std::net::IpAddr;
use std::time::Duration;

use vrrp_packet::authentication::{admit, verify};
use vrrp_packet::{
    Advertisement, AntiReplay, AuthenticationError, ChecksumForm, Interval, IpHeader, Key, KeyId, Outgoing, Priority,
    ReplayGuard, Sequence, UnixTime, Version, Vrid,
};

use super::advertisement::repair_checksum;
use super::input::Input;

const CHECKSUM: std::ops::Range<usize> = 6..8;
/// More only makes the packets longer.
const MOST_ADDRESSES: usize = 8;

/// What is signed verifies, once; with the key of another it does not; changed in any place, it does not either.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let ip = input.ip(flags & 1 != 0);
    let version = if flags & 3 == 2 { Version::V2 } else { Version::V3 };
    let (vrid, priority, interval, id) = (input.byte(), input.byte(), input.byte(), input.byte());
    let (Some(vrid), Some(id)) = (Vrid::new(vrid), KeyId::new(id)) else { return };
    let Some(interval) = Interval::from_seconds(interval % 41) else { return };
    let secret: [u8; 32] = input.array();
    let sequence = Sequence::from_bits(u64::from_be_bytes(input.array()));
    let count = 1 + usize::from(input.byte()) % MOST_ADDRESSES;
    let addresses: Vec<IpAddr> = (0..count).map(|_| input.address(flags & 1 != 0)).collect();
    let outgoing = Outgoing {
        version,
        vrid,
        priority: Priority::new(priority),
        interval,
        addresses: &addresses,
        checksum: if flags & 8 != 0 { ChecksumForm::Message } else { ChecksumForm::PseudoHeader },
        password: (version == Version::V2 && flags & 4 != 0).then_some([1; 8]),
    };
    let (Ok(key), Ok(other)) = (Key::new(id, &secret), Key::new(id, &secret.map(|byte| byte ^ 1))) else {
        panic!("32 bytes are a key")
    };
    let mut signed = Vec::new();
    if let Err(error) = outgoing.emit_signed_into(&ip, &key, sequence, &mut signed) {
        panic!("{outgoing:?} cannot be signed: {error}");
    }
    let Ok(heard) = Advertisement::parse(&signed, &ip) else { panic!("what was signed does not parse: {signed:?}") };
    assert_eq!(verify(&heard, std::slice::from_ref(&key)), Ok(sequence));
    assert_eq!(verify(&heard, &[other]), Err(AuthenticationError::BadTag));
    assert_eq!(verify(&heard, &[]), Err(AuthenticationError::UnknownKey(id)));
    is_admitted_once(&heard, &key, sequence);
    no_change_is_believed(&signed, &ip, &key, input.rest());
}

fn is_admitted_once(heard: &Advertisement<'_>, key: &Key, sequence: Sequence) {
    let keys = std::slice::from_ref(key);
    let now = UnixTime::new(Duration::from_secs(sequence.to_bits() >> 32));
    let long_after = UnixTime::new(now.since_epoch() + Duration::from_secs(60));
    for mode in [AntiReplay::Time, AntiReplay::Monotonic] {
        let guard = ReplayGuard { mode, window: Duration::from_secs(5) };
        assert_eq!(admit(heard, keys, &guard, None, now), Ok(sequence));
        assert_eq!(admit(heard, keys, &guard, Some(sequence), now), Err(AuthenticationError::Replayed));
        let before = Sequence::from_bits(sequence.to_bits().wrapping_sub(1));
        assert_eq!(admit(heard, keys, &guard, Some(before), now), Ok(sequence));
        let late = admit(heard, keys, &guard, None, long_after);
        assert_eq!(late.is_ok(), mode == AntiReplay::Monotonic, "{late:?}");

        let next = Sequence::next_to_send(now, Some(sequence), guard);
        assert!(next.is_after(sequence), "{next} after {sequence}");
    }
}

/// The checksum is what the tag leaves out, so that a receiver may hear it in either form.
fn no_change_is_believed(signed: &[u8], ip: &IpHeader, key: &Key, changes: &[u8]) {
    let mut changed = signed.to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % changed.len();
        changed[at] ^= change[2];
    }
    repair_checksum(&mut changed, ip);
    let believed =
        Advertisement::parse(&changed, ip).is_ok_and(|heard| verify(&heard, std::slice::from_ref(key)).is_ok());
    changed[CHECKSUM].copy_from_slice(&signed[CHECKSUM]);
    assert!(!believed || changed == signed, "a changed message is believed: {changed:?}");
}
