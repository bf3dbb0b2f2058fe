//! What is counted of each Virtual Router, mostly by the election thread, readable by anybody at any time.

use core::sync::atomic::{AtomicU64, Ordering};

/// Counts one thing; it only grows.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        // Readers need no order between two counters.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds some.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Returns the count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says why a packet was discarded; each variant is one counter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(usize)]
pub enum Discard {
    /// Shorter than its own header says, or longer.
    Length,
    /// Neither version 2 nor 3, or not the version that is configured.
    Version,
    /// Not an advertisement.
    Type,
    /// No accepted checksum form matches.
    Checksum,
    /// The hop limit is not 255.
    HopLimit,
    /// An interval of zero.
    Interval,
    /// No addresses.
    NoAddress,
    /// From a source that is not in `peers`, or sent to the group where unicast is configured.
    UnlistedPeer,
    /// Wrong or missing password, or signed where this router has no keys.
    Authentication,
    /// Not signed where only signed packets are taken.
    Unsigned,
    /// The authentication trailer is malformed.
    MalformedTrailer,
    /// Signed too long ago, or with a clock too far from ours.
    OutsideWindow,
    /// Signed with a key that this router does not have.
    UnknownKey,
    /// The signature does not belong to the packet and its sender.
    BadTag,
    /// The packet, or a later one of its sender, was heard before.
    Replayed,
    /// From one of our own addresses.
    OwnAddress,
    /// A VRID that nobody configured on this interface.
    UnknownVrid,
}

impl Discard {
    /// Lists every reason, in the order of the counters.
    pub const ALL: [Self; 17] = [
        Self::Length,
        Self::Version,
        Self::Type,
        Self::Checksum,
        Self::HopLimit,
        Self::Interval,
        Self::NoAddress,
        Self::UnlistedPeer,
        Self::Authentication,
        Self::Unsigned,
        Self::MalformedTrailer,
        Self::OutsideWindow,
        Self::UnknownKey,
        Self::BadTag,
        Self::Replayed,
        Self::OwnAddress,
        Self::UnknownVrid,
    ];

    /// Returns the name that metrics and `status --json` use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Version => "version",
            Self::Type => "type",
            Self::Checksum => "checksum",
            Self::HopLimit => "hop_limit",
            Self::Interval => "interval",
            Self::NoAddress => "no_address",
            Self::UnlistedPeer => "unlisted_peer",
            Self::Authentication => "authentication",
            Self::Unsigned => "unsigned",
            Self::MalformedTrailer => "malformed_trailer",
            Self::OutsideWindow => "outside_window",
            Self::UnknownKey => "unknown_key",
            Self::BadTag => "bad_tag",
            Self::Replayed => "replayed",
            Self::OwnAddress => "own_address",
            Self::UnknownVrid => "unknown_vrid",
        }
    }
}

/// Counts what one Virtual Router sent and heard.
#[derive(Default, Debug)]
pub struct Counters {
    /// Advertisements that the kernel took, Priority 0 included.
    pub sent: Counter,
    /// Advertisements that the kernel refused.
    pub send_failed: Counter,
    /// Advertisements that passed every check.
    pub received: Counter,
    /// Of these, such with Priority 0.
    pub received_release: Counter,
    /// How often this node became Active (the addresses were confirmed).
    pub became_active: Counter,
    /// How often the host of a silent Active Router was asked whether it lives.
    pub probed: Counter,
    /// Frames in which another machine claimed a virtual address while this node was Active.
    pub conflicts: Counter,
    discarded: [Counter; Discard::ALL.len()],
}

impl Counters {
    /// Counts a discarded packet.
    pub fn discard(&self, reason: Discard) {
        self.discarded[reason as usize].increment();
    }

    /// Returns how many packets were discarded for a reason.
    pub fn discarded(&self, reason: Discard) -> u64 {
        self.discarded[reason as usize].get()
    }
}
