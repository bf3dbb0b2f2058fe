//! New settings for a router that runs: it keeps its state, and no wait is begun anew (ownership rule 5).

use vrrp_packet::{Interval, Version};

use super::event::Action;
use super::router::Router;
use super::settings::Settings;
use super::state::{Basis, INTERVALS_OF_SILENCE, Listening, State};
use super::time::Instant;

impl Router {
    /// Takes over new settings.
    ///
    /// Version, gate and the ownership of the addresses make it another router and stay. So do the source, which the
    /// interface decides, and a drain, which the operator does. The priority takes effect with the
    /// [`super::Event::EffectivePriority`] that follows.
    pub(super) fn reconfigure(&mut self, now: Instant, settings: Settings, actions: &mut Vec<Action>) {
        let former = self.settings;
        let Settings { version, gate, source, drained, .. } = former;
        let same_owner = former.priority.is_owner() == settings.priority.is_owner();
        let priority = if same_owner { settings.priority } else { former.priority };
        self.settings = Settings { version, gate, source, drained, priority, ..settings };
        let changed = former.interval != settings.interval;
        match self.state {
            State::Initialize => {}
            State::Backup(mut backup) => {
                self.adopt_interval(&mut backup.listening);
                self.state = State::Backup(backup);
                self.reconsider_preemption(now, backup);
            }
            State::Aside(mut aside) => {
                self.adopt_interval(&mut aside.listening);
                self.state = State::Aside(aside);
            }
            State::Opening(mut tenure) | State::Claiming(mut tenure) | State::Active(mut tenure) if changed => {
                tenure.last_sent = self.counted_anew(now, tenure.last_sent, former.interval);
                let priority = tenure.priority;
                // The peers learn the new interval before they could miss an advertisement of the old one.
                self.advertise_new_priority(now, tenure, priority, actions);
            }
            State::Opening(_) | State::Claiming(_) | State::Active(_) => {}
            State::Releasing(mut release) => {
                self.adopt_interval(&mut release.listening);
                release.last_sent = self.counted_anew(now, release.last_sent, former.interval);
                self.state = State::Releasing(release);
            }
        }
    }

    /// Listens with the configured interval where no peer has told its own.
    pub(super) fn adopt_interval(&self, listening: &mut Listening) {
        let told = listening.peer.is_some() && self.settings.version == Version::V3;
        // A wait that runs was promised to others: it ends as it began.
        let waits = match listening.basis {
            Basis::Silence { .. } => false,
            Basis::Released { .. } | Basis::HandedOver { .. } | Basis::Gone { .. } | Basis::GaveUp { .. } => true,
        };
        if !told && !waits {
            listening.interval = self.settings.interval;
        }
    }

    /// Moves the last sending, so that a shorter interval does not make an absence of the time before it was in force
    /// (ownership rule 11). A longer one is in force when the peers have heard of it: `pledged`.
    fn counted_anew(&self, now: Instant, last_sent: Instant, former: Interval) -> Instant {
        let [former, new] = [former, self.settings.interval].map(|it| it.duration() * INTERVALS_OF_SILENCE);
        if new < former { (last_sent + former).min(now + new) - new } else { last_sent }
    }
}
