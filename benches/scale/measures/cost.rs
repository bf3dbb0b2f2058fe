//! What an advertisement, a signature and a router cost.

use core::time::Duration;
use std::thread;

use super::{Effort, poll_until};
use crate::agent::{ACTIVE, Agent, Cost, Product};
use crate::figure::Figure;
use crate::lab::{Lab, Side};
use crate::shape::Shape;

/// (g): processor time of 1000 advertisements sent, and of 1000 received.
///
/// # Errors
/// What the kernel says.
pub(crate) fn per_advertisement(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (title, shape) in [
        ("one router, 100 addresses, 10 ms", Shape::new(1, 100, Duration::from_millis(10))),
        ("50 routers at 100 ms", Shape::new(50, 1, Duration::from_millis(100))),
    ] {
        figures.extend(rows('g', title, product, &shape, effort)?);
    }
    Ok(figures)
}

/// (k): the same with signatures.
///
/// # Errors
/// What the kernel says.
pub(crate) fn authentication(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    if product == Product::Keepalived {
        // Debian's has none, and what newer ones sign with is configured otherwise in each.
        return Ok(Vec::new());
    }
    let shape = Shape::new(50, 1, Duration::from_millis(100));
    let mut figures = rows('k', "50 routers at 100 ms, unsigned", product, &shape, effort)?;
    let signed = Shape { signed: true, ..shape };
    figures.extend(rows('k', "50 routers at 100 ms, signed", product, &signed, effort)?);
    Ok(figures)
}

fn rows(part: char, title: &str, product: Product, shape: &Shape, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut rows: Vec<Figure> = Vec::new();
    for direction in ["sent", "received"] {
        for share in ["all", "user", "system"] {
            rows.push(Figure::new(part, format!("{title}: 1000 {direction}, {share}"), "ms", product.name()));
        }
    }
    let watch = effort.watch.min(Duration::from_secs(20));
    for _ in 0..effort.runs.min(3) {
        let costs = steady(product, shape, effort, watch)?;
        let thousands = shape.advertisements_a_second() * watch.as_secs_f64() / 1000.0;
        let each =
            |cost: Cost| [cost.total, cost.user, cost.system].map(|time| time.as_secs_f64() * 1000.0 / thousands);
        match costs {
            Some(costs) => {
                for (row, value) in rows.iter_mut().zip(costs.into_iter().flat_map(each)) {
                    row.values.push(value);
                }
            }
            None => rows.iter_mut().for_each(|row| row.failed += 1),
        }
    }
    Ok(rows)
}

/// Returns what sender and receiver cost in `watch`; `None` where they did not settle.
fn steady(product: Product, shape: &Shape, effort: Effort, watch: Duration) -> anyhow::Result<Option<[Cost; 2]>> {
    let lab = Lab::new(1)?;
    let left = Agent::start(product, &lab, Side::Left, shape)?;
    let right = Agent::start(product, &lab, Side::Right, shape)?;
    let settled = poll_until(effort.patience, || Ok((lab.held(Side::Left)? == shape.all_addresses()).then_some(())))?;
    if settled.is_none() {
        eprintln!("not settled\n{}\n{}", left.story(), right.story());
        return Ok(None);
    }
    thread::sleep(shape.active_down(ACTIVE) + Duration::from_secs(7));
    let meters = [left.meter()?, right.meter()?];
    thread::sleep(watch);
    let costs = [left.cost(&meters[0])?, right.cost(&meters[1])?];
    let held = [lab.held(Side::Left)?, lab.held(Side::Right)?];
    if held != [shape.all_addresses(), 0] {
        eprintln!("the nodes hold {held:?} addresses\n{}\n{}", left.story(), right.story());
        return Ok(None);
    }
    Ok(Some(costs))
}

/// (h): memory of 1, 100 and 255 routers, and what each one adds.
///
/// # Errors
/// What the kernel says.
pub(crate) fn memory(product: Product, effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut seen = Vec::new();
    for routers in [1, 100, 255] {
        let shape = Shape::new(routers, 1, Duration::from_secs(1));
        let lab = Lab::new(1)?;
        let agent = Agent::start(product, &lab, Side::Left, &shape)?;
        let what = if routers == 1 { "one router".to_owned() } else { format!("{routers} routers") };
        let mut figure = Figure::new('h', format!("{what}: proportional set size"), "KiB", product.name());
        let here = || Ok((lab.held(Side::Left)? == shape.all_addresses()).then_some(()));
        match poll_until(effort.patience, here)? {
            Some(()) => {
                thread::sleep(Duration::from_secs(7));
                let memory = agent.memory()? as f64;
                seen.push((f64::from(routers), memory));
                figure.values.push(memory);
            }
            None => figure.failed += 1,
        }
        figures.push(figure);
    }
    let mut each = Figure::new('h', "each router beyond the first", "KiB", product.name());
    match (seen.first(), seen.last()) {
        (Some((few, less)), Some((many, more))) if many > few => each.values.push((more - less) / (many - few)),
        _ => each.failed += 1,
    }
    figures.push(if product == Product::Vipd { each.at_most(4.0) } else { each });
    Ok(figures)
}
