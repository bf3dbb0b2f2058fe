//! How the small types read in messages, and what their questions answer.

use vrrp_packet::{Family, Interval, Key, KeyId, Priority, Sequence, V2Authentication, Version, Vrid};

#[test]
fn every_type_reads_as_people_write_it() {
    assert_eq!(Vrid::new(51).unwrap().to_string(), "51");
    assert_eq!(Priority::new(200).to_string(), "200");
    assert_eq!([Version::V2, Version::V3].map(|version| version.to_string()), ["2", "3"]);
    assert_eq!([Family::Ipv4, Family::Ipv6].map(|family| family.to_string()), ["IPv4", "IPv6"]);
    assert_eq!(Interval::from_centis(1).unwrap().to_string(), "10ms");
    assert_eq!(Sequence::from_bits(7 << 32 | 3 << 16 | 2).to_string(), "7.00003+2");
    assert_eq!(KeyId::new(9).unwrap().to_string(), "9");
    let authentications = [V2Authentication::None, V2Authentication::Other(2)].map(|it| format!("{it:?}"));
    assert_eq!(authentications, ["None", "Other(2)"]);
}

#[test]
fn only_255_is_the_owner_and_only_0_a_farewell() {
    for number in 0..=u8::MAX {
        assert_eq!(Priority::new(number).is_owner(), number == 255);
        assert_eq!(Priority::new(number).is_release(), number == 0);
    }
}

#[test]
fn a_key_knows_its_id() {
    let id = KeyId::new(9).unwrap();

    assert_eq!(Key::new(id, &[1; 32]).unwrap().id(), id);
}
