//! Ways in for the checks of `fuzz/`, to what is private otherwise. Not for use by anything else, and free to change.

use std::io::Read;

use pcap_file::DataLink;

use crate::cli::decode::{self, Keys, Line, Link, Recorded};

/// Decodes a capture as `vipd decode` does; returns what it prints, and why it stops before the end.
pub fn decode(capture: impl Read, json: bool) -> (String, Option<String>) {
    let mut output = Vec::new();
    let error = decode::decode(capture, &mut output, json, &Keys::default()).err();
    (String::from_utf8_lossy(&output).into_owned(), error.map(|error| error.to_string()))
}

/// Returns what `vipd decode` prints of a frame, as text and as JSON; `None` where it does not concern VRRP.
///
/// `link` is the capture's link type, as <https://www.tcpdump.org/linktypes.html> numbers them.
pub fn dissect(link: u32, frame: &[u8]) -> Option<(String, String)> {
    let link = Link::try_from(DataLink::from(link)).ok()?;
    let line = Line::of(&Recorded { time: None, link, data: frame.to_vec() }, &Keys::default())?;
    let json = serde_json::to_string(&line).ok()?;
    Some((line.to_string(), json))
}
