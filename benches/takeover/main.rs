//! How late the survivor is: `cargo bench --bench takeover`, as root, with keepalived installed.
//!
//! Both products run in the same namespaces, in turn, so that what else the machine does meets both alike. All times
//! are the kernel's, taken from the survivor's own wire.

mod capture;
mod figures;
#[expect(dead_code, reason = "the interoperability tests need the rest of it")]
#[path = "../../tests/interop/pair/mod.rs"]
mod pair;
mod run;

use clap::Parser;
use figures::Figures;
use pair::{Lab, Product};
use run::{Fault, Lateness};
use vrrp_packet::Interval;

/// A run that shows nothing of the fault is repeated, but not for ever.
const ATTEMPTS: usize = 3;

/// Measures how long after the moment that the protocol gives the survivor advertises and announces the address.
#[derive(Parser)]
struct Arguments {
    /// How often each product meets each fault at each interval.
    #[arg(long, default_value_t = 20)]
    runs: usize,
    /// Advertisement_Interval in milliseconds, 10 to 40950; may be given more than once.
    #[arg(long = "interval", value_name = "MS", value_parser = interval, default_values = ["1000", "10"])]
    intervals: Vec<Interval>,
    /// What happens to the Active Router; may be given more than once.
    #[arg(long = "fault", default_values = ["cut", "leave"])]
    faults: Vec<Fault>,
    /// Only this product; may be given more than once.
    #[arg(long = "product", value_parser = product, default_values = ["vipd", "keepalived"])]
    products: Vec<Product>,
    /// Print JSON with every single value.
    #[arg(long)]
    json: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut lab = Lab::new()?;
    let mut figures = Vec::new();
    for &fault in &arguments.faults {
        for &interval in &arguments.intervals {
            figures.extend(measure(&mut lab, &arguments, fault, interval)?);
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        println!("Milliseconds after the moment that the protocol gives:\n\n{}", figures::table(&figures));
    }
    Ok(())
}

/// Lets the products take turns.
fn measure(lab: &mut Lab, arguments: &Arguments, fault: Fault, interval: Interval) -> anyhow::Result<Vec<Figures>> {
    let mut seen: Vec<(Product, Vec<Lateness>, usize)> =
        arguments.products.iter().map(|&product| (product, Vec::new(), 0)).collect();
    for number in 1..=arguments.runs {
        for (product, runs, premature) in &mut seen {
            eprintln!("{fault:?} at {interval}, {}: {number} of {}", product.name(), arguments.runs);
            for _ in 0..ATTEMPTS {
                match run::play(lab, *product, fault, interval)? {
                    Some(lateness) => {
                        runs.push(lateness);
                        break;
                    }
                    None => *premature += 1,
                }
            }
        }
    }
    seen.iter().map(|(product, runs, premature)| Figures::new(fault, interval, *product, runs, *premature)).collect()
}

fn interval(text: &str) -> Result<Interval, String> {
    let milliseconds: u16 = text.parse().map_err(|error| format!("{error}"))?;
    Interval::from_centis(milliseconds / 10)
        .filter(|interval| interval.duration().as_millis() == u128::from(milliseconds))
        .ok_or_else(|| "an interval is 10 to 40950 milliseconds, in steps of 10".to_owned())
}

fn product(text: &str) -> Result<Product, String> {
    [Product::Vipd, Product::Keepalived]
        .into_iter()
        .find(|product| product.name() == text)
        .ok_or_else(|| "vipd or keepalived".to_owned())
}
