//! The checksum against RFC 1071 taken literally: words in a row, added in one's complement.

use std::net::IpAddr;

use proptest::prelude::*;
use vrrp_packet::{ChecksumForm, Version};

use crate::properties::{Sent, sent};
use crate::support::emitted;

/// The pseudo-header as it would stand in front of the message (RFC 9568 §5.2.8).
fn pseudo_header(sent: &Sent, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    match (sent.ip.source, sent.ip.destination) {
        // RFC 9293 §3.1: source, destination, zero, protocol, length.
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            [&source.octets()[..], &destination.octets(), &[0, 112], &length[2..]].concat()
        }
        // RFC 8200 §8.1: source, destination, length, zeros, next header.
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            [&source.octets()[..], &destination.octets(), &length, &[0, 0, 0, 112]].concat()
        }
        (source, destination) => panic!("{source} and {destination} are not of one family"),
    }
}

fn ones_complement_sum(bytes: &[u8]) -> u16 {
    assert!(bytes.len().is_multiple_of(2), "no VRRP message is of odd length");
    bytes.chunks(2).fold(0, |sum: u16, word| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes([word[0], word[1]]));
        sum + u16::from(carry)
    })
}

proptest! {
    #[test]
    fn an_emitted_checksum_makes_the_sum_all_ones(sent in sent()) {
        let payload = emitted(&sent.outgoing(), &sent.ip);

        let covered = match sent.form() {
            ChecksumForm::Message => payload.clone(),
            ChecksumForm::PseudoHeader => [pseudo_header(&sent, payload.len()), payload.clone()].concat(),
        };

        prop_assert_eq!(ones_complement_sum(&covered), u16::MAX);
    }

    #[test]
    fn only_the_right_checksum_is_accepted(sent in sent(), wrong in any::<u16>()) {
        let payload = emitted(&sent.outgoing(), &sent.ip);
        let mut bent = payload.clone();
        bent[6..8].copy_from_slice(&wrong.to_be_bytes());

        let accepted = vrrp_packet::Advertisement::parse(&bent, &sent.ip).is_ok();

        let message = ones_complement_sum(&bent) == u16::MAX;
        let with_header = ones_complement_sum(&[pseudo_header(&sent, bent.len()), bent].concat()) == u16::MAX;
        let right = match (sent.version, sent.ip.source) {
            (Version::V2, _) => message,
            (Version::V3, IpAddr::V4(_)) => message || with_header,
            (Version::V3, IpAddr::V6(_)) => with_header,
        };
        prop_assert_eq!(accepted, right);
    }
}
