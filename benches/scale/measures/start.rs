//! How long a node takes to begin, and to begin with something else.

use core::time::Duration;
use std::thread;

use super::{Effort, millis, poll_until};
use crate::agent::{ACTIVE, Agent, Product};
use crate::ears::{Ears, advertisements, first_announcements};
use crate::figure::Figure;
use crate::lab::{Lab, Side};
use crate::shape::Shape;

/// (j): from the start of the program to the first announcement, less Active_Down_Interval.
///
/// # Errors
/// What the kernel says.
pub(crate) fn start(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (title, shape) in [
        ("one router", Shape::new(1, 1, Duration::from_millis(10))),
        ("255 routers", Shape::new(255, 1, Duration::from_secs(1))),
    ] {
        let what = format!("{title}: start to Active, less Active_Down_Interval");
        let mut figure = Figure::new('j', what, "ms", product.name());
        for _ in 0..effort.runs {
            let mut lab = Lab::new(1)?;
            let ears = Ears::open(&mut lab, Side::Left)?;
            let begun = ears.begun;
            let agent = Agent::start(product, &lab, Side::Left, &shape)?;
            let here = || Ok((lab.held(Side::Left)? == shape.all_addresses()).then_some(()));
            poll_until(effort.patience, here)?;
            thread::sleep(Duration::from_secs(1));
            drop(agent);
            let times = first_announcements(&ears.finish()?, Side::Left);
            let down = u64::try_from(shape.active_down(ACTIVE).as_nanos())?;
            match times.last() {
                Some(last) if times.len() == shape.all_addresses() => {
                    figure.values.push(millis(last.saturating_sub(begun + down)));
                }
                _ => figure.failed += 1,
            }
        }
        figures.push(figure);
    }
    Ok(figures)
}

/// (j): one router leaves the configuration of 255: the longest silence of any other, and how long the command takes.
///
/// # Errors
/// What the kernel says.
pub(crate) fn reload(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let shape = Shape::new(255, 1, Duration::from_secs(1));
    let fewer = Shape { routers: 254, ..shape };
    let title = "reload of 255 routers, of which one goes";
    let mut silence = Figure::new('j', format!("{title}: longest gap beyond the interval"), "ms", product.name());
    let mut command = Figure::new('j', format!("{title}: the command"), "ms", product.name());
    for _ in 0..effort.runs.min(3) {
        let mut lab = Lab::new(1)?;
        let agent = Agent::start(product, &lab, Side::Left, &shape)?;
        let here = || Ok((lab.held(Side::Left)? == shape.all_addresses()).then_some(()));
        if poll_until(effort.patience, here)?.is_none() {
            silence.failed += 1;
            continue;
        }
        thread::sleep(Duration::from_secs(7));
        let ears = Ears::open(&mut lab, Side::Left)?;
        thread::sleep(Duration::from_secs(2));
        command.values.extend(agent.reload(&fewer, ACTIVE)?.map(|took| took.as_secs_f64() * 1000.0));
        thread::sleep(Duration::from_secs(4));
        let mut said = advertisements(&ears.finish()?, Side::Left);
        said.remove(&255);
        let gaps = said.values().flat_map(|times| times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])));
        let interval = u64::try_from(shape.interval.as_nanos())?;
        silence.values.extend(gaps.max().map(|longest| millis(longest.saturating_sub(interval))));
    }
    Ok(if command.values.is_empty() { vec![silence] } else { vec![silence, command] })
}
