//! What is tried in every case: election, hand-over, return, silent cut, return; and what FRR's death leads to.

use core::time::Duration;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use vrrp_packet::Priority;

use crate::cases::Case;
use crate::owners::{Owner, Owners};
use crate::pair::{Agent, Lab, Product, Side};

const BETTER: u8 = 200;
const LESSER: u8 = 100;

/// What a loaded machine may add to any wait, the start of a program included.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer than Skew_Time a hand-over may take: at 1 s small enough to tell it from Active_Down_Interval.
const HAND_OVER: Duration = Duration::from_millis(1500);

/// How long one owner must remain alone: longer than a busy machine silences anyone at the shortest interval.
const CALM: Duration = Duration::from_millis(300);

/// Plays a case on nodes of its own.
///
/// # Errors
/// Which act went wrong and what was seen instead, with the logs of both agents.
pub(crate) fn play(case: &Case) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let mut play = Play::open(case, directory.path())?;
    let outcome = play.acts();
    outcome.map_err(|error| {
        let logs = [&play.better, &play.lesser].map(|agent| agent.as_ref().map_or_else(String::new, Agent::story));
        anyhow::anyhow!("{error:#}\n{}", logs.join("\n"))
    })
}

/// The left node has the higher priority, the right one the lower.
struct Play<'a> {
    case: &'a Case,
    directory: &'a Path,
    better: Option<Agent>,
    lesser: Option<Agent>,
    owners: Owners,
    // Last: the agents end before their wire does.
    lab: Lab,
}

impl<'a> Play<'a> {
    fn open(case: &'a Case, directory: &'a Path) -> anyhow::Result<Self> {
        let lab = Lab::new()?;
        let owners = Owners::watch(&lab, case.setting.watched_address())?;
        Ok(Self { case, directory, better: None, lesser: None, owners, lab })
    }

    fn acts(&mut self) -> anyhow::Result<()> {
        self.election().context("election")?;
        self.hand_over().context("hand-over on SIGTERM")?;
        self.restart().context("return of the better one after a restart")?;
        self.cut().context("take-over on a silent cut")?;
        self.mend().context("return of the better one after mending")?;
        if self.case.active == Product::Frr {
            self.death().context("take-over when vrrpd is killed")?;
        }
        Ok(())
    }

    fn election(&mut self) -> anyhow::Result<()> {
        self.lesser = Some(self.start(Side::Right)?);
        self.better = Some(self.start(Side::Left)?);
        self.settles_on(Side::Left, self.active_down_interval(BETTER))
    }

    fn hand_over(&mut self) -> anyhow::Result<()> {
        let leaver = self.better.as_mut().context("the better one runs")?;
        leaver.terminate()?;
        self.owners.settle(Owner::Only(Side::Right), Duration::ZERO, PATIENCE)?;
        let skew_time = self.case.setting.interval.skew_time(self.case.setting.version, Priority::new(LESSER));
        let gap = self.owners.without_owner();
        ensure!(gap < skew_time + HAND_OVER, "nobody had the address for {gap:?}: Priority 0 was not heard");
        if self.case.active == Product::Vipd {
            ensure!(!self.owners.were_both(), "vipd had the address when the other one took it");
        }
        leaver.wait()
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        self.better = Some(self.start(Side::Left)?);
        self.settles_on(Side::Left, self.active_down_interval(BETTER))
    }

    fn cut(&mut self) -> anyhow::Result<()> {
        // The kernel takes its time to detach a port: the cut is some time after this.
        let before = Instant::now();
        self.lab.cut(Side::Left)?;
        let within = self.active_down_interval(LESSER) + PATIENCE;
        // The one behind the cut cannot know: it keeps the address, or gives it up where it cannot send.
        self.owners.gains(Side::Right, within)?;
        let took = before.elapsed();
        // The last advertisement had left at most one interval before the cut. At 10 ms a busy machine alone may
        // silence an Active Router for as long.
        let at_least = self.case.setting.interval.duration() * 2;
        ensure!(took > at_least || at_least < CALM, "taken over after {took:?}: not because of Active_Down_Interval");
        Ok(())
    }

    fn mend(&mut self) -> anyhow::Result<()> {
        self.lab.mend(Side::Left)?;
        // An Active that could not send may have fallen back to Backup.
        self.settles_on(Side::Left, self.active_down_interval(BETTER))
    }

    /// Nobody takes the address away from the killed one: docs/interop.md.
    fn death(&mut self) -> anyhow::Result<()> {
        self.better.as_mut().context("the better one runs")?.kill()?;
        self.owners.gains(Side::Right, self.active_down_interval(LESSER) + PATIENCE)
    }

    fn start(&self, side: Side) -> anyhow::Result<Agent> {
        let (product, priority) = match side {
            Side::Left => (self.case.active, BETTER),
            Side::Right => (self.case.backup, LESSER),
        };
        Agent::start(product, &self.lab, side, &self.case.setting, priority, self.directory)
    }

    /// Waits until one node alone has the address and no advertisement of the other changes that.
    fn settles_on(&mut self, side: Side, after: Duration) -> anyhow::Result<()> {
        let two_advertisements = self.case.setting.interval.duration() * 2;
        self.owners.settle(Owner::Only(side), two_advertisements.max(CALM), after + PATIENCE)
    }

    fn active_down_interval(&self, priority: u8) -> Duration {
        self.case.setting.interval.active_down_interval(self.case.setting.version, Priority::new(priority))
    }
}
