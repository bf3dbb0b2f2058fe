//! Suspicion: the Active Router is late, so its host is asked whether it lives.
//!
//! A host that does not answer is gone, and three intervals need not pass to know it. One that answers is left to
//! Active_Down_Timer: that its agent is silent may have any reason.

use super::event::Action;
use super::router::Router;
use super::state::{Backup, Basis, Listening, State};
use super::time::Instant;

/// An advertisement is late after this part of the interval beyond when it was due.
const LATE: u32 = 16;

impl Router {
    /// When the host of the Active Router is to be asked.
    pub(super) fn probe_deadline(&self, backup: &Backup) -> Option<Instant> {
        let probe = self.settings.probe?;
        let silence = followed_silence(backup).filter(|&silence| backup.asked != Some(silence))?;
        let interval = backup.listening.interval.duration();
        let at = silence + interval * u32::from(probe.after.get()) + interval / LATE;
        (at < self.active_down_deadline(&backup.listening)).then_some(at)
    }

    pub(super) fn probe_when_due(&mut self, now: Instant, mut backup: Backup, actions: &mut Vec<Action>) {
        let due = self.probe_deadline(&backup).is_some_and(|at| now >= at);
        let (true, Some(peer), Some(silence)) = (due, backup.listening.peer, followed_silence(&backup)) else { return };
        backup.asked = Some(silence);
        self.state = State::Backup(backup);
        actions.push(Action::Probe { peer: peer.source, silence });
    }

    /// Takes the answer, unless the Active Router was heard meanwhile.
    pub(super) fn host_gone(&mut self, now: Instant, silence: Instant, actions: &mut Vec<Action>) {
        match self.state {
            State::Backup(mut backup) => {
                let current = followed_silence(&backup) == Some(silence) && backup.asked == Some(silence);
                let (true, Some(peer)) = (current, backup.listening.peer) else { return };
                let at_once = self.settings.fast_handover;
                let gone = Listening {
                    peer: None,
                    basis: Basis::Gone { at: now, peer: peer.source, at_once },
                    ..backup.listening
                };
                // An answer that comes late would put off what silence alone is about to decide.
                if self.active_down_deadline(&gone) >= self.active_down_deadline(&backup.listening) {
                    return;
                }
                backup.listening = gone;
                self.state = State::Backup(backup);
                self.backup_timeout(now, backup, actions);
            }
            State::Initialize
            | State::Aside(_)
            | State::Opening(_)
            | State::Claiming(_)
            | State::Active(_)
            | State::Releasing(_) => {}
        }
    }
}

/// Since when the Active Router that this node follows has been silent; `None` where it follows none, such as while it is
/// about to preempt.
fn followed_silence(backup: &Backup) -> Option<Instant> {
    let peer = backup.listening.peer?;
    match backup.listening.basis {
        Basis::Silence { since } if since == peer.heard => Some(since),
        Basis::Silence { .. }
        | Basis::Released { .. }
        | Basis::HandedOver { .. }
        | Basis::Gone { .. }
        | Basis::GaveUp { .. } => None,
    }
}
