//! What there is to say about signed advertisements, in words.

use crate::cli::paint::{Colour, span};
use crate::control::{AntiReplay, Authentication, Mode, PeerClock};

/// More than this between the wall clock and the clock that signs is worth a word.
const APART_MS: u64 = 1_000;

/// Up to here the distance of two clocks is told in milliseconds.
const IN_MILLISECONDS: u64 = 10_000;

/// Says how a router signs, whom it heard, and what is wrong with a clock.
pub(super) fn notes(authentication: &Authentication) -> Vec<String> {
    let key = authentication.active_key;
    let signing = match authentication.mode {
        Mode::Enforce => format!("signs with key {key} and believes only what is signed"),
        Mode::Permissive => {
            Colour::Attention.mark(&format!("signs with key {key}, but also believes what is not signed (permissive)"))
        }
        Mode::ReceiveOnly => {
            Colour::Attention.mark("does not sign yet, and believes what is not signed (receive-only)")
        }
    };
    let clocks: Vec<_> = authentication.peers.iter().map(|peer| clock(peer, authentication)).collect();
    let clocks = (!clocks.is_empty()).then(|| format!("clocks: {}", clocks.join(", ")));
    [Some(signing), clocks, own_clock(authentication)].into_iter().flatten().collect()
}

fn clock(peer: &PeerClock, authentication: &Authentication) -> String {
    let apart = peer.ahead_ms.unsigned_abs();
    let direction = if peer.ahead_ms < 0 { "behind" } else { "ahead" };
    let distance = if apart < IN_MILLISECONDS { format!("{apart} ms") } else { span(apart) };
    let text = format!("{} is {distance} {direction}", peer.source);
    match authentication.anti_replay {
        // Close to the point where it will no longer be believed.
        AntiReplay::Time if apart > authentication.window_ms / 2 => Colour::Bad.mark(&text),
        AntiReplay::Time | AntiReplay::Monotonic => text,
    }
}

fn own_clock(authentication: &Authentication) -> Option<String> {
    let apart = authentication.wall_clock_ahead_ms;
    match authentication.anti_replay {
        AntiReplay::Monotonic => None,
        AntiReplay::Time if !authentication.clock_confirmed && apart < -APART_MS.cast_signed() => {
            let behind = span(apart.unsigned_abs());
            let what = format!("the clock of this host is not synchronised, and {behind} behind the clock that signs");
            Some(Colour::Bad.mark(&what))
        }
        AntiReplay::Time if !authentication.clock_synchronised => {
            Some(Colour::Attention.mark("the clock of this host is not synchronised"))
        }
        AntiReplay::Time if apart.unsigned_abs() > APART_MS => {
            let direction = if apart < 0 { "behind" } else { "ahead of" };
            let apart = span(apart.unsigned_abs());
            Some(Colour::Attention.mark(&format!("the wall clock is {apart} {direction} the clock that signs")))
        }
        AntiReplay::Time => None,
    }
}
