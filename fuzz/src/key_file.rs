//! [`Key::from_file_contents`].
//!
//! Input: the file.

use vrrp_packet::{Key, KeyError, KeyId};

/// A file holds a key if and only if the rule of the documentation says so, and hexadecimal is only another way to write it.
pub fn check(data: &[u8]) {
    let Some(id) = KeyId::new(1) else { return };
    let read = Key::from_file_contents(id, data);
    let contents = data.strip_suffix(b"\n").unwrap_or(data);
    let secret = match contents.strip_prefix(b"hex:") {
        Some(digits) => unhex(digits),
        None => Some(contents.to_vec()),
    };
    let expected = secret.as_ref().filter(|secret| (32..=64).contains(&secret.len()));
    assert_eq!(read.is_ok(), expected.is_some(), "{read:?}");
    match (&read, &secret) {
        (Err(KeyError::Length(length)), Some(secret)) => assert_eq!(*length, secret.len()),
        (Err(KeyError::HexDigit { position }), None) => assert!(!contents[4 + position].is_ascii_hexdigit()),
        (Err(KeyError::OddHexDigits), None) => assert!(!contents.len().is_multiple_of(2)),
        (Ok(_), Some(_)) => {}
        (Ok(_) | Err(_), _) => panic!("{read:?} of {data:?}"),
    }
    let (Ok(key), Some(secret)) = (&read, expected) else { return };
    assert_eq!(Key::new(id, secret).as_ref(), Ok(key));
    let digits: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
    for written in [format!("hex:{digits}"), format!("hex:{}\n", digits.to_lowercase())] {
        assert_eq!(Key::from_file_contents(id, written.as_bytes()).as_ref(), Ok(key));
    }
    assert_eq!(format!("{key:?}"), "Key { id: 1, .. }");
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    pairs.collect()
}
