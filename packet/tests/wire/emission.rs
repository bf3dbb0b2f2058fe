//! What may be sent, what may not, and that it costs no allocation.

use vrrp_packet::{Advertisement, EmitError, Interval, IpHeader, Outgoing, Sequence, Version};

use crate::support::{addresses, emitted, ip, ipv4, ipv6, key, outgoing, signed, unhex};

fn refused(outgoing: &Outgoing<'_>, ip: &IpHeader) -> EmitError {
    let mut buffer = b"the packet before".to_vec();
    let error = outgoing.emit_into(ip, &mut buffer).unwrap_err();
    assert!(buffer.is_empty(), "an old packet was left to be sent");
    error
}

#[test]
fn version_2_refuses_a_fraction_of_a_second() {
    let list = addresses(&["10.77.0.100"]);
    let interval = Interval::from_centis(150).unwrap();
    let advertisement = Outgoing { interval, ..outgoing(Version::V2, &list) };

    assert_eq!(refused(&advertisement, &ipv4()), EmitError::Interval { version: Version::V2, interval });
}

#[test]
fn version_3_refuses_more_than_twelve_bits() {
    let list = addresses(&["10.77.0.100"]);
    let interval = Interval::from_seconds(41).unwrap();
    let advertisement = Outgoing { interval, ..outgoing(Version::V3, &list) };

    assert_eq!(refused(&advertisement, &ipv4()), EmitError::Interval { version: Version::V3, interval });
}

#[test]
fn an_empty_address_list_is_refused() {
    assert_eq!(refused(&outgoing(Version::V3, &[]), &ipv4()), EmitError::NoAddress);
}

#[test]
fn more_addresses_than_the_count_can_say_are_refused() {
    let list = addresses(&["10.77.0.100"; 256]);

    assert_eq!(refused(&outgoing(Version::V3, &list), &ipv4()), EmitError::TooManyAddresses(256));
}

#[test]
fn mixed_families_are_refused() {
    let mixed = addresses(&["10.77.0.100", "fe80::100"]);
    let plain = addresses(&["10.77.0.100"]);

    assert_eq!(refused(&outgoing(Version::V3, &mixed), &ipv4()), EmitError::MixedFamilies);
    assert_eq!(refused(&outgoing(Version::V3, &plain), &ipv6()), EmitError::MixedFamilies);
    assert_eq!(refused(&outgoing(Version::V3, &plain), &ip("10.77.0.1", "ff02::12")), EmitError::MixedFamilies);
}

#[test]
fn version_2_over_ipv6_is_refused() {
    let list = addresses(&["fe80::100"]);

    assert_eq!(refused(&outgoing(Version::V2, &list), &ipv6()), EmitError::Version2OverIpv6);
}

#[test]
fn a_password_in_version_3_is_refused() {
    let list = addresses(&["10.77.0.100"]);
    let advertisement = Outgoing { password: Some([0; 8]), ..outgoing(Version::V3, &list) };

    assert_eq!(refused(&advertisement, &ipv4()), EmitError::PasswordInVersion3);
}

#[test]
fn the_form_without_pseudo_header_is_that_of_the_rfc() {
    let list = addresses(&["10.77.0.100"]);
    let checksum = vrrp_packet::ChecksumForm::Message;
    let advertisement = Outgoing { checksum, ..outgoing(Version::V3, &list) };

    assert_eq!(emitted(&advertisement, &ipv4()), unhex("3133c8010064fbb50a4d0064"));
}

#[test]
fn as_many_addresses_as_the_count_can_say_fit() {
    let list = addresses(&["fd77::100"; 255]);
    let payload = emitted(&outgoing(Version::V3, &list), &ipv6());

    assert_eq!(Advertisement::parse(&payload, &ipv6()).unwrap().addresses().len(), 255);
}

#[test]
fn emitting_again_reuses_the_buffer() {
    let list = addresses(&["10.77.0.100"; 20]);
    let advertisement = outgoing(Version::V3, &list);
    let mut buffer = emitted(&advertisement, &ipv4());
    let before = (buffer.as_ptr(), buffer.capacity());

    advertisement.emit_signed_into(&ipv4(), &key(1), Sequence::from_bits(1), &mut buffer).unwrap();

    assert_eq!((buffer.as_ptr(), buffer.capacity()), before);
    assert!(buffer.capacity() < 2 * buffer.len(), "{} bytes for {}", buffer.capacity(), buffer.len());
    assert_eq!(buffer, signed(&advertisement, &ipv4(), &key(1), Sequence::from_bits(1)));
}

#[test]
fn checksums_agree_with_those_of_another_implementation() {
    let protocol = pnet::packet::ip::IpNextHeaderProtocol(vrrp_packet::IP_PROTOCOL);
    let ipv4_list = addresses(&["10.77.0.100", "255.255.255.255"]);
    let ipv6_list = addresses(&["fe80::100", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]);

    let over_ipv4 = emitted(&outgoing(Version::V3, &ipv4_list), &ipv4());
    let over_ipv6 = signed(&outgoing(Version::V3, &ipv6_list), &ipv6(), &key(1), Sequence::from_bits(u64::MAX));

    let expected =
        pnet::util::ipv4_checksum(&over_ipv4, 3, &[], &[10, 77, 0, 1].into(), &[224, 0, 0, 18].into(), protocol);
    assert_eq!(over_ipv4[6..8], expected.to_be_bytes());
    let [source, group] = ["fe80::1", "ff02::12"].map(|address| address.parse().unwrap());
    let expected = pnet::util::ipv6_checksum(&over_ipv6, 3, &[], &source, &group, protocol);
    assert_eq!(over_ipv6[6..8], expected.to_be_bytes());
}
