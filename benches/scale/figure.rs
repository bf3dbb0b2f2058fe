//! One figure of one product: its values, its target, and what many of them look like as a table.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Holds every value of one figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// The letter of the measurement, as docs/performance.md has it.
    pub(crate) part: char,
    /// What was measured.
    pub(crate) what: String,
    /// The unit of the values.
    pub(crate) unit: String,
    /// Whose figure it is.
    pub(crate) product: String,
    /// Every value, in the order of the runs.
    pub(crate) values: Vec<f64>,
    /// What the median may be at most, where that is promised.
    pub(crate) target: Option<f64>,
    /// How often the product did not get as far as that there was a value.
    pub(crate) failed: usize,
}

impl Figure {
    /// Describes a figure without values.
    pub(crate) fn new(part: char, what: impl Into<String>, unit: &str, product: &str) -> Self {
        let (what, unit, product) = (what.into(), unit.to_owned(), product.to_owned());
        Self { part, what, unit, product, values: Vec::new(), target: None, failed: 0 }
    }

    /// Adds values.
    pub(crate) fn with(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.values.extend(values);
        self
    }

    /// Sets the target.
    pub(crate) fn at_most(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    /// Returns the value that this share of all values does not exceed; `None` without values.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        // Of few values the 99th percentile is the greatest.
        values.get((share * last as f64).ceil() as usize).copied()
    }

    fn is_missed(&self) -> bool {
        self.target.is_some_and(|target| self.quantile(0.5).is_none_or(|median| median > target))
    }
}

/// (g): an advertisement costs at most half of what it costs keepalived, where both could be measured.
pub(crate) fn set_relative_targets(figures: &mut [Figure]) {
    let theirs: Vec<Figure> =
        figures.iter().filter(|it| it.part == 'g' && it.product == "keepalived").cloned().collect();
    for ours in figures.iter_mut().filter(|it| it.part == 'g' && it.product == "vipd" && it.what.ends_with(", all")) {
        let peer = theirs.iter().find(|it| it.what == ours.what);
        ours.target = peer.and_then(|peer| peer.quantile(0.5)).map(|median| median / 2.0);
    }
}

/// Renders figures as a Markdown table: both products side by side, with the ratio of their medians.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = String::from(
        "| | what | unit | product | runs | median | p99 | worst | ratio | target |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for it in figures {
        let peer =
            figures.iter().find(|other| other.what == it.what && other.part == it.part && other.product == "vipd");
        let ratio = peer.filter(|peer| peer.product != it.product).and_then(|peer| {
            let (ours, theirs) = (peer.quantile(0.5)?, it.quantile(0.5)?);
            (ours > 0.0).then(|| format!("{:.1}", theirs / ours))
        });
        let [median, p99, worst] = [0.5, 0.99, 1.0].map(|share| it.quantile(share).map_or("none".to_owned(), number));
        let target = it.target.map_or_else(String::new, |target| {
            format!("{}{}", number(target), if it.is_missed() { ", missed" } else { "" })
        });
        let runs = if it.failed > 0 {
            format!("{}, {} failed", it.values.len(), it.failed)
        } else {
            it.values.len().to_string()
        };
        let ratio = ratio.unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {runs} | {median} | {p99} | {worst} | {ratio} | {target} |",
            it.part, it.what, it.unit, it.product
        );
    }
    text
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        0.0..10.0 => format!("{value:.3}"),
        10.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
