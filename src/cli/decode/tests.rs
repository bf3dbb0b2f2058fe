#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use core::time::Duration;
use std::borrow::Cow;

use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::{DataLink, Endianness, TsResolution};
use proptest::prelude::*;
use vrrp_packet::{ChecksumForm, Interval, IpHeader, Outgoing, Priority, Version, Vrid, arp, ndp};

use super::*;

const SECONDS: u32 = 1_795_169_459;

/// A version 3 advertisement for 10.77.0.100, VRID 51, priority 200, in an IPv4 packet with this hop limit.
fn packet(hop_limit: u8) -> Vec<u8> {
    ipv4(hop_limit, 0, &[0x31, 0x33, 0xc8, 0x01, 0x00, 0x64, 0xfb, 0xb5, 10, 77, 0, 100])
}

fn ipv4(hop_limit: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let fragment = fragment.to_be_bytes();
    let mut packet = vec![0x45, 0xc0, length[0], length[1], 0, 0, fragment[0], fragment[1], hop_limit, 112, 0, 0];
    packet.extend([10, 77, 0, 1, 224, 0, 0, 18]);
    packet.extend(payload);
    packet
}

fn ethernet(tags: &[u8], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 1];
    frame.extend(tags);
    frame.extend([0x08, 0x00]);
    frame.extend(packet);
    frame
}

fn pcap(datalink: DataLink, frames: &[Vec<u8>]) -> Vec<u8> {
    let header = PcapHeader { datalink, snaplen: 65535, endianness: Endianness::Little, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap();
        let data = Cow::Borrowed(frame.as_slice());
        let raw = RawPcapPacket { ts_sec: SECONDS, ts_frac: 148_335, incl_len: length, orig_len: length, data };
        writer.write_raw_packet(&raw).unwrap();
    }
    writer.into_writer()
}

fn printed(capture: &[u8]) -> String {
    let mut output = Vec::new();
    decode(capture, &mut output, false, &Keys::default()).unwrap();
    String::from_utf8(output).unwrap()
}

const LINE: &str = "2026-11-20T10:10:59.148335Z  10.77.0.1 > 224.0.0.18  \
    v3 vrid 51 prio 200 interval 1s addresses 10.77.0.100 checksum message\n";

#[test]
fn every_link_type_leads_to_the_same_line() {
    let cooked = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00], packet(255).as_slice()].concat();
    let cooked_2 =
        [&[0x08, 0x00, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], packet(255).as_slice()].concat();
    let tagged = ethernet(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9], &packet(255));
    let padded = ethernet(&[], &[packet(255), vec![0; 14]].concat());
    for (link, frame) in [
        (DataLink::ETHERNET, ethernet(&[], &packet(255))),
        (DataLink::ETHERNET, tagged),
        (DataLink::ETHERNET, padded),
        (DataLink::LINUX_SLL, cooked),
        (DataLink::LINUX_SLL2, cooked_2),
        (DataLink::RAW, packet(255)),
    ] {
        assert_eq!(printed(&pcap(link, &[frame])).lines().next().unwrap(), LINE.trim_end(), "{link:?}");
    }
}

#[test]
fn ipv4_options_are_skipped() {
    let mut with_option = packet(255);
    with_option[0] = 0x46;
    with_option[3] += 4;
    with_option.splice(20..20, [0x94, 0x04, 0, 0]);

    assert!(printed(&pcap(DataLink::RAW, &[with_option])).starts_with(LINE));
}

#[test]
fn ipv6_behind_an_extension_header_is_found() {
    let ip = IpHeader { source: "fe80::1".parse().unwrap(), destination: "ff02::12".parse().unwrap(), hop_limit: 255 };
    let mut payload = Vec::new();
    let outgoing = Outgoing {
        version: Version::V3,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(200),
        interval: Interval::from_seconds(1).unwrap(),
        addresses: &["fe80::100".parse().unwrap()],
        checksum: ChecksumForm::PseudoHeader,
        password: None,
    };
    outgoing.emit_into(&ip, &mut payload).unwrap();
    let mut packet = vec![0x60, 0, 0, 0, 0, u8::try_from(payload.len() + 8).unwrap(), 0, 255];
    packet.extend("fe80::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
    packet.extend("ff02::12".parse::<std::net::Ipv6Addr>().unwrap().octets());
    packet.extend([112, 0, 1, 4, 0, 0, 0, 0]);
    packet.extend(payload);

    let text = printed(&pcap(DataLink::RAW, &[packet]));

    assert!(text.contains("fe80::1 > ff02::12  v3 vrid 51 prio 200 interval 1s addresses fe80::100"), "{text}");
}

#[test]
fn reasons_to_discard_are_named() {
    let mut bad_checksum = packet(255);
    bad_checksum[26] ^= 0xff;
    let mut short = packet(255);
    short.truncate(26);
    let fragment = ipv4(255, 0x2000, &[0x31, 0x33, 0xc8, 0x01, 0, 0, 0, 0]);
    let frames = [packet(64), bad_checksum, short, fragment, ipv4(255, 0, &[0x41, 0x33])];

    insta::assert_snapshot!(printed(&pcap(DataLink::RAW, &frames)));
}

#[test]
fn announcements_are_printed_and_other_packets_counted() {
    let mac = [2, 0, 0, 0, 0, 1];
    let arp = arp::gratuitous_request(mac, [10, 77, 0, 100].into()).to_vec();
    let na = ndp::unsolicited_advertisement(mac, "fd77::100".parse().unwrap(), false).to_vec();
    let mut asked = arp.clone();
    asked[41] = 1;

    insta::assert_snapshot!(printed(&pcap(DataLink::ETHERNET, &[arp, na, asked, vec![], vec![0; 60]])));
}

#[test]
fn a_packet_that_was_longer_than_the_capture_keeps_is_no_damage() {
    let frame = packet(255);
    let header = PcapHeader { datalink: DataLink::RAW, snaplen: 28, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    let data = Cow::Borrowed(&frame[..28]);
    let raw = RawPcapPacket { ts_sec: SECONDS, ts_frac: 0, incl_len: 28, orig_len: 32, data };
    writer.write_raw_packet(&raw).unwrap();

    assert!(printed(&writer.into_writer()).contains("DISCARD: the capture left out 4 bytes"));
}

#[test]
fn pcapng_times_follow_the_unit_of_the_interface() {
    for (resolution, stamp) in [(None, 1_795_169_459_148_335), (Some(9), 1_795_169_459_148_335_000)] {
        let options = resolution.map(InterfaceDescriptionOption::IfTsResol).into_iter().collect();
        let interface = InterfaceDescriptionBlock { linktype: DataLink::RAW, snaplen: 0, options };
        let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
        writer.write_pcapng_block(interface).unwrap();
        let frame = packet(255);
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: Duration::from_nanos(stamp),
            original_len: 32,
            data: Cow::Borrowed(&frame),
            options: vec![],
        };
        writer.write_pcapng_block(block).unwrap();

        assert!(printed(&writer.into_inner()).starts_with(LINE), "{resolution:?}");
    }
}

#[test]
fn what_was_readable_is_printed_before_the_error() {
    let whole = pcap(DataLink::RAW, &[packet(255), packet(255)]);
    let mut output = Vec::new();

    let error = decode(&whole[..whole.len() - 1], &mut output, false, &Keys::default()).unwrap_err();

    assert!(matches!(error, Trouble::Capture(CaptureError::CutOff)), "{error}");
    let text = String::from_utf8(output).unwrap();
    assert!(
        text.starts_with(LINE)
            && text.ends_with("packets: 1, of these advertisements: 1 (to discard: 0), announcements: 0, others: 0\n")
    );
}

#[test]
fn what_is_no_capture_is_said() {
    let error = |bytes: &[u8]| decode(bytes, &mut Vec::new(), false, &Keys::default()).unwrap_err().to_string();
    assert_eq!(error(b""), "it is empty");
    assert_eq!(error(b"GIF"), "it is neither pcap nor pcapng");
    assert_eq!(error(b"GIF89a.........................."), "it is neither pcap nor pcapng");
    assert_eq!(error(&pcap(DataLink::IEEE802_11, &[])), "link type 105 is not supported");
}

#[test]
fn nanosecond_captures_are_read() {
    let header =
        PcapHeader { datalink: DataLink::RAW, ts_resolution: TsResolution::NanoSecond, ..PcapHeader::default() };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    let frame = packet(255);
    let data = Cow::Borrowed(frame.as_slice());
    let raw = RawPcapPacket { ts_sec: SECONDS, ts_frac: 148_335_999, incl_len: 32, orig_len: 32, data };
    writer.write_raw_packet(&raw).unwrap();

    assert!(printed(&writer.into_writer()).starts_with(LINE));
}

proptest! {
    #[test]
    fn no_frame_panics(kind in 0..4, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let link = [capture::Link::Ethernet, capture::Link::Sll, capture::Link::Sll2, capture::Link::Ip];
        let link = link[usize::try_from(kind).unwrap()];
        let _ = Line::of(&capture::Recorded { time: None, link, data: bytes }, &Keys::default()).map(|line| line.to_string());
    }

    #[test]
    fn no_damage_to_a_capture_panics(at in 0..200_usize, with in any::<u8>(), cut in 0..200_usize) {
        for mut bytes in [pcap(DataLink::ETHERNET, &[ethernet(&[], &packet(255)), vec![0; 60]]), pcapng()] {
            let length = bytes.len();
            bytes[at % length] = with;
            bytes.truncate(length - cut % length);
            let _ = decode(bytes.as_slice(), &mut Vec::new(), true, &Keys::default());
        }
    }
}

fn pcapng() -> Vec<u8> {
    let frame = ethernet(&[], &packet(255));
    let options = vec![InterfaceDescriptionOption::IfTsResol(9)];
    let interface = InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options };
    let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
    writer.write_pcapng_block(interface).unwrap();
    let (timestamp, data) = (Duration::from_nanos(7), Cow::Borrowed(frame.as_slice()));
    let block = EnhancedPacketBlock { interface_id: 0, timestamp, original_len: 46, data, options: vec![] };
    writer.write_pcapng_block(block).unwrap();
    writer.into_inner()
}
