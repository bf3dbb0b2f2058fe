//! Many addresses, many routers: whether they settle, how fast, and what it costs that nothing happens.

use core::time::Duration;
use std::thread;

use vipd::net::{Sentry, boot_nanos};

use super::{Effort, millis, poll_until};
use crate::agent::{ACTIVE, Agent, Cost, Product};
use crate::bare;
use crate::ears::{Ears, advertisements, first_announcements};
use crate::figure::Figure;
use crate::lab::{Lab, Side};
use crate::shape::Shape;

/// (c): from the first announcement of a router to the last of its addresses.
///
/// # Errors
/// What the kernel says.
pub(crate) fn announcements(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (addresses, target) in [(100, 5.0), (1000, 60.0)] {
        let shape = Shape::new(1, addresses, Duration::from_millis(100));
        let title = format!("one router, {addresses} addresses");
        let mut figure = Figure::new('c', format!("{title}: first announcement to last"), "ms", product.name());
        let whole = format!("{title}: first advertisement to last announcement");
        let mut whole = Figure::new('c', whole, "ms", product.name());
        for _ in 0..effort.runs {
            let mut lab = Lab::new(1)?;
            let ears = Ears::open(&mut lab, Side::Left)?;
            let agent = Agent::start(product, &lab, Side::Left, &shape)?;
            let here = poll_until(effort.patience, || all_held(&lab, Side::Left, &shape))?;
            // keepalived announces some time after it has claimed.
            thread::sleep(Duration::from_secs(2));
            drop(agent);
            let said = ears.finish()?;
            let times = first_announcements(&said, Side::Left);
            let spoke = advertisements(&said, Side::Left).remove(&1).unwrap_or_default();
            match (here, times.as_slice(), spoke.first()) {
                (Some(()), [first, .., last], Some(spoke)) if times.len() == shape.all_addresses() => {
                    figure.values.push(millis(last - first));
                    whole.values.push(millis(last.saturating_sub(*spoke)));
                }
                _ => {
                    figure.failed += 1;
                    whole.failed += 1;
                }
            }
        }
        if product == Product::Vipd {
            (figure, whole) = (figure.at_most(target), whole.at_most(target));
        }
        figures.extend([figure, whole]);
    }
    Ok(figures)
}

fn all_held(lab: &Lab, side: Side, shape: &Shape) -> anyhow::Result<Option<()>> {
    Ok((lab.held(side)? == shape.all_addresses()).then_some(()))
}

/// Hears whether the Backup says anything on any wire.
struct Watch(Vec<Sentry>);

impl Watch {
    fn open(lab: &mut Lab, wires: u8) -> anyhow::Result<Self> {
        (0..wires).map(|wire| lab.advertisers(Side::Right, wire)).collect::<anyhow::Result<_>>().map(Self)
    }

    /// Counts what the Backup said since it was last asked.
    fn count(&self) -> anyhow::Result<usize> {
        let mut count = 0;
        for sentry in &self.0 {
            while sentry.next_sighting()?.is_some() {
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Starts both nodes, lets them settle, and returns what the Backup said and what each node cost while it was watched.
fn undisturbed(
    product: Product,
    lab: &mut Lab,
    shape: &Shape,
    effort: Effort,
) -> anyhow::Result<Option<(usize, [Cost; 2])>> {
    let watch = Watch::open(lab, shape.wires)?;
    let left = Agent::start(product, lab, Side::Left, shape)?;
    let right = Agent::start(product, lab, Side::Right, shape)?;
    let settled = poll_until(effort.patience, || all_held(lab, Side::Left, shape))?;
    if settled.is_none() {
        return Ok(None);
    }
    // The announcements that follow a claim are over after five seconds.
    thread::sleep(shape.active_down(ACTIVE) + Duration::from_secs(7));
    watch.count()?;
    let meters = [left.meter()?, right.meter()?];
    let mut said = 0;
    let until = boot_nanos() + u64::try_from(effort.watch.as_nanos())?;
    while boot_nanos() < until {
        thread::sleep(Duration::from_millis(100));
        said += watch.count()?;
    }
    Ok(Some((said, [left.cost(&meters[0])?, right.cost(&meters[1])?])))
}

fn stability(
    part: char,
    title: &str,
    product: Product,
    outcome: Option<&(usize, [Cost; 2])>,
    watch: Duration,
) -> Vec<Figure> {
    let spoken = Figure::new(part, format!("{title}: advertisements of the Backup"), "packets", product.name());
    let Some((said, costs)) = outcome else {
        let mut spoken = spoken;
        spoken.failed += 1;
        return vec![spoken];
    };
    let mut figures = vec![spoken.with([*said as f64])];
    if product == Product::Vipd {
        figures[0].target = Some(0.0);
    }
    for (cost, name) in costs.iter().zip(["Active", "Backup"]) {
        let figure = Figure::new(part, format!("{title}: processor of the {name}"), "% of a core", product.name());
        figures.push(figure.with([100.0 * cost.total.as_secs_f64() / watch.as_secs_f64()]));
    }
    figures
}

/// (d): 200 routers at 10 ms, and the bare loop beside them.
///
/// # Errors
/// What the kernel says.
pub(crate) fn fast(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let shape = Shape::new(200, 1, Duration::from_millis(10));
    let title = "200 routers at 10 ms";
    let outcome = undisturbed(product, &mut Lab::new(1)?, &shape, effort)?;
    let mut figures = stability('d', title, product, outcome.as_ref(), effort.watch);
    if product == Product::Vipd {
        let lab = Lab::new(1)?;
        let (receiver, sender) = (bare::receiver(&lab)?, bare::sender(&lab, shape)?);
        let watch = effort.watch.min(Duration::from_secs(20));
        thread::sleep(watch);
        for (cost, name) in [(sender.finish()?, "Active"), (receiver.finish()?, "Backup")] {
            let percent = 100.0 * cost.total.as_secs_f64() / watch.as_secs_f64();
            let what = format!("{title}: processor of the {name}");
            for figure in figures.iter_mut().filter(|figure| figure.what == what) {
                // Whichever is more generous.
                figure.target = Some((1.5 * percent).max(30.0));
            }
            figures.push(Figure::new('d', what, "% of a core", "bare loop").with([percent]));
        }
    }
    Ok(figures)
}

/// (f): four interfaces with 255 routers each.
///
/// # Errors
/// What the kernel says.
pub(crate) fn wires(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let shape = Shape { wires: 4, ..Shape::new(255, 1, Duration::from_secs(1)) };
    let outcome = undisturbed(product, &mut Lab::new(4)?, &shape, effort)?;
    Ok(stability('f', "4 interfaces of 255 routers at 1 s", product, outcome.as_ref(), effort.watch))
}

/// (e): 255 routers of 20 addresses: from the start to all announced, and after a cut from the first to the last.
///
/// # Errors
/// What the kernel says.
pub(crate) fn fleet(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let shape = Shape::new(255, 20, Duration::from_secs(1));
    let title = "255 routers of 20 addresses";
    let settle = format!("{title}: all announced after start and Active_Down_Interval");
    let mut settle = Figure::new('e', settle, "ms", product.name());
    let mut moved = Figure::new('e', format!("{title}: after a cut, first to last announced"), "ms", product.name());
    for _ in 0..effort.runs.min(3) {
        let mut lab = Lab::new(1)?;
        let ears = Ears::open(&mut lab, Side::Left)?;
        let left = Agent::start(product, &lab, Side::Left, &shape)?;
        let _right = Agent::start(product, &lab, Side::Right, &shape)?;
        let alone =
            || Ok(all_held(&lab, Side::Left, &shape)?.filter(|()| lab.held(Side::Right).is_ok_and(|held| held == 0)));
        let settled = poll_until(effort.patience, alone)?;
        thread::sleep(Duration::from_secs(3));
        let begun = ears.begun;
        let times = first_announcements(&ears.finish()?, Side::Left);
        if settled.is_none() || times.len() < shape.all_addresses() {
            settle.failed += 1;
            moved.failed += 1;
            eprintln!("{}: {} of {} announced\n{}", product.name(), times.len(), shape.all_addresses(), left.story());
            continue;
        }
        let down = u64::try_from(shape.active_down(ACTIVE).as_nanos())?;
        settle.values.extend(times.last().map(|last| millis(last.saturating_sub(begun + down))));
        // The second burst, five seconds after the claim, is over.
        thread::sleep(Duration::from_secs(5));
        let ears = Ears::open(&mut lab, Side::Right)?;
        lab.cut(Side::Left)?;
        let taken = poll_until(effort.patience, || all_held(&lab, Side::Right, &shape))?;
        thread::sleep(Duration::from_secs(3));
        let times = first_announcements(&ears.finish()?, Side::Right);
        match (taken, times.as_slice()) {
            (Some(()), [first, .., last]) if times.len() == shape.all_addresses() => {
                moved.values.push(millis(last - first));
            }
            _ => moved.failed += 1,
        }
    }
    if product == Product::Vipd {
        (settle, moved) = (settle.at_most(1000.0), moved.at_most(1000.0));
    }
    Ok(vec![settle, moved])
}
