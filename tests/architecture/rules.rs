//! The rules, each from a source to what it breaks.

use super::source::{Source, is_word, item};

/// The modules of `src/`, each with those that it may use. `cli` and `main` see all.
pub(crate) const MAY_USE: &[(&str, &[&str])] = &[
    ("agent", &["config", "control", "dataplane", "election", "engine", "guardian", "logging", "net"]),
    ("config", &["election"]),
    ("control", &["config", "election", "engine", "net"]),
    ("dataplane", &["net"]),
    ("drill", &["config", "control", "net"]),
    ("election", &[]),
    ("engine", &["dataplane", "election", "net"]),
    ("guardian", &["net"]),
    ("logging", &[]),
    ("net", &[]),
];

/// Modules that put the others together, and so may use any.
const SEE_ALL: &[&str] = &["cli", "main", "lib", "fuzzing"];

/// What no line of the election may say: it is told the time, and it never waits.
const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now", "sleep(", "std::thread", "tokio::"];

/// The ways to read the wall clock.
const WALL_CLOCKS: &[&str] = &["SystemTime", "CLOCK_REALTIME", "UNIX_EPOCH", "wall_nanos"];

/// Counts what a test allocates: no allocator can be written without `unsafe`.
const COUNTING_ALLOCATOR: &str = "tests/steady/allocator.rs";

const LONGEST_FILE: usize = 400;

/// Import rules: the arrows of [`MAY_USE`] and no other.
pub(crate) fn wrong_arrows(source: &Source) -> Vec<String> {
    let from = source.module();
    if SEE_ALL.contains(&from) || !source.path.starts_with("src/") {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == from) else {
        return vec![format!("{}: module {from} has no row in MAY_USE", source.path)];
    };
    // `super::` once for each level leads to the crate's root just as `crate::` does.
    let upwards = "super::".repeat(source.depth());
    let mut wrong = Vec::new();
    let mut group = false;
    for (index, line) in source.lines.iter().enumerate() {
        let mut used: Vec<&str> = Vec::new();
        for root in ["crate::", upwards.as_str()] {
            for (at, _) in line.match_indices(root) {
                let boundary = line[..at].chars().next_back().is_none_or(|c| !is_word(c) && c != ':');
                if boundary && !line[at + root.len()..].starts_with("super::") {
                    used.extend(first_names(&line[at + root.len()..]));
                }
            }
        }
        // A group of `use crate::{` that does not fit on its line goes on, one entry a line, to the closing brace.
        if group {
            used.extend(first_names(line.trim()));
        }
        group = if group { !line.trim_start().starts_with("};") } else { line.trim_end().ends_with("crate::{") };

        for to in used {
            let known = MAY_USE.iter().any(|(module, _)| *module == to) || SEE_ALL.contains(&to);
            if known && to != from && !allowed.contains(&to) {
                wrong.push(format!("{}:{}: {from} may not use {to}", source.path, index + 1));
            }
        }
    }
    wrong
}

/// `net::x` names `net`; `{net::x, config::{y, z}}` names `net` and `config`.
fn first_names(path: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let Some(inner) = path.strip_prefix('{') else { return vec![&path[..word(path)]] };
    let mut names = Vec::new();
    let mut level = 0;
    let mut fresh = true;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => fresh = true,
            c if fresh && is_word(c) => {
                names.push(&inner[at..at + word(&inner[at..])]);
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

pub(crate) fn clocks_in_the_election(source: &Source) -> Vec<String> {
    if source.module() != "election" {
        return Vec::new();
    }
    source.matches(|line| CLOCKS.iter().any(|clock| line.contains(clock)), "the election has no clock and no thread")
}

/// The wall clock may step by hours: no decision and no deadline may know of it (ownership rule 27). Where a signature
/// needs the date, it is an argument; one file hands it to the clock that dates them.
pub(crate) fn wall_clocks(source: &Source) -> Vec<String> {
    let timeless = ["election", "engine", "dataplane", "guardian"].contains(&source.module());
    if !timeless || !source.path.starts_with("src/") || source.path == "src/engine/dating.rs" {
        return Vec::new();
    }
    source.matches(|line| WALL_CLOCKS.iter().any(|clock| line.contains(clock)), "the wall clock may step")
}

pub(crate) fn unsafe_outside_of_net(source: &Source) -> Vec<String> {
    if (source.path.starts_with("src/") && source.module() == "net") || source.path == COUNTING_ALLOCATOR {
        return Vec::new();
    }
    let word = |line: &str| line.split(|c| !is_word(c)).any(|word| word == "unsafe");
    source.matches(word, "unsafe code belongs in src/net")
}

/// `unwrap` and `expect` need an `#[expect(clippy::.., reason = "..")]` on the item, statement or file that has them.
pub(crate) fn unproved_unwraps(source: &Source) -> Vec<String> {
    let mut rest = Source { path: source.path.clone(), total: source.total, lines: source.lines.clone() };
    for start in 0..rest.lines.len() {
        if ["clippy::unwrap_used", "clippy::expect_used"].iter().any(|lint| source.lines[start].contains(lint)) {
            let whole_file = source.lines[start].trim_start().starts_with("#![");
            for index in if whole_file { 0..=source.lines.len() - 1 } else { item(&source.lines, start) } {
                rest.lines[index].clear();
            }
        }
    }
    rest.matches(|line| line.contains(".unwrap()") || line.contains(".expect("), "prove it or return an error")
}

pub(crate) fn too_long(source: &Source) -> Vec<String> {
    let Source { path, total, .. } = source;
    let long = *total > LONGEST_FILE;
    long.then(|| format!("{path}: {total} lines; at {LONGEST_FILE} a file is two")).into_iter().collect()
}
