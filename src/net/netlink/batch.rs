//! Many requests serialised once and sent as often as needed.
//!
//! A batch is cut into chunks that fit the kernel's buffers in both directions, even if every request is refused; only
//! the last request of a chunk asks for an acknowledgement, errors of the others come unasked.

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;

use super::error::Refusal;
use super::{ACKNOWLEDGED, codec};

/// Holds serialised requests, ready to be sent again and again.
#[derive(Clone, Default, Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each request begins in `bytes`.
    starts: Vec<usize>,
}

/// Says which request of a batch the kernel refused, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The request's position in the batch, from 0.
    pub index: usize,
    /// The kernel's reason.
    pub refusal: Refusal,
}

impl Batch {
    /// How many requests travel in one send: so many refusals still fit the default receive buffer (208 KiB).
    pub const ONE_SEND: usize = 128;

    /// Appends a request. `flags` are `NLM_F_*` beside REQUEST and ACK.
    pub fn push(&mut self, message: RouteNetlinkMessage, flags: u16) {
        let begins_chunk = self.starts.len().is_multiple_of(Self::ONE_SEND);
        if let Some(&previous) = self.starts.last().filter(|_| !begins_chunk) {
            codec::clear_flags(&mut self.bytes[previous..], NLM_F_ACK);
        }
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(&codec::encode(message, flags | ACKNOWLEDGED | NLM_F_REQUEST));
    }

    /// Returns how many requests there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Tells whether there is no request.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    pub(super) fn chunks(&self) -> usize {
        self.starts.len().div_ceil(Self::ONE_SEND)
    }

    /// Numbers the requests of a chunk from `first` on and returns its bytes, how many they are, and the position of
    /// the first in the batch.
    pub(super) fn prepare(&mut self, chunk: usize, first: u32) -> (&[u8], u32, usize) {
        let base = chunk * Self::ONE_SEND;
        let end = self.starts.len().min(base + Self::ONE_SEND);
        let mut sequence = first;
        for &start in &self.starts[base..end] {
            codec::number(&mut self.bytes[start..], sequence);
            sequence = sequence.wrapping_add(1);
        }
        let stop = self.starts.get(end).copied().unwrap_or(self.bytes.len());
        (&self.bytes[self.starts[base]..stop], sequence.wrapping_sub(first), base)
    }
}
