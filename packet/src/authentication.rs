//! The HMAC trailer (draft-cassen-vrrp-auth-hmac-00): keys, signing, verifying.
//!
//! Whether an unsigned advertisement is tolerated is the caller's decision; nothing here does so.

use core::fmt;
use core::num::NonZeroU8;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::checksum;
use crate::{
    Advertisement, AuthenticationError, Family, KeyError, ReplayGuard, Sequence, Trailer, UnixTime, Version, Vrid,
};

/// The block of SHA-256, to which HMAC pads shorter keys with zeros (RFC 2104 §2).
const BLOCK_LENGTH: usize = 64;
const MIN_SECRET_LENGTH: usize = 32;
const HEX_PREFIX: &[u8] = b"hex:";

/// Names a key on the wire: 1 to 255.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(NonZeroU8);

impl KeyId {
    /// Wraps an id; `None` for 0, which the draft does not allow.
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// Returns the byte that stands on the wire.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Holds a shared secret of 32 to 64 bytes, wiped when dropped and absent from `Debug`.
///
/// Two keys are equal where they sign alike. The comparison does not take constant time: it is for configurations.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: KeyId,
    /// Padded with zeros, as HMAC would itself; boxed, since moving an array would leave copies of it behind.
    block: Box<Zeroizing<[u8; BLOCK_LENGTH]>>,
}

impl Key {
    /// Copies a secret; the caller's copy is the caller's to wipe.
    ///
    /// # Errors
    /// `Length` unless the secret has 32 to 64 bytes.
    pub fn new(id: KeyId, secret: &[u8]) -> Result<Self, KeyError> {
        let mut block = Box::new(Zeroizing::new([0; BLOCK_LENGTH]));
        match block.get_mut(..secret.len()) {
            Some(start) if secret.len() >= MIN_SECRET_LENGTH => start.copy_from_slice(secret),
            Some(_) | None => return Err(KeyError::Length(secret.len())),
        }
        Ok(Self { id, block })
    }

    /// Reads what a key file holds: `hex:` and hex digits, or the raw secret.
    ///
    /// One trailing newline is not part of it (ownership rule 29).
    ///
    /// # Errors
    /// `OddHexDigits`, `HexDigit`, or `Length` unless the secret has 32 to 64 bytes.
    pub fn from_file_contents(id: KeyId, contents: &[u8]) -> Result<Self, KeyError> {
        let contents = contents.strip_suffix(b"\n").unwrap_or(contents);
        match contents.strip_prefix(HEX_PREFIX) {
            Some(digits) => Self::new(id, &decode_hex(digits)?),
            None => Self::new(id, contents),
        }
    }

    /// Returns the id that the key has on the wire.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Feeds HMAC with all that a tag covers; `signed` is message and trailer up to the tag.
    fn mac(&self, version: Version, vrid: Vrid, source: IpAddr, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&**self.block).into());
        mac.update(&pseudo_header(version, vrid, source));
        // The checksum reads as zero: over IPv6 it covers the tag, so it is not known yet.
        mac.update(&signed[..checksum::FIELD.start]);
        mac.update(&[0; checksum::FIELD.end - checksum::FIELD.start]);
        mac.update(&signed[checksum::FIELD.end..]);
        mac.update(&[0; Trailer::TAG_LENGTH]);
        mac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id.get()).finish_non_exhaustive()
    }
}

fn decode_hex(digits: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(KeyError::OddHexDigits);
    }
    // Allocated once: growing would leave copies of the secret behind.
    let mut secret = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for (pair, position) in pairs.iter().zip((0..).step_by(2)) {
        let [high, low] = *pair;
        secret.push(hex_digit(high, position)? << 4 | hex_digit(low, position + 1)?);
    }
    Ok(secret)
}

fn hex_digit(digit: u8, position: usize) -> Result<u8, KeyError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(KeyError::HexDigit { position }),
    }
}

fn pseudo_header(version: Version, vrid: Vrid, source: IpAddr) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = match Family::of(source) {
        Family::Ipv4 => 4,
        Family::Ipv6 => 6,
    };
    header[1] = version.number();
    header[2] = vrid.get();
    match source {
        IpAddr::V4(source) => header[4..8].copy_from_slice(&source.octets()),
        IpAddr::V6(source) => header[4..20].copy_from_slice(&source.octets()),
    }
    header
}

/// Appends a trailer to a message, whose checksum the tag does not cover.
pub(crate) fn append_trailer(
    version: Version,
    vrid: Vrid,
    source: IpAddr,
    key: &Key,
    sequence: Sequence,
    message: &mut Vec<u8>,
) {
    message.extend_from_slice(&[Trailer::TYPE, key.id.get(), 0, 0]);
    message.extend_from_slice(&sequence.to_bits().to_be_bytes());
    let tag = key.mac(version, vrid, source, message).finalize().into_bytes();
    message.extend_from_slice(&tag[..Trailer::TAG_LENGTH]);
}

/// Verifies the tag of an advertisement and returns its sequence, whose freshness is not yet known.
///
/// The comparison takes constant time.
///
/// # Errors
/// `Missing`, `Malformed`, `UnknownKey` or `BadTag`.
pub fn verify(advertisement: &Advertisement<'_>, keys: &[Key]) -> Result<Sequence, AuthenticationError> {
    let (trailer, key_id) = well_formed_trailer(advertisement)?;
    verify_tag(advertisement, trailer, key_id, keys)
}

/// Does all that a receiver must before it believes a signed advertisement, in the order that its counters follow.
///
/// `last` is the mark: the last sequence accepted from the same sender and Virtual Router. The sequence returned is the
/// new mark.
///
/// # Errors
/// Every error means "discard" where signatures are enforced; each variant is one counter.
pub fn admit(
    advertisement: &Advertisement<'_>,
    keys: &[Key],
    guard: &ReplayGuard,
    last: Option<Sequence>,
    now: UnixTime,
) -> Result<Sequence, AuthenticationError> {
    let (trailer, key_id) = well_formed_trailer(advertisement)?;
    guard.check_window(trailer.sequence(), now)?;
    let sequence = verify_tag(advertisement, trailer, key_id, keys)?;
    guard.check_order(last, sequence, now)?;
    Ok(sequence)
}

fn well_formed_trailer<'a>(advertisement: &Advertisement<'a>) -> Result<(Trailer<'a>, KeyId), AuthenticationError> {
    let trailer = advertisement.trailer().ok_or(AuthenticationError::Missing)?;
    let key_id = trailer.key_id().ok_or(AuthenticationError::Malformed)?;
    Ok((trailer, key_id))
}

fn verify_tag(
    advertisement: &Advertisement<'_>,
    trailer: Trailer<'_>,
    key_id: KeyId,
    keys: &[Key],
) -> Result<Sequence, AuthenticationError> {
    let key = keys.iter().find(|key| key.id == key_id).ok_or(AuthenticationError::UnknownKey(key_id))?;
    let payload = advertisement.payload();
    let signed = &payload[..payload.len() - Trailer::TAG_LENGTH];
    let mac = key.mac(advertisement.version(), advertisement.vrid(), advertisement.ip().source, signed);
    mac.verify_truncated_left(trailer.tag()).map_err(|_| AuthenticationError::BadTag)?;
    Ok(trailer.sequence())
}
