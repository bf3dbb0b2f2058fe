//! The part of the status document that tells of signed advertisements.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use vrrp_packet::AntiReplay as Guard;

use crate::config::{self, AuthenticationMode};
use crate::engine::Signing;

use super::status::millis;

/// Describes how a router's advertisements are signed and verified.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Authentication {
    /// What is signed, and what is taken.
    pub mode: Mode,
    /// The id of the key that this node signs with, unless it only receives.
    pub active_key: u8,
    /// The ids of all keys that a peer may sign with.
    pub keys: Vec<u8>,
    /// What protects from recorded packets.
    pub anti_replay: AntiReplay,
    /// How far a peer's clock may be from ours; of no meaning in monotonic mode.
    pub window_ms: u64,
    /// Whether this host's wall clock follows a time source.
    pub clock_synchronised: bool,
    /// Whether a synchronised wall clock has ever confirmed the clock that signs; until then a peer that proves to be later
    /// sets it ahead.
    pub clock_confirmed: bool,
    /// The wall clock less the clock that signs, which follows it slowly.
    pub wall_clock_ahead_ms: i64,
    /// Every sender that was heard, in no order.
    pub peers: Vec<PeerClock>,
}

/// Describes the clock of a router that signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct PeerClock {
    /// The address that its advertisements come from.
    pub source: IpAddr,
    /// Its clock less ours when it was last heard.
    pub ahead_ms: i64,
}

/// Says what is signed, and what is taken.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Signs, and takes only what is signed.
    Enforce,
    /// Signs, and takes unsigned advertisements too.
    Permissive,
    /// Does not sign, and takes both.
    ReceiveOnly,
}

/// Says what protects from recorded packets.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum AntiReplay {
    /// Clocks that agree, and the order of each sender.
    Time,
    /// The order of each sender alone.
    Monotonic,
}

impl Authentication {
    /// Describes a router's authentication; `signing` is not known before the engine has published it.
    pub(super) fn of(config: &config::Authentication, signing: Option<&Signing>) -> Self {
        let peers = signing.iter().flat_map(|signing| signing.heard.iter());
        Self {
            mode: match config.mode {
                AuthenticationMode::Enforce => Mode::Enforce,
                AuthenticationMode::Permissive => Mode::Permissive,
                AuthenticationMode::ReceiveOnly => Mode::ReceiveOnly,
            },
            active_key: config.active_key.get(),
            keys: config.keys.iter().map(|key| key.id().get()).collect(),
            anti_replay: match config.anti_replay {
                Guard::Time => AntiReplay::Time,
                Guard::Monotonic => AntiReplay::Monotonic,
            },
            window_ms: millis(config.window),
            clock_synchronised: signing.is_some_and(|signing| signing.clock_synchronised),
            clock_confirmed: signing.is_some_and(|signing| signing.clock_confirmed),
            wall_clock_ahead_ms: signing.map_or(0, |signing| signing.clock_behind_wall / 1_000_000),
            peers: peers
                .map(|mark| PeerClock { source: mark.source, ahead_ms: mark.offset_nanos / 1_000_000 })
                .collect(),
        }
    }
}
