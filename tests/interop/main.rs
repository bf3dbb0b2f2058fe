//! vipd and keepalived share a Virtual Router: every case is a test of its own, on nodes of its own.
//!
//! Needs root (network namespaces) and keepalived; without them every case fails and says so.

mod cases;
mod owners;
mod pair;
mod story;

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

fn documented() -> Result<(), Failed> {
    let page = include_str!("../../docs/interop.md");
    let table = cases::table();
    if page.contains(&table) {
        Ok(())
    } else {
        Err(format!("docs/interop.md does not hold this table:\n{table}").into())
    }
}
