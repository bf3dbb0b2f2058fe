//! How even the advertisements come, on an idle machine and on one that has no time.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::{Effort, poll_until};
use crate::agent::{ACTIVE, Agent, Product};
use crate::bare;
use crate::ears::{Ears, advertisements};
use crate::figure::Figure;
use crate::lab::{Lab, Side};
use crate::shape::Shape;

/// How many loops compete for the processors; every other one is pinned to a processor.
const BUSY_LOOPS: usize = 8;
/// What a bare loop may be ahead by.
const BEHIND_THE_BARE_LOOP: f64 = 0.3;

/// (i): how far the gaps between advertisements are from the interval, at 10 ms.
///
/// # Errors
/// What the kernel says.
pub(crate) fn jitter(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (title, busy, realtime) in
        [("idle", false, true), ("8 busy loops", true, true), ("8 busy loops, no realtime", true, false)]
    {
        figures.extend(one(product, effort, title, busy, realtime)?);
    }
    Ok(figures)
}

fn one(product: Product, effort: Effort, title: &str, busy: bool, realtime: bool) -> anyhow::Result<Vec<Figure>> {
    let shape = Shape { realtime, ..Shape::new(1, 1, Duration::from_millis(10)) };
    let watch = effort.watch.min(Duration::from_secs(30));
    let mut lab = Lab::new(1)?;
    let _left = Agent::start(product, &lab, Side::Left, &shape)?;
    let right = Agent::start(product, &lab, Side::Right, &shape)?;
    poll_until(effort.patience, || Ok((lab.held(Side::Left)? == 1).then_some(())))?;
    thread::sleep(shape.active_down(ACTIVE) + Duration::from_secs(6));
    let busy = if busy { Some(Busy::start()?) } else { None };
    let ears = Ears::open(&mut lab, Side::Right)?;
    let ticks = bare::metronome(shape.interval)?;
    thread::sleep(watch);
    let ticks = ticks.finish()?;
    let said = ears.finish()?;
    drop(busy);
    drop(right);
    let bare = percentile(&ticks, shape.interval);
    let times = advertisements(&said, Side::Left).remove(&1).unwrap_or_default();
    let false_failovers = advertisements(&said, Side::Right).remove(&1).unwrap_or_default();
    let name = product.name();
    let mut ours = Figure::new('i', format!("{title}: gap off the interval, p99.9"), "ms", name);
    ours.values.extend(percentile(&times, shape.interval));
    let spoken = Figure::new('i', format!("{title}: advertisements of the Backup"), "packets", name);
    let mut spoken = spoken.with([false_failovers.len() as f64]);
    if product == Product::Keepalived {
        return Ok(vec![ours, spoken]);
    }
    spoken.target = Some(0.0);
    if realtime {
        ours.target = bare.map(|bare| bare + BEHIND_THE_BARE_LOOP);
    }
    let bare = Figure::new('i', ours.what.clone(), "ms", "bare FIFO loop").with(bare);
    Ok(vec![ours, spoken, bare])
}

/// Returns how far 999 of 1000 gaps are from the interval at most, in milliseconds.
fn percentile(times: &[u64], interval: Duration) -> Option<f64> {
    let interval = interval.as_nanos() as f64;
    let mut off: Vec<f64> =
        times.windows(2).map(|pair| ((pair[1].saturating_sub(pair[0])) as f64 - interval).abs() / 1e6).collect();
    off.sort_by(f64::total_cmp);
    off.get(off.len().saturating_sub(1) * 999 / 1000).copied()
}

/// Keeps the processors busy until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> anyhow::Result<Self> {
        let busy = Self(Arc::new(AtomicBool::new(true)));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for number in 0..BUSY_LOOPS {
            let goes_on = Arc::clone(&busy.0);
            thread::Builder::new().name("busy".to_owned()).spawn(move || {
                let mut only = CpuSet::new();
                if number.is_multiple_of(2) {
                    // Where the processor may not be used the loop runs on any, which is what the others do.
                    let _ = only.set(number / 2 % processors).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
                }
                while goes_on.load(Ordering::Relaxed) {
                    core::hint::spin_loop();
                }
            })?;
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
