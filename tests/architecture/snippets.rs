//! Bad and good snippets for each rule: a rule that cannot fail proves nothing.

use super::ledger::{Known, Row, out_of_order, tests_in};
use super::rules::{
    clocks_in_the_election, too_long, unproved_unwraps, unsafe_outside_of_net, wall_clocks, wrong_arrows,
};
use super::source::{Source, test_modules};

fn breaks(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> bool {
    !rule(&Source::new(path, text)).is_empty()
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_found_however_it_is_written() {
    let path = "src/election/router.rs";
    for bad in [
        "use crate::net::Socket;",
        "use crate::{net::Socket};",
        "use crate::{election::time, net};",
        "use crate::{\n    election::time,\n    net::{arp, ndp},\n};",
        "use super::super::net::Socket;",
        "fn f() -> crate::net::Socket {}",
        "pub(crate) use crate::control;",
        "use crate::cli::Exit;",
    ] {
        assert!(breaks(wrong_arrows, path, bad), "not found: {bad}");
    }
    assert!(breaks(wrong_arrows, "src/net.rs", "use super::engine::Handle;"));
    assert!(breaks(wrong_arrows, "src/surprise/mod.rs", ""), "a module without a row is an error");
}

#[test]
fn arrows_in_the_table_and_in_tests_are_fine() {
    for good in [
        "use crate::election::time::Instant;",
        "use crate::net::Clock;",
        "use super::handle::Handle;",
        "use super::super::net::Clock;",
        "// use crate::cli::Exit;",
        "#[cfg(test)]\nmod tests {\n    use crate::cli::Exit;\n}",
    ] {
        assert!(!breaks(wrong_arrows, "src/engine/thread.rs", good), "wrongly found: {good}");
    }
    assert!(!breaks(wrong_arrows, "src/cli/run.rs", "use crate::net::Clock;"));
}

#[test]
fn a_clock_in_the_election_is_found() {
    for bad in ["let now = Instant::now();", "std::time::SystemTime::now()", "thread::sleep(wait);"] {
        assert!(breaks(clocks_in_the_election, "src/election/router.rs", bad), "not found: {bad}");
        assert!(!breaks(clocks_in_the_election, "src/net/clock.rs", bad));
    }
}

#[test]
fn a_look_at_the_wall_clock_is_found_where_deadlines_are_made() {
    for bad in ["SystemTime::now()", "clock_gettime(ClockId::CLOCK_REALTIME)", "clock.compare(now, wall_nanos());"] {
        assert!(breaks(wall_clocks, "src/engine/member.rs", bad), "not found: {bad}");
        assert!(breaks(wall_clocks, "src/guardian/run.rs", bad), "not found: {bad}");
        assert!(!breaks(wall_clocks, "src/net/clock.rs", bad));
    }
}

#[test]
fn unsafe_code_outside_of_net_is_found() {
    let bad = "fn f() {\n    unsafe { g() }\n}";
    assert!(breaks(unsafe_outside_of_net, "src/engine/thread.rs", bad));
    assert!(breaks(unsafe_outside_of_net, "packet/src/net/lib.rs", bad));
    assert!(!breaks(unsafe_outside_of_net, "src/net/realtime.rs", bad));
    assert!(!breaks(unsafe_outside_of_net, "src/lib.rs", "#![deny(unsafe_code)] // not unsafe"));
}

#[test]
fn an_unwrap_without_its_reason_is_found() {
    let proof = "#[expect(clippy::unwrap_used, reason = \"a digit\")]\n";
    for bad in [
        "let x = y.unwrap();".to_owned(),
        "let x = y\n    .lock()\n    .expect(\"poisoned\");".to_owned(),
        format!("{proof}fn f() {{\n    y.unwrap();\n}}\n\nfn g() {{\n    y.unwrap();\n}}"),
        format!("{proof}let x = y.unwrap();\nlet z = y.unwrap();"),
        format!("{proof}let x = y\n    .unwrap();\nlet z = y.unwrap();"),
    ] {
        assert!(breaks(unproved_unwraps, "src/net/arp.rs", &bad), "not found: {bad}");
    }
}

#[test]
fn an_unwrap_with_its_reason_or_in_a_test_is_fine() {
    let proof = "#[expect(clippy::unwrap_used, reason = \"a digit\")]\n";
    for good in [
        "y.unwrap_or_default();".to_owned(),
        "#[cfg(test)]\nmod tests {\n    fn f() {\n        y.unwrap();\n    }\n}".to_owned(),
        format!("{proof}pub fn f()\nwhere\n    T: Copy,\n{{\n    g();\n    y.unwrap();\n}}"),
        format!("{proof}let x = y\n    .lock()\n    .unwrap();"),
        format!("{proof}#[must_use]\nfn f() {{\n    g();\n    y.unwrap();\n}}"),
    ] {
        assert!(!breaks(unproved_unwraps, "src/net/arp.rs", &good), "wrongly found: {good}");
    }
}

#[test]
fn only_modules_under_cfg_test_count_as_tests() {
    let text = "mod arp;\n#[cfg(test)]\n#[expect(x, reason = \"y\")]\npub(crate) mod testing;\nmod ndp;";
    assert_eq!(test_modules("src/net/mod.rs", text), ["src/net/testing"]);
    assert_eq!(test_modules("src/net/arp.rs", text), ["src/net/arp/testing"]);
}

#[test]
fn a_file_of_401_lines_is_too_long() {
    assert!(breaks(too_long, "src/net/arp.rs", &"//\n".repeat(401)));
    assert!(!breaks(too_long, "src/net/arp.rs", &"//\n".repeat(400)));
}

fn ledger_errors(rows: &str) -> Vec<String> {
    let known = Known { modules: ["a::b".into()].into(), tests: ["a::b::tests::shown".into()].into() };
    let parts = Row::read(rows);
    let rows = parts.iter().flatten().flat_map(|row| row.errors(&known));
    rows.chain(parts.iter().flat_map(|part| out_of_order(part))).collect()
}

#[test]
fn a_row_of_the_ledger_with_a_test_or_a_reason_is_fine() {
    for good in [
        "| 5.1 | MUST | does it | `a::b` | `a::b::tests::shown` |",
        "| 5.1 | MUST | does it | – | Not bound: vipd forwards no packets |",
        "| 5.1 | MAY | does it | `a::b` | Deviates: nobody needs that here. `a::b::tests::shown` |",
        "| § | Level | Requirement | Where | Shown by |\n|---|---|---|---|---|\nwords",
        "| 5.9 | MUST | x | `a::b` | `a::b::tests::shown` |\n| 5.10.1 | MUST | x | `a::b` | `a::b::tests::shown` |",
    ] {
        assert_eq!(ledger_errors(good), [] as [String; 0], "{good}");
    }
}

#[test]
fn a_row_of_the_ledger_that_names_nothing_or_what_is_not_there_is_found() {
    for bad in [
        "| 5.1 | MUST | does it | `a::b` | |",
        "| 5.1 | MUST | does it | `a::b` | sure |",
        "| 5.1 | MUST | does it | – | `a::b::tests::shown` |",
        "| 5.1 | MUST | does it | `a::c` | `a::b::tests::shown` |",
        "| 5.1 | MUST | does it | `a::b` | `a::b::tests::shown`, `a::b::tests::gone` |",
        "| 5.1 | MUST | does it | – | Not bound: no |",
        "| 5.1 | OUGHT | does it | `a::b` | `a::b::tests::shown` |",
        "| 5.1 | MUST | `a::b` | `a::b::tests::shown` |",
        "| 5.x | MUST | does it | `a::b` | `a::b::tests::shown` |",
        "| 6.1 | MUST | x | `a::b` | `a::b::tests::shown` |\n| 5.2 | MUST | x | `a::b` | `a::b::tests::shown` |",
    ] {
        assert!(!ledger_errors(bad).is_empty(), "not found: {bad}");
    }
}

#[test]
fn tests_are_found_with_the_modules_that_they_are_in() {
    let text = "#[test]\nfn outer() {}\nfn no_test() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore]\n    fn inner() {\n    }\n}\n// #[test]\nfn helper() {}\n#[test]\nfn last() {}\n";
    assert_eq!(tests_in("net::arp", text), ["net::arp::outer", "net::arp::tests::inner", "net::arp::last"]);
    assert_eq!(tests_in("", "#[test]\nfn alone() {}"), ["alone"]);
}
