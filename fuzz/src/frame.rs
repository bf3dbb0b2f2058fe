//! What `vipd decode` makes of one captured frame.
//!
//! Input: link layer (its remainder by four), frame.

use serde_json::Value;
use vipd::fuzzing::dissect;

use super::input::Input;

/// The link types that `vipd decode` knows, by their numbers in a capture.
pub const ETHERNET: u32 = 1;
const IP: u32 = 101;
const COOKED: u32 = 113;
const COOKED_2: u32 = 276;

/// The longest that can be said of a frame apart from its addresses.
const LONGEST: usize = 512;
/// The longest that an IPv6 address is written, with what separates it.
const WRITTEN: usize = 44;

/// The line is short, harmless for a terminal and the same however the packet was carried.
pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let link = [ETHERNET, COOKED, COOKED_2, IP][usize::from(input.byte() % 4)];
    let frame = input.rest();
    let Some((text, json)) = dissect(link, frame) else { return };

    let bound = LONGEST + frame.len() / 4 * WRITTEN;
    assert!(text.len() <= bound && json.len() <= bound, "{} and {} bytes of {}", text.len(), json.len(), frame.len());
    assert!(!text.chars().chain(json.chars()).any(char::is_control), "{text:?} {json:?}");
    let Ok(says) = serde_json::from_str::<Value>(&json) else { panic!("{json} is not JSON") };

    match link {
        ETHERNET => {
            let tag = [0x81, 0, 0, 7];
            let tagged = [&frame[..12], &tag, &frame[12..]].concat();
            assert_eq!(dissect(ETHERNET, &tagged).map(|(text, _)| text), Some(text.clone()));
        }
        IP => {
            let ethertype: [u8; 2] = if frame[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
            let cooked = [&[0; 14], ethertype.as_slice(), frame].concat();
            let cooked_2 = [ethertype.as_slice(), &[0; 18], frame].concat();
            assert_eq!(dissect(COOKED, &cooked).map(|(text, _)| text), Some(text.clone()));
            assert_eq!(dissect(COOKED_2, &cooked_2).map(|(text, _)| text), Some(text.clone()));
        }
        _ => {}
    }
    let whole = !says["discard"].as_str().is_some_and(|reason| reason.starts_with("the capture left out"));
    if says["kind"] == "advertisement" && whole && !text.contains("fragment") {
        let padded = [frame, &[0; 6]].concat();
        assert_eq!(dissect(link, &padded).map(|(text, _)| text), Some(text));
    }
}
