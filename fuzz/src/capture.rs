//! `vipd decode`: pcap and pcapng from the first byte to the last line.
//!
//! Input: the file.

use std::io::{self, Read};

use serde_json::Value;
use vipd::fuzzing::decode;

/// What is printed of each byte that was read, at most: an IPv4 header in a record of 16 bytes makes the longest line.
const BYTES_A_BYTE: usize = 16;
/// The last line.
const SUMMARY: usize = 256;
/// Longer captures are not read a second time byte by byte.
const SHORT: usize = 1024;

/// The output is bounded, harmless for a terminal, complete in both forms, and does not depend on how the file arrives.
pub fn check(data: &[u8]) {
    let (text, error) = decode(data, false);
    let (json, json_error) = decode(data, true);
    assert_eq!(error, json_error);
    assert!(!error.as_deref().is_some_and(|error| error.chars().any(char::is_control)), "{error:?}");
    let bound = data.len() * BYTES_A_BYTE + SUMMARY;
    assert!(text.len() <= bound && json.len() <= bound, "{} and {} bytes of {}", text.len(), json.len(), data.len());
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert_eq!(text.lines().count(), json.lines().count());
    if !text.is_empty() {
        ends_with_the_right_count(&json);
    }
    if data.len() <= SHORT {
        assert_eq!(decode(Trickle(data), false), (text, error));
    }
}

fn ends_with_the_right_count(json: &str) {
    let mut lines: Vec<Value> = Vec::new();
    for line in json.lines() {
        match serde_json::from_str(line) {
            Ok(value) => lines.push(value),
            Err(error) => panic!("{line} is not JSON: {error}"),
        }
    }
    let summary = lines.pop().unwrap_or_default();
    assert_eq!(summary["kind"], "summary");
    let count = |is: &dyn Fn(&Value) -> bool| lines.iter().filter(|line| is(line)).count();
    let advertisements = count(&|line| line["kind"] == "advertisement");
    assert_eq!(summary["advertisements"], advertisements);
    assert_eq!(summary["announcements"], lines.len() - advertisements);
    assert_eq!(summary["discarded"], count(&|line| line["discard"].is_string()));
    assert!(summary["packets"].as_u64() >= Some(lines.len() as u64));
}

/// Delivers one byte a time, as a pipe may.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}
