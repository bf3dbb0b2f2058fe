//! Many addresses, many routers, and what they cost: `cargo bench --bench scale`, as root, with keepalived installed.
//!
//! The products take turns at each measurement, in namespaces made alike, so that what else the machine does meets both.

mod agent;
mod bare;
mod document;
mod ears;
mod figure;
mod lab;
mod measures;
mod shape;

use std::fs;
use std::path::PathBuf;

use agent::Product;
use clap::Parser;
use figure::Figure;
use measures::Effort;

type Measure = fn(Product, Effort) -> anyhow::Result<Vec<Figure>>;

/// Every measurement, under its letter.
const MEASURES: [(char, Measure); 10] = [
    ('c', measures::announcements),
    ('d', measures::fast),
    ('e', measures::fleet),
    ('f', measures::wires),
    ('g', measures::per_advertisement),
    ('h', measures::memory),
    ('i', measures::jitter),
    ('j', measures::start),
    ('j', measures::reload),
    ('k', measures::authentication),
];

/// Measures vipd and keepalived with many addresses and many routers.
#[derive(Parser)]
struct Arguments {
    /// Only these measurements, such as `ce`; see docs/performance.md for the letters.
    #[arg(long, default_value = "cdefghijk")]
    only: String,
    /// Only this product; may be given more than once.
    #[arg(long = "product", value_parser = product, default_values = ["vipd", "keepalived"])]
    products: Vec<Product>,
    /// Fewer runs, shorter watches.
    #[arg(long)]
    quick: bool,
    /// How often what is over soon is repeated, in place of what `--quick` says.
    #[arg(long)]
    runs: Option<usize>,
    /// Write every single value to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure nothing: put the figures of these files into docs/performance.md. The benches takeover and scale write
    /// such files, and `vipd drill --json`.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    document: Vec<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if !arguments.document.is_empty() {
        return document::write(&arguments.document);
    }
    let effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    let effort = Effort { runs: arguments.runs.unwrap_or(effort.runs), ..effort };
    let mut figures: Vec<Figure> = Vec::new();
    for (letter, measure) in MEASURES.into_iter().filter(|(letter, _)| arguments.only.contains(*letter)) {
        for &product in &arguments.products {
            eprintln!("({letter}) {}", product.name());
            let more = measure(product, effort)?;
            eprint!("{}", figure::table(&more));
            figures.extend(more);
        }
    }
    figures.sort_by(|a, b| (a.part, &a.what).cmp(&(b.part, &b.what)));
    figure::set_relative_targets(&mut figures);
    if let Some(file) = &arguments.json {
        fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    println!("{}", figure::table(&figures));
    Ok(())
}

fn product(text: &str) -> Result<Product, String> {
    Product::BOTH.into_iter().find(|product| product.name() == text).ok_or_else(|| "vipd or keepalived".to_owned())
}
