//! The table of docs/ownership.md: a row for each rule, and a test behind each name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::source::rust_files;

/// The rules that govern what this version does not have yet.
const LATER: [u32; 8] = [10, 20, 21, 22, 23, 24, 25, 26];
const RULES: u32 = 29;

/// Reads the rows: the number of a rule and the tests that are named.
fn rows(page: &str) -> Vec<(u32, Vec<&str>)> {
    let (_, table) = page.split_once("## Where each rule is tried").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    rows.filter_map(|(number, tests)| Some((number.parse().ok()?, tests.split('`').skip(1).step_by(2).collect())))
        .collect()
}

#[test]
fn every_rule_of_ownership_has_a_row_and_every_test_in_it_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/ownership.md")).unwrap();
    let mut files = Vec::new();
    for directory in ["src", "tests", "packet"] {
        rust_files(&root.join(directory), &mut files);
    }
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let tests: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim_start().strip_prefix("fn ")?.strip_suffix("() {"))
        .collect();

    let rows = rows(&page);

    for rule in (1..=RULES).filter(|rule| !LATER.contains(rule)) {
        let named = rows.iter().find(|(number, _)| *number == rule).map(|(_, tests)| tests);
        assert!(named.is_some_and(|tests| !tests.is_empty()), "rule {rule} has no test");
    }
    let missing: Vec<&&str> = rows.iter().flat_map(|(_, named)| named).filter(|name| !tests.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/ownership.md names tests that are not there: {missing:?}");
}
