//! `vipd decode`, fed with what real routers sent (packet/tests/vectors).

use std::borrow::Cow;
use std::fs;
use std::io::Read;
use std::process::Stdio;

use pcap_file::DataLink;
use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use serde_json::Value;

use crate::run::{said, said_to, vipd};

fn vectors(file: &str) -> Vec<Value> {
    let path = format!("{}/packet/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Puts the IP header back that the recording left out.
fn packet(vector: &Value) -> Vec<u8> {
    let payload = bytes(&vector["payload"]);
    let hop_limit = u8::try_from(vector["hop_limit"].as_u64().unwrap()).unwrap();
    let ends = ["source", "destination"].map(|end| vector[end].as_str().unwrap());
    let mut packet = Vec::new();
    if vector["family"] == "ipv4" {
        let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        packet.extend([0x45, 0xc0, length[0], length[1], 0, 0, 0, 0, hop_limit, 112, 0, 0]);
        ends.iter().for_each(|end| packet.extend(end.parse::<std::net::Ipv4Addr>().unwrap().octets()));
    } else {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        packet.extend([0x60, 0, 0, 0, length[0], length[1], 112, hop_limit]);
        ends.iter().for_each(|end| packet.extend(end.parse::<std::net::Ipv6Addr>().unwrap().octets()));
    }
    packet.extend(payload);
    packet
}

fn pcap(datalink: DataLink, packets: &[(f64, Vec<u8>)]) -> Vec<u8> {
    let mut writer = PcapWriter::with_header(Vec::new(), PcapHeader { datalink, ..PcapHeader::default() }).unwrap();
    for (time, data) in packets {
        let length = u32::try_from(data.len()).unwrap();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the recordings are of this century"
        )]
        let (ts_sec, ts_frac) = (time.trunc() as u32, (time.fract() * 1e6) as u32);
        let raw = RawPcapPacket { ts_sec, ts_frac, incl_len: length, orig_len: length, data: Cow::Borrowed(data) };
        writer.write_raw_packet(&raw).unwrap();
    }
    writer.into_writer()
}

fn recorded() -> Vec<u8> {
    let vectors = vectors("advertisements.json");
    let packets: Vec<_> =
        vectors.iter().map(|vector| (vector["captured_unix"].as_f64().unwrap(), packet(vector))).collect();
    pcap(DataLink::RAW, &packets)
}

fn decoded(capture: &[u8], more: &[&str]) -> String {
    said_to(&[&["decode", "-"], more].concat(), capture)
}

#[test]
fn what_real_routers_sent_is_printed() {
    insta::assert_snapshot!(decoded(&recorded(), &[]));
}

#[test]
fn json_has_one_object_a_line() {
    insta::assert_snapshot!(decoded(&recorded(), &["--json"]));
}

#[test]
fn announcements_are_printed() {
    let frames: Vec<_> =
        vectors("announcements.json").iter().map(|it| (1_795_169_459.5, bytes(&it["frame"]))).collect();
    insta::assert_snapshot!(decoded(&pcap(DataLink::ETHERNET, &frames), &[]));
}

#[test]
fn a_capture_that_is_cut_off_is_printed_as_far_as_it_goes() {
    let whole = recorded();
    let second_ends = 24 + 2 * (16 + 32);
    insta::assert_snapshot!(decoded(&whole[..second_ends + 20], &[]));
}

#[test]
fn what_is_no_capture_is_refused() {
    let tries = [decoded(b"", &[]), decoded(b"this is no capture", &[]), said(&["decode", "/nonexistent.pcap"])];
    insta::assert_snapshot!(tries.join("\n"));
}

#[test]
fn a_file_is_read_like_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("capture.pcap");
    fs::write(&file, recorded()).unwrap();

    let output = vipd(&["decode"]).arg(&file).output().unwrap();

    assert!(decoded(&recorded(), &[]).contains(&String::from_utf8(output.stdout).unwrap()));
}

#[test]
fn signatures_are_verified_with_the_keys_that_are_given() {
    let directory = tempfile::tempdir().unwrap();
    let key = |name: &str, text: String| {
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let signed: Vec<Value> =
        vectors("advertisements.json").into_iter().filter(|it| it["hmac_key"].is_string()).collect();
    let right = key("right", format!("hex:{}\n", signed[0]["hmac_key"].as_str().unwrap()));
    let wrong = key("wrong", format!("hex:{}\n", "5a".repeat(32)));

    let both = decoded(&recorded(), &["--key", &wrong, "--key", &right]);
    let one = decoded(&recorded(), &["--key", &wrong]);

    assert!(signed.len() > 3);
    assert_eq!(both.matches(" auth hmac key 1 valid clock ").count(), signed.len(), "{both}");
    assert!(!both.contains("its signature fits no key"), "{both}");
    assert_eq!(one.matches(" bad clock ").count(), signed.len(), "{one}");
    assert_eq!(one.matches("DISCARD: its signature fits no key that was given").count(), signed.len(), "{one}");
    let none = decoded(&recorded(), &["--key", &key("short", "hex:00\n".to_owned())]);
    assert!(none.contains("does not hold a key: key has 1 bytes") && none.contains("exit code: 1"), "{none}");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("capture.pcap");
    let one = packet(&vectors("advertisements.json")[0]);
    fs::write(&file, pcap(DataLink::RAW, &vec![(1_795_169_459.5, one); 10_000])).unwrap();
    let mut child = vipd(&["decode"]).arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();

    child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();

    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()));
}
