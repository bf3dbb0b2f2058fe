//! docs/performance.md, of which everything between two marks is made from figures.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::figure::{Figure, table};

const BEGIN: &str = "<!-- figures: made by scripts/bench -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Puts the figures of these files into the document.
///
/// # Errors
/// What cannot be read or written, or a file with figures of another form.
pub(crate) fn write(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut figures = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let value: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        figures.extend(read(value).with_context(|| format!("{} holds no figures", file.display()))?);
    }
    figures.sort_by(|a, b| (a.part, &a.what).cmp(&(b.part, &b.what)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let text = fs::read_to_string(&path)?;
    let (head, rest) = text.split_once(BEGIN).context("docs/performance.md has no mark where figures begin")?;
    let (_, tail) = rest.split_once(END).context("docs/performance.md has no mark where figures end")?;
    let machine = machine()?;
    fs::write(&path, format!("{head}{BEGIN}\n{machine}\n\n{}\n{END}{tail}", table(&figures)))?;
    Ok(())
}

/// Says what the figures were measured on.
fn machine() -> anyhow::Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let processors = std::thread::available_parallelism()?;
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    Ok(format!("Linux {}, {processors} processors ({model}).", kernel.trim()))
}

/// Reads the figures of this bench, of the bench takeover, or of the drills.
fn read(value: Value) -> anyhow::Result<Vec<Figure>> {
    if let Some(drills) = value.get("drills").and_then(Value::as_array) {
        return drills.iter().map(drill).collect();
    }
    let is_takeover = value.get(0).is_some_and(|first| first.get("fault").is_some());
    if !is_takeover {
        return Ok(serde_json::from_value(value)?);
    }
    let list = value.as_array().context("no list")?;
    let figures: Vec<Vec<Figure>> = list.iter().map(takeover).collect::<anyhow::Result<_>>()?;
    Ok(figures.into_iter().flatten().collect())
}

/// (a): what the bench takeover measured.
fn takeover(value: &Value) -> anyhow::Result<Vec<Figure>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).with_context(|| format!("no {key}"));
    let interval = value.get("interval_ms").and_then(Value::as_u64).context("no interval_ms")?;
    let (fault, product) = (text("fault")?, text("product")?);
    let after = match fault {
        "cut" => format!("silent cut at {interval} ms: after Active_Down_Interval"),
        _ => format!("planned leave at {interval} ms: after Priority 0"),
    };
    let mut figures = Vec::new();
    for (key, what) in [("advertisement", "first advertisement"), ("announcement", "first gratuitous ARP")] {
        let values = value.get(key).and_then(|it| it.get("values")).and_then(Value::as_array).context("no values")?;
        let values = values.iter().filter_map(Value::as_f64).map(|nanos| nanos / 1e6);
        let mut figure = Figure::new('a', format!("{after}, {what}"), "ms", product).with(values);
        figure.failed = value.get("premature").and_then(Value::as_u64).unwrap_or(0).try_into()?;
        if (fault, interval, key, product) == ("cut", 10, "announcement", "vipd") {
            figure = figure.at_most(0.5);
        }
        figures.push(figure);
    }
    Ok(figures)
}

/// (b): what a client saw in a drill.
fn drill(value: &Value) -> anyhow::Result<Figure> {
    let scenario = value.get("scenario").and_then(Value::as_str).context("no scenario")?;
    let interval = value.get("interval_ms").and_then(Value::as_u64).context("no interval_ms")?;
    let runs = value.get("runs").and_then(Value::as_array).context("no runs")?;
    let outages = runs.iter().filter_map(|run| run.get("outage_ms").and_then(Value::as_f64));
    let what = format!("`vipd drill {scenario}` at {interval} ms: outage that a client sees");
    let figure = Figure::new('b', what, "ms", "vipd").with(outages);
    Ok(if interval == 1000 { figure.at_most(2.0) } else { figure })
}
