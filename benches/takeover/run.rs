//! One run: a fresh pair, one cut or one leave, and what the survivor's wire showed.

use core::time::Duration;
use std::net::Ipv4Addr;

use anyhow::{Context, bail};
use vrrp_packet::{Family, Interval, Priority, Version};

use crate::capture::{Said, What, Wire};
use crate::pair::{Agent, Cast, Credentials, Lab, Product, Setting, Side};

const ACTIVE: u8 = 200;
const BACKUP: u8 = 100;
/// What a loaded machine may add to any wait.
const SLACK: Duration = Duration::from_secs(3);
/// How long the pair runs undisturbed before the fault, beyond its first advertisements.
const CALM: Duration = Duration::from_millis(300);

/// Names what happens to the Active Router.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fault {
    /// Its wire is cut without loss of the carrier.
    Cut,
    /// It gets SIGTERM; each node has the other as its one peer.
    Leave,
}

/// Holds what one run showed, as nanoseconds after the moment that the protocol gives: Active_Down_Interval after the
/// last advertisement heard from the Active (cut), or its Priority 0 (leave). Negative: earlier than that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lateness {
    /// The survivor's first advertisement.
    pub(crate) advertisement: i64,
    /// The survivor's first gratuitous ARP for the virtual address.
    pub(crate) announcement: i64,
}

/// Plays one run and returns `None` where the Backup took over before the fault: such a run shows nothing of the fault.
///
/// # Errors
/// What did not happen, with the logs of both agents.
pub(crate) fn play(
    lab: &mut Lab,
    product: Product,
    fault: Fault,
    interval: Interval,
) -> anyhow::Result<Option<Lateness>> {
    let directory = tempfile::tempdir()?;
    let setting = setting(fault, interval);
    let mut wire = Wire::open(lab, Side::Right)?;
    let down = interval.active_down_interval(Version::V3, Priority::new(ACTIVE));
    let mut active = Agent::start(product, lab, Side::Left, &setting, ACTIVE, directory.path())?;
    wire.wait_for("announcement of the Active", down + SLACK, |said| announcement(said, Side::Left))
        .with_context(|| active.story())?;
    let backup = Agent::start(product, lab, Side::Right, &setting, BACKUP, directory.path())?;
    let outcome = (|| {
        let enough = advertisements_in(CALM, interval) + count(&mut wire)? + 2;
        wire.wait_for("steady advertisements", interval.duration() * 3 + CALM + SLACK, |said| {
            (advertisements(said, Side::Left).count() >= enough).then_some(())
        })?;
        match fault {
            Fault::Cut => lab.cut(Side::Left)?,
            Fault::Leave => active.terminate()?,
        }
        read(&mut wire, &setting, fault)
    })();
    let outcome = outcome.with_context(|| format!("{}\n{}", active.story(), backup.story()));
    drop((active, backup));
    lab.mend(Side::Left)?;
    outcome
}

fn setting(fault: Fault, interval: Interval) -> Setting {
    let cast = match fault {
        Fault::Cut => Cast::Multicast,
        Fault::Leave => Cast::Unicast,
    };
    Setting { version: Version::V3, family: Family::Ipv4, credentials: Credentials::Nothing, cast, interval }
}

/// Reads the lateness off the wire once the survivor has announced the address.
fn read(wire: &mut Wire, setting: &Setting, fault: Fault) -> anyhow::Result<Option<Lateness>> {
    let down = setting.interval.active_down_interval(Version::V3, Priority::new(BACKUP));
    let (first, announced) = wire.wait_for("announcement of the survivor", down + SLACK, |said| {
        Some((advertisements(said, Side::Right).next()?.at, announcement(said, Side::Right)?))
    })?;
    // Whatever the dead one still said after the survivor spoke is not what the survivor waited for.
    let heard = wire.wait_for("advertisement of the Active", Duration::ZERO, |said| {
        advertisements(said, Side::Left).take_while(|it| it.at <= first).last().copied()
    })?;
    let What::Advertisement { priority } = heard.what else { bail!("not an advertisement: {heard:?}") };
    let due = match (fault, priority) {
        (Fault::Cut, ACTIVE) => heard.at + down,
        (Fault::Leave, 0) => heard.at,
        // It was not the fault that the survivor acted on.
        (Fault::Cut | Fault::Leave, _) => return Ok(None),
    };
    let lateness = Lateness { advertisement: after(first, due)?, announcement: after(announced, due)? };
    // A Backup that had not been listened to for so long had not been listening itself.
    let premature = lateness.advertisement < -i64::try_from(setting.interval.duration().as_nanos())?;
    Ok((!premature).then_some(lateness))
}

fn after(at: Duration, due: Duration) -> anyhow::Result<i64> {
    Ok(i64::try_from(at.as_nanos())? - i64::try_from(due.as_nanos())?)
}

fn count(wire: &mut Wire) -> anyhow::Result<usize> {
    wire.wait_for("word", Duration::ZERO, |said| Some(advertisements(said, Side::Left).count()))
}

fn advertisements_in(time: Duration, interval: Interval) -> usize {
    usize::try_from(time.as_nanos() / interval.duration().as_nanos()).unwrap_or(usize::MAX)
}

fn advertisements(said: &[Said], by: Side) -> impl Iterator<Item = &Said> {
    said.iter().filter(move |it| it.by == by && matches!(it.what, What::Advertisement { .. }))
}

/// Returns when a node announced the virtual address first.
fn announcement(said: &[Said], by: Side) -> Option<Duration> {
    let virtual_address = What::Announcement { address: Ipv4Addr::new(10, 77, 0, 100) };
    said.iter().find(|it| it.by == by && it.what == virtual_address).map(|it| it.at)
}
