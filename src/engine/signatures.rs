//! What makes advertisements believable: the keys of a router, what it remembers of sequences, and both put to use.
//!
//! Pure: the time is an argument. Nothing here allocates.

use std::net::IpAddr;
use std::sync::Arc;

use vrrp_packet::authentication::admit;
use vrrp_packet::{Advertisement, AuthenticationError, Key, ReplayGuard, Sequence, UnixTime};

use super::counters::Discard;

/// How many senders of one router are remembered. Only who has a key can take a place.
pub const SENDERS: usize = 16;

/// Says how a router signs and verifies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authentication {
    /// Every key that a peer may sign with.
    pub keys: Arc<[Key]>,
    /// What advertisements are signed with; `None`: they are not.
    pub signing_key: Option<Key>,
    /// Whether unsigned advertisements are taken as well.
    pub takes_unsigned: bool,
    /// What protects from recorded packets.
    pub guard: ReplayGuard,
}

/// Marks the last sequence that was accepted from one sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The sender.
    pub source: IpAddr,
    /// The sequence.
    pub sequence: Sequence,
    /// The sender's clock less ours when it arrived, in nanoseconds.
    pub offset_nanos: i64,
}

/// Holds the marks of the last [`SENDERS`] senders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks([Option<Mark>; SENDERS]);

impl Marks {
    /// Returns the last sequence that was accepted from a sender.
    pub fn last(&self, source: IpAddr) -> Option<Sequence> {
        self.iter().find(|mark| mark.source == source).map(|mark| mark.sequence)
    }

    /// Sets the mark of a sender; where there is no place left, the oldest mark makes room.
    pub fn set(&mut self, mark: Mark) {
        let place = self.0.iter().position(|place| place.is_none_or(|known| known.source == mark.source));
        let place = place.unwrap_or_else(|| self.oldest());
        self.0[place] = Some(mark);
    }

    /// Lists the marks.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.iter().flatten()
    }

    fn oldest(&self) -> usize {
        let mut oldest = 0;
        for (place, mark) in self.0.iter().enumerate() {
            if let (Some(mark), Some(known)) = (mark, self.0[oldest])
                && known.sequence.is_after(mark.sequence)
            {
                oldest = place;
            }
        }
        oldest
    }
}

/// Remembers which sequences were used, so that none of them is used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// What was accepted.
    pub heard: Marks,
    /// What was sent last.
    pub sent: Option<Sequence>,
}

impl Memory {
    /// Returns the sequence to send next, and remembers it.
    pub(super) fn next_to_send(&mut self, guard: ReplayGuard, now: UnixTime) -> Sequence {
        let sequence = Sequence::next_to_send(now, self.sent, guard);
        self.sent = Some(sequence);
        sequence
    }

    /// Decides whether an advertisement is to be believed, and moves its sender's mark where its tag says so.
    ///
    /// # Errors
    /// The reason why it must be discarded.
    pub(super) fn admit(
        &mut self,
        authentication: &Authentication,
        advertisement: &Advertisement<'_>,
        now: UnixTime,
    ) -> Result<(), Discard> {
        let Authentication { keys, signing_key: _, takes_unsigned, guard } = authentication;
        let source = advertisement.ip().source;
        match admit(advertisement, keys, guard, self.heard.last(source), now) {
            Ok(sequence) => {
                self.heard.set(Mark { source, sequence, offset_nanos: sequence.offset_nanos(now) });
                Ok(())
            }
            Err(AuthenticationError::Missing) if *takes_unsigned => Ok(()),
            Err(error) => Err(discard_of(error)),
        }
    }
}

fn discard_of(error: AuthenticationError) -> Discard {
    match error {
        AuthenticationError::Missing => Discard::Unsigned,
        AuthenticationError::Malformed => Discard::MalformedTrailer,
        AuthenticationError::OutsideWindow { .. } => Discard::OutsideWindow,
        AuthenticationError::UnknownKey(_) => Discard::UnknownKey,
        AuthenticationError::BadTag => Discard::BadTag,
        AuthenticationError::Replayed => Discard::Replayed,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
