//! vipd shares a Virtual Router with keepalived, or with FRR: every case is a test of its own, on nodes of its own.
//!
//! Needs root (network namespaces), keepalived and FRR; without them every case fails and says so.

mod cases;
mod owners;
mod pair;
mod story;

use std::fs;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Nearly all the time is waiting for timers of one second: more cases at once than there are processors.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let mut trials = vec![Trial::test("the_documentation_lists_every_case", documented)];
    trials.extend(cases::all().into_iter().map(|case| {
        Trial::test(case.to_string(), move || story::play(&case).map_err(|error| Failed::from(format!("{error:#}"))))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// With `UPDATE=1` in the environment it writes the table instead.
fn documented() -> Result<(), Failed> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/interop.md");
    let page = fs::read_to_string(path)?;
    let table = cases::table();
    if page.contains(&table) {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_none() {
        return Err(format!(
            "the table in docs/interop.md is stale: UPDATE=1 cargo test --test interop documentation\n{table}"
        )
        .into());
    }
    let begin = page.find("| version |").ok_or("docs/interop.md has no table that begins with | version |")?;
    let length = page[begin..].find("\n\n").map_or(page.len() - begin, |end| end + 1);
    Ok(fs::write(path, [&page[..begin], &table, &page[begin + length..]].concat())?)
}
