//! Keys and their files; each reason not to believe a signed packet.

use vrrp_packet::authentication::{admit, verify};
use vrrp_packet::{Advertisement, AuthenticationError, Key, KeyError, KeyId, Outgoing, Priority, Sequence, Version};

use crate::support::{BY_TIME, NOW, addresses, emitted, ip, ipv4, key, outgoing, repair_checksum, signed};

const MESSAGE_LENGTH: usize = 12;

fn id() -> KeyId {
    KeyId::new(1).unwrap()
}

/// Signs a packet with key 1 at `sequence`, bends it, and asks for admission with that key, now, without a mark.
fn admit_bent(sequence: Sequence, bend: impl Fn(&mut Vec<u8>)) -> Result<Sequence, AuthenticationError> {
    let list = addresses(&["10.77.0.100"]);
    let mut payload = signed(&outgoing(Version::V3, &list), &ipv4(), &key(1), sequence);
    bend(&mut payload);
    let advertisement = Advertisement::parse(&payload, &ipv4()).unwrap();
    admit(&advertisement, &[key(1)], &BY_TIME, None, NOW)
}

#[test]
fn a_packet_of_ours_is_admitted() {
    let sequence = Sequence::at(NOW);

    assert_eq!(admit_bent(sequence, |_| ()), Ok(sequence));
}

#[test]
fn a_packet_without_trailer_is_missing_it() {
    assert_eq!(
        admit_bent(Sequence::at(NOW), |payload| payload.truncate(MESSAGE_LENGTH)),
        Err(AuthenticationError::Missing)
    );
}

#[test]
fn key_id_0_and_reserved_bytes_are_malformed() {
    for (at, value) in [(1, 0), (2, 1), (3, 1)] {
        let result = admit_bent(Sequence::at(NOW), |payload| payload[MESSAGE_LENGTH + at] = value);

        assert_eq!(result, Err(AuthenticationError::Malformed));
    }
}

#[test]
fn an_unknown_key_is_named() {
    assert_eq!(
        admit_bent(Sequence::at(NOW), |payload| payload[MESSAGE_LENGTH + 1] = 9),
        Err(AuthenticationError::UnknownKey(KeyId::new(9).unwrap()))
    );
    assert_eq!(AuthenticationError::UnknownKey(KeyId::new(9).unwrap()).to_string(), "unknown key 9");
}

#[test]
fn a_changed_tag_is_bad() {
    assert_eq!(
        admit_bent(Sequence::at(NOW), |payload| *payload.last_mut().unwrap() ^= 0x80),
        Err(AuthenticationError::BadTag)
    );
}

#[test]
fn a_changed_priority_is_bad_even_with_a_correct_checksum() {
    let result = admit_bent(Sequence::at(NOW), |payload| {
        payload[2] = 0;
        repair_checksum(payload, MESSAGE_LENGTH);
    });

    assert_eq!(result, Err(AuthenticationError::BadTag));
}

#[test]
fn an_old_recording_is_outside_the_window_before_its_tag_is_looked_at() {
    let old = Sequence::from_bits(Sequence::at(NOW).to_bits() - (6 << 32));

    let result = admit_bent(old, |payload| *payload.last_mut().unwrap() ^= 1);

    assert!(matches!(result, Err(AuthenticationError::OutsideWindow { offset_nanos: -6_000_000_000 })), "{result:?}");
}

#[test]
fn a_packet_heard_twice_is_replayed() {
    let list = addresses(&["10.77.0.100"]);
    let payload = signed(&outgoing(Version::V3, &list), &ipv4(), &key(1), Sequence::at(NOW));
    let advertisement = Advertisement::parse(&payload, &ipv4()).unwrap();
    let mark = admit(&advertisement, &[key(1)], &BY_TIME, None, NOW).unwrap();

    let again = admit(&advertisement, &[key(1)], &BY_TIME, Some(mark), NOW);

    assert_eq!(again, Err(AuthenticationError::Replayed));
}

#[test]
fn a_forged_packet_is_bad_rather_than_replayed() {
    let list = addresses(&["10.77.0.100"]);
    let mut payload = signed(&outgoing(Version::V3, &list), &ipv4(), &key(1), Sequence::at(NOW));
    *payload.last_mut().unwrap() ^= 1;
    let advertisement = Advertisement::parse(&payload, &ipv4()).unwrap();

    let result = admit(&advertisement, &[key(1)], &BY_TIME, Some(Sequence::at(NOW)), NOW);

    assert_eq!(result, Err(AuthenticationError::BadTag));
}

#[test]
fn the_tag_covers_the_source_address() {
    let list = addresses(&["10.77.0.100"]);
    // The form without pseudo-header: else the checksum would notice first.
    let checksum = vrrp_packet::ChecksumForm::Message;
    let advertisement = Outgoing { checksum, ..outgoing(Version::V3, &list) };
    let payload = signed(&advertisement, &ipv4(), &key(1), Sequence::at(NOW));

    let from_another = ip("10.77.0.2", "224.0.0.18");
    let result = verify(&Advertisement::parse(&payload, &from_another).unwrap(), &[key(1)]);

    assert_eq!(result, Err(AuthenticationError::BadTag));
}

#[test]
fn the_key_is_chosen_by_its_id() {
    let list = addresses(&["10.77.0.100"]);
    let sequence = Sequence::at(NOW);
    let payload = signed(&outgoing(Version::V3, &list), &ipv4(), &key(2), sequence);

    let result = verify(&Advertisement::parse(&payload, &ipv4()).unwrap(), &[key(1), key(2), key(3)]);

    assert_eq!(result, Ok(sequence));
}

#[test]
fn a_signed_farewell_is_the_plain_one_and_a_trailer() {
    let list = addresses(&["10.77.0.100"]);
    let farewell = Outgoing { priority: Priority::RELEASE, ..outgoing(Version::V2, &list) };

    let plain = emitted(&farewell, &ipv4());
    let with_trailer = signed(&farewell, &ipv4(), &key(1), Sequence::at(NOW));

    assert_eq!(with_trailer[..plain.len()], plain);
    assert_eq!(with_trailer.len(), plain.len() + 28);
}

#[test]
fn a_key_file_holds_hex_digits_or_the_raw_key() {
    let list = addresses(&["10.77.0.100"]);
    let payload = signed(&outgoing(Version::V3, &list), &ipv4(), &key(1), Sequence::at(NOW));
    let advertisement = Advertisement::parse(&payload, &ipv4()).unwrap();
    let mut raw = vec![1; 32];
    let hex = format!("hex:{}", "01".repeat(32));
    let files = [raw.clone(), hex.clone().into_bytes(), format!("{hex}\n").into_bytes(), {
        raw.push(b'\n');
        raw
    }];

    for contents in files {
        let key = Key::from_file_contents(id(), &contents).unwrap();

        assert_eq!(verify(&advertisement, &[key]), Ok(Sequence::at(NOW)));
    }
}

#[test]
fn hex_digits_may_be_of_either_case() {
    let list = addresses(&["10.77.0.100"]);
    let secret = Key::new(id(), &[0xaf; 32]).unwrap();
    let payload = signed(&outgoing(Version::V3, &list), &ipv4(), &secret, Sequence::at(NOW));

    let key = Key::from_file_contents(id(), format!("hex:{}", "aF".repeat(32)).as_bytes()).unwrap();

    assert!(verify(&Advertisement::parse(&payload, &ipv4()).unwrap(), &[key]).is_ok());
}

#[test]
fn only_one_newline_is_dropped_from_a_key_file() {
    let mut contents = vec![b'k'; 31];
    contents.extend_from_slice(b"\n\n");

    assert!(Key::from_file_contents(id(), &contents).is_ok(), "32 bytes are left");
    assert_eq!(Key::from_file_contents(id(), &contents[..32]).unwrap_err(), KeyError::Length(31));
}

#[test]
fn keys_have_32_to_64_bytes() {
    for (length, accepted) in [(0, false), (31, false), (32, true), (64, true), (65, false)] {
        let expected = if accepted { Ok(()) } else { Err(KeyError::Length(length)) };

        assert_eq!(Key::new(id(), &vec![7; length]).map(|_| ()), expected);
    }
}

#[test]
fn bad_hex_is_named_with_its_place() {
    let odd = Key::from_file_contents(id(), b"hex:012").unwrap_err();
    let high = Key::from_file_contents(id(), b"hex:0123 5").unwrap_err();
    let low = Key::from_file_contents(id(), b"hex:01234g").unwrap_err();

    assert_eq!(odd, KeyError::OddHexDigits);
    assert_eq!(high, KeyError::HexDigit { position: 4 });
    assert_eq!(low, KeyError::HexDigit { position: 5 });
}

#[test]
fn a_secret_does_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", key(1)), "Key { id: 1, .. }");
}

#[test]
fn key_id_0_does_not_exist() {
    assert_eq!(KeyId::new(0), None);
}
