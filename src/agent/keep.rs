//! What has to be looked at now and then where advertisements are signed: sequences to keep, and a clock that has drifted.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};
use vrrp_packet::{AntiReplay, Sequence};

use crate::config::VirtualRouter;
use crate::control::Context;
use crate::engine::{Handle, Published, Signing};
use crate::guardian::Link;

use super::sequences::{Record, UsedSequences};

/// How often sequences are kept; what a dead agent heard in its last moment may be replayed to the next.
const EVERY: Duration = Duration::from_secs(1);
/// How far ahead of what was sent the file is in monotonic mode: three turns, and less than the usual window of a peer that
/// goes by time.
pub(super) const AHEAD: u64 = 3 << 32;
/// How far the clocks may be apart before somebody is told, in nanoseconds.
const APART: i64 = 1_000_000_000;

/// Keeps the sequences that are used, and watches the clock that they are made from.
pub(super) struct Keeper {
    pub(super) context: Context,
    pub(super) handle: Handle,
    pub(super) guardian: Arc<Link>,
    pub(super) sequences: UsedSequences,
}

impl Keeper {
    /// Runs until told to stop, and keeps the last state.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut failing, mut apart) = (false, false);
        loop {
            let over = tokio::select! {
                _ = ticks.tick() => false,
                _ = &mut stop => true,
            };
            let stored = self.sequences.store(self.records(over));
            if let (Err(error), false) = (&stored, failing) {
                warn!("cannot keep the sequences of signed advertisements: {error}; a restart would admit replays");
            }
            failing = stored.is_err();
            if over {
                return;
            }
            apart = self.tell_of_clocks(apart);
        }
    }

    /// Returns every router with where it is published.
    fn routers(&self) -> Vec<(VirtualRouter, Arc<Published>)> {
        let (config, published) = (self.context.config(), self.handle.routers());
        let published = |name: &str| published.iter().find(|published| published.name == name).cloned();
        config.virtual_routers.iter().filter_map(|it| Some((it.clone(), published(&it.name)?))).collect()
    }

    /// Collects what was used; `exact` where nothing more will be sent.
    fn records(&self, exact: bool) -> BTreeMap<String, Record> {
        let mut records = BTreeMap::new();
        for (router, published) in self.routers() {
            let Some(authentication) = &router.authentication else { continue };
            // Before the engine has published anything, what was read from the file is all that is known.
            let heard = published.snapshot().signing.map(|signing| signing.heard);
            let heard = heard.unwrap_or_else(|| self.sequences.of(&router.name).heard);
            // Not from the snapshot: this was written before each packet left.
            let sent = self.guardian.table().sequence(published.place()).map(|bits| match authentication.anti_replay {
                AntiReplay::Monotonic if !exact => bits.get().wrapping_add(AHEAD),
                AntiReplay::Monotonic | AntiReplay::Time => bits.get(),
            });
            records.insert(router.name.clone(), Record::new(sent.map(Sequence::from_bits), &heard));
        }
        records
    }

    /// Says when the signing clock is not what the time is (ownership rule 27), and when it is again.
    fn tell_of_clocks(&self, told: bool) -> bool {
        let by_time = self
            .routers()
            .into_iter()
            .filter(|(router, _)| router.authentication.as_ref().is_some_and(|it| it.anti_replay == AntiReplay::Time));
        let signing = by_time.filter_map(|(_, published)| published.snapshot().signing).next();
        let Some(Signing { clock_behind_wall, clock_synchronised, clock_confirmed, .. }) = signing else { return told };
        if !clock_synchronised && clock_confirmed {
            return told;
        }
        let seconds = clock_behind_wall.unsigned_abs() / 1_000_000_000;
        // What sets an unsynchronised clock ahead does not matter as long as nobody signs with it.
        let apart = if clock_confirmed { clock_behind_wall.abs() > APART } else { clock_behind_wall < -APART };
        match (told, apart) {
            (false, true) if !clock_confirmed => {
                warn!(
                    "the clock of this host is not synchronised, and {seconds} s behind the time that advertisements are \
                     signed with, which a peer has proved or this host had itself; synchronise it"
                );
            }
            (false, true) => {
                let direction = if clock_behind_wall < 0 { "behind" } else { "ahead of" };
                warn!(
                    "the wall clock has been corrected: it is {seconds} s {direction} the clock that advertisements \
                     are signed with, which follows slowly; restart vipd if peers discard them as outside_window"
                );
            }
            (true, false) => info!("the clock that advertisements are signed with agrees with the wall clock again"),
            (true, true) | (false, false) => {}
        }
        apart
    }
}
