//! What many runs come to: median and worst, as a table and as JSON.

use serde::Serialize;
use vrrp_packet::Interval;

use crate::pair::Product;
use crate::run::{Fault, Lateness};

/// Holds the figures of one product under one fault at one interval.
#[derive(Serialize)]
pub(crate) struct Figures {
    fault: Fault,
    interval_ms: u64,
    product: &'static str,
    /// Runs in which the Backup took over before the fault; they are not among the others.
    premature: usize,
    advertisement: Distribution,
    announcement: Distribution,
}

/// Holds every value, least first, in nanoseconds.
#[derive(Serialize)]
struct Distribution {
    median: i64,
    worst: i64,
    values: Vec<i64>,
}

impl Figures {
    /// Sums up; at least one run must have shown something.
    pub(crate) fn new(
        fault: Fault,
        interval: Interval,
        product: Product,
        runs: &[Lateness],
        premature: usize,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            fault,
            interval_ms: u64::try_from(interval.duration().as_millis())?,
            product: product.name(),
            premature,
            advertisement: Distribution::new(runs.iter().map(|run| run.advertisement))?,
            announcement: Distribution::new(runs.iter().map(|run| run.announcement))?,
        })
    }
}

impl Distribution {
    fn new(values: impl Iterator<Item = i64>) -> anyhow::Result<Self> {
        let mut values: Vec<i64> = values.collect();
        values.sort_unstable();
        let (Some(&low), Some(&high), Some(&worst)) =
            (values.get(values.len().saturating_sub(1) / 2), values.get(values.len() / 2), values.last())
        else {
            anyhow::bail!("no run showed a take-over");
        };
        Ok(Self { median: i64::midpoint(low, high), worst, values })
    }
}

/// Renders the figures as a Markdown table, times in milliseconds.
pub(crate) fn table(figures: &[Figures]) -> String {
    let mut text = String::from(
        "| fault | interval | product | runs | first advertisement: median | worst | gratuitous ARP: median | worst |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for it in figures {
        let fault = match it.fault {
            Fault::Cut => "silent cut",
            Fault::Leave => "SIGTERM",
        };
        let interval = it.interval_ms;
        let [said, said_worst, announced, announced_worst] =
            [it.advertisement.median, it.advertisement.worst, it.announcement.median, it.announcement.worst]
                .map(milliseconds);
        let runs = it.advertisement.values.len();
        text.push_str(&format!(
            "| {fault} | {interval} ms | {} | {runs} | {said} | {said_worst} | {announced} | {announced_worst} |\n",
            it.product
        ));
    }
    for it in figures.iter().filter(|it| it.premature > 0) {
        text.push_str(&format!(
            "\n{} at {} ms: {} more runs in which the Backup took over before the fault.\n",
            it.product, it.interval_ms, it.premature
        ));
    }
    text
}

fn milliseconds(nanoseconds: i64) -> String {
    // Rounded to microseconds, which f64 holds exactly for centuries.
    #[expect(clippy::cast_precision_loss, reason = "a lateness is far below 2^53 ns")]
    let milliseconds = nanoseconds as f64 / 1e6;
    format!("{milliseconds:.3}")
}
