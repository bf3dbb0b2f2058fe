//! Each reason to discard, and the oddities that are no reason.

use vrrp_packet::{Addresses, Advertisement, ChecksumForm, Family, Interval, ParseError, V2Authentication, Version};

use crate::support::{addresses, emitted, ip, ipv4, ipv6, key, outgoing, repair_checksum, signed, unhex};

const V3_MESSAGE_LENGTH: usize = 12;
const V2_MESSAGE_LENGTH: usize = 20;

fn v3() -> Vec<u8> {
    emitted(&outgoing(Version::V3, &addresses(&["10.77.0.100"])), &ipv4())
}

fn v2() -> Vec<u8> {
    emitted(&outgoing(Version::V2, &addresses(&["10.77.0.100"])), &ipv4())
}

/// Parses a good version 3 packet after one byte was set, its checksum correct again.
fn parse_with_byte(at: usize, value: u8) -> Result<Interval, ParseError> {
    let mut payload = v3();
    payload[at] = value;
    repair_checksum(&mut payload, V3_MESSAGE_LENGTH);
    Advertisement::parse(&payload, &ipv4()).map(|advertisement| advertisement.interval())
}

#[test]
fn an_empty_payload_is_truncated() {
    assert_eq!(Advertisement::parse(&[], &ipv4()), Err(ParseError::Truncated { needed: 8, got: 0 }));
}

#[test]
fn a_header_cut_short_is_truncated() {
    assert_eq!(Advertisement::parse(&v3()[..7], &ipv4()), Err(ParseError::Truncated { needed: 8, got: 7 }));
}

#[test]
fn an_address_list_cut_short_is_truncated() {
    assert_eq!(Advertisement::parse(&v3()[..11], &ipv4()), Err(ParseError::Truncated { needed: 12, got: 11 }));
}

#[test]
fn version_2_without_its_authentication_data_is_truncated() {
    assert_eq!(Advertisement::parse(&v2()[..12], &ipv4()), Err(ParseError::Truncated { needed: 20, got: 12 }));
}

#[test]
fn versions_other_than_2_and_3_are_refused() {
    for version in [0, 1, 4, 15] {
        assert_eq!(parse_with_byte(0, version << 4 | 1), Err(ParseError::Version(version)));
    }
}

#[test]
fn types_other_than_1_are_refused() {
    for packet_type in [0, 2, 15] {
        assert_eq!(parse_with_byte(0, 0x30 | packet_type), Err(ParseError::Type(packet_type)));
    }
}

#[test]
fn version_2_over_ipv6_is_refused() {
    let error = ParseError::FamilyMismatch { version: Version::V2, family: Family::Ipv6 };

    assert_eq!(Advertisement::parse(&v2(), &ipv6()), Err(error));
}

#[test]
fn bytes_that_are_no_trailer_are_refused() {
    for count in [1, 4, 27, 29] {
        let mut payload = v3();
        payload.resize(V3_MESSAGE_LENGTH + count, 1);

        assert_eq!(Advertisement::parse(&payload, &ipv4()), Err(ParseError::TrailingBytes { count }));
    }
}

#[test]
fn a_trailer_of_another_type_is_refused() {
    let mut payload = v3();
    payload.resize(V3_MESSAGE_LENGTH + 28, 0);
    payload[V3_MESSAGE_LENGTH] = 2;

    assert_eq!(Advertisement::parse(&payload, &ipv4()), Err(ParseError::TrailingBytes { count: 28 }));
}

#[test]
fn a_wrong_checksum_is_refused_and_named_with_the_one_of_the_rfc() {
    let mut payload = unhex("3133c8010064fbb50a4d0064");
    payload[7] ^= 1;

    let error = ParseError::Checksum { found: 0xfbb4, expected: 0xfbb5 };

    assert_eq!(Advertisement::parse(&payload, &ipv4()), Err(error));
}

#[test]
fn the_pseudo_header_form_holds_only_between_its_two_addresses() {
    let payload = v3();

    let other_source = Advertisement::parse(&payload, &ip("10.77.0.2", "224.0.0.18"));
    let other_destination = Advertisement::parse(&payload, &ip("10.77.0.1", "10.77.0.2"));

    assert!(matches!(other_source, Err(ParseError::Checksum { .. })));
    assert!(matches!(other_destination, Err(ParseError::Checksum { .. })));
}

#[test]
fn version_2_has_no_pseudo_header_form() {
    let mut payload = v2();
    payload[6..8].fill(0);
    let protocol = pnet::packet::ip::IpNextHeaderProtocol(vrrp_packet::IP_PROTOCOL);
    let checksum =
        pnet::util::ipv4_checksum(&payload, 3, &[], &[10, 77, 0, 1].into(), &[224, 0, 0, 18].into(), protocol);
    payload[6..8].copy_from_slice(&checksum.to_be_bytes());

    assert!(matches!(Advertisement::parse(&payload, &ipv4()), Err(ParseError::Checksum { .. })));
}

#[test]
fn ipv6_has_no_form_without_pseudo_header() {
    let mut payload = emitted(&outgoing(Version::V3, &addresses(&["fe80::100"])), &ipv6());
    let length = payload.len();
    repair_checksum(&mut payload, length);

    assert!(matches!(Advertisement::parse(&payload, &ipv6()), Err(ParseError::Checksum { .. })));
}

#[test]
fn vrid_0_is_refused() {
    assert_eq!(parse_with_byte(1, 0), Err(ParseError::Vrid));
}

#[test]
fn an_interval_of_zero_is_refused() {
    let mut payload = v3();
    payload[4..6].fill(0);
    repair_checksum(&mut payload, V3_MESSAGE_LENGTH);

    assert_eq!(Advertisement::parse(&payload, &ipv4()), Err(ParseError::ZeroInterval));
}

#[test]
fn an_interval_of_zero_is_refused_in_version_2() {
    let mut payload = v2();
    payload[5] = 0;
    repair_checksum(&mut payload, V2_MESSAGE_LENGTH);

    assert_eq!(Advertisement::parse(&payload, &ipv4()), Err(ParseError::ZeroInterval));
}

#[test]
fn an_advertisement_without_address_is_refused() {
    let mut payload = unhex("3133c80000640000");
    repair_checksum(&mut payload, 8);

    assert_eq!(Advertisement::parse(&payload, &ipv4()), Err(ParseError::NoAddress));
}

#[test]
fn a_wrong_checksum_is_named_before_what_the_bytes_under_it_say() {
    assert!(matches!(Advertisement::parse(&unhex("3100c80000000000"), &ipv4()), Err(ParseError::Checksum { .. })));
}

#[test]
fn the_reserved_bits_of_version_3_are_ignored() {
    assert_eq!(parse_with_byte(4, 0xf0), Ok(Interval::from_centis(100).unwrap()));
}

#[test]
fn both_forms_are_accepted_over_ipv4_and_told_apart() {
    let list = addresses(&["10.77.0.100"]);
    for form in [ChecksumForm::Message, ChecksumForm::PseudoHeader] {
        let mut advertisement = outgoing(Version::V3, &list);
        advertisement.checksum = form;
        let payload = emitted(&advertisement, &ipv4());

        assert_eq!(Advertisement::parse(&payload, &ipv4()).unwrap().checksum(), form);
    }
}

#[test]
fn the_ipv4_checksum_does_not_cover_the_trailer_and_the_ipv6_one_does() {
    let ipv4_list = addresses(&["10.77.0.100"]);
    let ipv6_list = addresses(&["fe80::100"]);
    let sequence = vrrp_packet::Sequence::from_bits(7);
    let mut over_ipv4 = signed(&outgoing(Version::V3, &ipv4_list), &ipv4(), &key(1), sequence);
    let mut over_ipv6 = signed(&outgoing(Version::V3, &ipv6_list), &ipv6(), &key(1), sequence);
    *over_ipv4.last_mut().unwrap() ^= 1;
    *over_ipv6.last_mut().unwrap() ^= 1;

    assert!(Advertisement::parse(&over_ipv4, &ipv4()).is_ok());
    assert!(matches!(Advertisement::parse(&over_ipv6, &ipv6()), Err(ParseError::Checksum { .. })));
}

#[test]
fn auth_types_of_version_2_are_told_apart() {
    let password = *b"s3cret\0\0";
    for (auth_type, expected) in
        [(0, V2Authentication::None), (1, V2Authentication::SimplePassword(password)), (2, V2Authentication::Other(2))]
    {
        let mut payload = v2();
        payload[4] = auth_type;
        payload[12..].copy_from_slice(&password);
        repair_checksum(&mut payload, V2_MESSAGE_LENGTH);

        let heard = Advertisement::parse(&payload, &ipv4()).unwrap().v2_authentication();

        assert_eq!(heard, Some(expected));
    }
}

#[test]
fn a_password_matches_only_itself() {
    let heard = V2Authentication::SimplePassword(*b"s3cret\0\0");

    assert!(heard.matches(Some(*b"s3cret\0\0")));
    assert!(!heard.matches(Some(*b"s3cret!\0")));
    assert!(!heard.matches(None));
    assert!(V2Authentication::None.matches(None));
    assert!(!V2Authentication::Other(2).matches(None));
}

#[test]
fn a_password_does_not_show_in_debug_output() {
    let list = addresses(&["10.77.0.100"]);
    let mut advertisement = outgoing(Version::V2, &list);
    advertisement.password = Some([0xab; 8]);
    let payload = emitted(&advertisement, &ipv4());

    let shown = format!("{advertisement:?} {:?}", Advertisement::parse(&payload, &ipv4()).unwrap());

    assert!(!shown.contains(&0xab_u8.to_string()), "{shown}");
    for part in ["Outgoing { version: V2", "Advertisement { version: V2", "vrid: Vrid(51)", "SimplePassword(..)"] {
        assert!(shown.contains(part), "{part} is missing from {shown}");
    }
}

#[test]
fn a_list_without_addresses_is_empty() {
    assert!(Addresses::Ipv4(&[]).is_empty());
    assert!(Addresses::Ipv6(&[]).is_empty());
    assert!(!Addresses::Ipv4(&[[10, 77, 0, 100]]).is_empty());
}

#[test]
fn addresses_keep_the_order_of_the_sender() {
    let list = addresses(&["fe80::100", "fd77::100", "fd77::1"]);
    let payload = emitted(&outgoing(Version::V3, &list), &ipv6());

    let heard = Advertisement::parse(&payload, &ipv6()).unwrap().addresses();

    assert!(matches!(heard, Addresses::Ipv6(_)));
    assert!(heard.iter().eq(list.iter().copied()));
    assert_eq!((heard.len(), heard.is_empty()), (3, false));
}

#[test]
fn the_hop_limit_is_judged_apart_from_the_payload() {
    let mut routed = ipv4();
    routed.hop_limit = 254;

    assert!(Advertisement::parse(&v3(), &routed).is_ok());
    assert!(!routed.is_on_link());
    assert!(ipv4().is_on_link());
}
