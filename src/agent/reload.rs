//! A new configuration for an agent that runs: read aside, refused as a whole where it is bad, applied as a difference.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{info, warn};
use vrrp_packet::{AntiReplay, Sequence};

use crate::config::{self, Config, Difference, Effect, LoadError, Loaded, Original, RouterChange, VirtualRouter};
use crate::control::{self, Problem, Reason, ReloadChange, Reloaded, RouterReload, SettingChange};
use crate::engine::{Change, Handle, Memory, Newcomer, Published};
use crate::guardian::Link;

use super::applied::AppliedConfig;
use super::keep::AHEAD;
use super::plans::Past;
use super::story::Story;
use super::{host, plans};

/// Applies configurations to the running agent, one at a time.
pub(super) struct Reloader {
    config: Arc<Config>,
    original: Original,
    /// The last router of each place.
    occupants: Vec<Arc<Published>>,
    handle: Handle,
    context: control::Context,
    story: Story,
    guardian: Arc<Link>,
}

/// Holds what a new configuration makes of the routers.
struct Prepared {
    changes: Vec<Change>,
    routers: Vec<Arc<Published>>,
    occupants: Vec<Arc<Published>>,
}

impl Reloader {
    pub(super) fn new(
        loaded: Loaded,
        config: Arc<Config>,
        handle: Handle,
        context: control::Context,
        story: Story,
        guardian: Arc<Link>,
    ) -> Self {
        let occupants = handle.routers().to_vec();
        Self { config, original: loaded.original, occupants, handle, context, story, guardian }
    }

    /// Reads the file again and applies it, or only tells what that would do.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub(super) async fn reload(&mut self, dry_run: bool) -> Result<Reloaded, Problem> {
        let path = self.original.origin.clone();
        // Reading may wait for a disk: not on the thread that answers `vipd status`.
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let (loaded, warnings) = read.map_err(|error| failed(format!("cannot read the configuration: {error}")))??;
        let difference = Difference::between(&self.config, &loaded.config);
        if !difference.node.is_empty() {
            let keys: Vec<_> = difference.node.iter().map(|change| format!("`{}`", change.key())).collect();
            let error = format!("{} cannot change while the agent runs", keys.join(" and "));
            return Err(Problem::new(Reason::Conflict, error, "restart the agent: `systemctl restart vipd`"));
        }
        let answer = Reloaded { applied: !dry_run, routers: tell(&difference), warnings };
        if !dry_run {
            self.apply(loaded, &difference)?;
        }
        Ok(answer)
    }

    fn apply(&mut self, loaded: Loaded, difference: &Difference) -> Result<(), Problem> {
        let Prepared { changes, routers, occupants } = self.prepare(&loaded.config, difference)?;
        let places = routers.iter().map(|published| published.place()).collect();
        // Known to the guardian first: whatever happens from here on, it can clean up.
        self.leave(&AppliedConfig { original: loaded.original.clone(), places })?;
        if let Err(busy) = self.handle.change(changes) {
            let places = self.handle.routers().iter().map(|published| published.place()).collect();
            self.leave(&AppliedConfig { original: self.original.clone(), places })?;
            return Err(failed(busy.to_string()));
        }
        for (name, change) in &difference.routers {
            match change {
                RouterChange::Unchanged => {}
                RouterChange::Added(_) => info!("{name}: added by a reload"),
                RouterChange::Removed => {
                    info!("{name}: removed by a reload");
                    self.story.forget_drain(name);
                }
                RouterChange::Changed { effect: Effect::InPlace, .. } => info!("{name}: changed by a reload"),
                RouterChange::Changed { effect: Effect::Anew, .. } => info!("{name}: starts anew after a reload"),
            }
        }
        self.config = Arc::new(loaded.config);
        (self.original, self.occupants) = (loaded.original, occupants);
        for (router, published) in self.config.virtual_routers.iter().zip(&routers) {
            self.story.follow(router, published);
        }
        self.handle.set_routers(routers.into());
        self.context.set_config(Arc::clone(&self.config));
        Ok(())
    }

    fn leave(&self, applied: &AppliedConfig) -> Result<(), Problem> {
        let text = applied.encode().map_err(|error| failed(error.to_string()))?;
        self.guardian.applied().write(&text).map_err(|error| failed(error.to_string()))?;
        self.guardian.wake_guardian();
        Ok(())
    }

    /// Works out what each thread is told. Leaving comes first, so that the places and VRIDs are free in time.
    fn prepare(&self, new: &Config, difference: &Difference) -> Result<Prepared, Problem> {
        let running = self.handle.routers();
        let place_of = |name: &str| running.iter().find(|published| published.name == name);
        let mut prepared = Prepared { changes: Vec::new(), routers: Vec::new(), occupants: self.occupants.clone() };
        for (name, change) in &difference.routers {
            let leaves = match change {
                RouterChange::Removed | RouterChange::Changed { effect: Effect::Anew, .. } => place_of(name),
                RouterChange::Unchanged
                | RouterChange::Added(_)
                | RouterChange::Changed { effect: Effect::InPlace, .. } => None,
            };
            prepared.changes.extend(leaves.map(|published| Change::Remove { router: published.place() }));
        }
        for router in &new.virtual_routers {
            let former = place_of(&router.name);
            let stays = match difference.of(&router.name) {
                RouterChange::Unchanged | RouterChange::Changed { effect: Effect::InPlace, .. } => former,
                RouterChange::Added(_) | RouterChange::Removed | RouterChange::Changed { effect: Effect::Anew, .. } => {
                    None
                }
            };
            match stays {
                Some(published) => {
                    prepared.changes.extend(self.update(published.place(), router, new));
                    prepared.routers.push(Arc::clone(published));
                }
                None => {
                    self.add(router, new, former.map(|published| &**published), &mut prepared)?;
                }
            }
        }
        Ok(prepared)
    }

    /// Returns what is to be told of a router that stays; its lease may change with the number of other addresses.
    fn update(&self, place: usize, router: &VirtualRouter, new: &Config) -> Option<Change> {
        let former = self.config.virtual_routers.iter().find(|known| known.name == router.name)?;
        let plan = plans::election_plan(router, Past::default(), new.automatic_lease());
        let addresses = plans::address_plan(router, new.automatic_lease());
        let same_addresses = addresses == plans::address_plan(former, self.config.automatic_lease());
        if same_addresses && plan == plans::election_plan(former, Past::default(), self.config.automatic_lease()) {
            return None;
        }
        let addresses = (!same_addresses).then(|| Box::new(addresses));
        Some(Change::Update { router: place, plan: Box::new(plan), addresses })
    }

    /// Returns what a router that starts anew in another place knows of its former self.
    fn past(&self, router: &VirtualRouter, former: &Published, place: usize) -> Past {
        let snapshot = former.snapshot();
        let mut memory = Memory::default();
        if let Some(signing) = snapshot.signing {
            memory.heard = signing.heard;
        }
        let table = self.guardian.table();
        // Where sequences do not follow the clock: ahead of what the former self still has to say.
        let ahead = match router.authentication.as_ref().map(|it| it.anti_replay) {
            Some(AntiReplay::Monotonic) => AHEAD,
            Some(AntiReplay::Time) | None => 0,
        };
        if let Some(bits) = table.sequence(former.place()).and_then(|bits| bits.checked_add(ahead)) {
            table.set_sequence(place, bits);
            memory.sent = Some(Sequence::from_bits(bits.get()));
        }
        Past { drained: snapshot.view.drained, memory }
    }

    fn add(
        &self,
        router: &VirtualRouter,
        new: &Config,
        former: Option<&Published>,
        prepared: &mut Prepared,
    ) -> Result<(), Problem> {
        let occupants = &mut prepared.occupants;
        let place = occupants.iter().position(|it| it.is_gone()).unwrap_or(occupants.len());
        let room = self.guardian.table().routers();
        if place >= room {
            let error = format!("there are more virtual routers than the {room} that this agent has room for");
            return Err(Problem::new(Reason::Conflict, error, "restart the agent: `systemctl restart vipd`"));
        }
        let past = former.map_or_else(Past::default, |former| self.past(router, former, place));
        let published = Arc::new(Published::new(place, router.name.clone()));
        if place < occupants.len() {
            occupants[place] = Arc::clone(&published);
        } else {
            occupants.push(Arc::clone(&published));
        }
        prepared.routers.push(Arc::clone(&published));
        prepared.changes.push(Change::Add(Box::new(Newcomer {
            plan: plans::election_plan(router, past, new.automatic_lease()),
            addresses: plans::address_plan(router, new.automatic_lease()),
            published,
        })));
        Ok(())
    }
}

/// Logs what became of a reload that a signal asked for.
pub(super) fn log(outcome: &Result<Reloaded, Problem>) {
    match outcome {
        Ok(reloaded) if reloaded.routers.iter().all(|router| router.change == ReloadChange::Unchanged) => {
            info!("SIGHUP: the configuration has not changed");
        }
        Ok(_) => info!("SIGHUP: the configuration is applied"),
        Err(Problem { error, report: Some(report), .. }) => {
            warn!("SIGHUP: {error}; the running configuration stays:\n{report}");
        }
        Err(problem) => warn!("SIGHUP: {}; the running configuration stays ({})", problem.error, problem.help),
    }
}

fn failed(error: String) -> Problem {
    Problem::new(Reason::Failed, error, "see the agent's log; restart it if it stays so")
}

/// Reads a file and compares it with the host; returns it with its warnings.
fn read(path: &Path) -> Result<(Loaded, String), Problem> {
    let bad = |error: String, report: Option<String>| Problem {
        report,
        ..Problem::new(Reason::BadConfig, error, "the running configuration stays as it was")
    };
    let loaded = Config::load(path).map_err(|error| match error {
        LoadError::Invalid(report) => bad(sentence(path), Some(report.render(false))),
        LoadError::Unreadable { .. } | LoadError::NotText { .. } => bad(error.to_string(), None),
    })?;
    let facts = host::facts().map_err(|error| failed(format!("cannot list the interfaces of this host: {error}")))?;
    let on_host = config::check_host(&loaded, &facts);
    if on_host.errors() > 0 {
        return Err(bad(sentence(path), Some(on_host.render(false))));
    }
    let warnings = loaded.warnings.render(false) + &on_host.render(false);
    Ok((loaded, warnings))
}

fn sentence(path: &Path) -> String {
    format!("{} is refused", PathBuf::from(path).display())
}

fn tell(difference: &Difference) -> Vec<RouterReload> {
    let router = |(name, change): &(String, RouterChange)| {
        let (change, settings) = match change {
            RouterChange::Unchanged => (ReloadChange::Unchanged, &[][..]),
            RouterChange::Added(_) => (ReloadChange::Added, &[][..]),
            RouterChange::Removed => (ReloadChange::Removed, &[][..]),
            RouterChange::Changed { effect: Effect::InPlace, settings } => (ReloadChange::InPlace, &settings[..]),
            RouterChange::Changed { effect: Effect::Anew, settings } => (ReloadChange::Anew, &settings[..]),
        };
        let settings = settings.iter().map(|(from, to)| SettingChange {
            key: to.key().to_owned(),
            from: from.to_string(),
            to: to.to_string(),
        });
        RouterReload { name: name.clone(), change, settings: settings.collect() }
    };
    difference.routers.iter().map(router).collect()
}
