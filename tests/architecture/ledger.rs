//! The rules of `docs/rfc9568.md`: each row names tests and modules that exist, or says why there are none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::source::{rust_files, without_comment};

/// What a row without a test begins its last cell with. A deviation is a choice of ours; what does not bind us is not.
const REASONS: [&str; 2] = ["Not bound:", "Deviates:"];
/// How a reason that is one looks: some words.
const SHORTEST_REASON: usize = 20;

/// Holds one row of a table with the columns `§`, level, requirement, where, shown by.
pub(crate) struct Row {
    line: usize,
    section: String,
    cells: Vec<String>,
}

impl Row {
    /// Reads the rows of every table but their heads; a new heading begins a new part.
    pub(crate) fn read(page: &str) -> Vec<Vec<Self>> {
        let mut parts = vec![Vec::new()];
        for (index, line) in page.lines().enumerate() {
            if line.starts_with("## ") {
                parts.push(Vec::new());
            }
            let cells: Vec<String> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
            let is_row = line.starts_with("| ") && cells[0] != "§";
            if let (true, Some(part)) = (is_row, parts.last_mut()) {
                part.push(Self { line: index + 1, section: cells[0].clone(), cells });
            }
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// Tells what is wrong with the row.
    pub(crate) fn errors(&self, known: &Known) -> Vec<String> {
        let [_, level, requirement, place, shown] = self.cells.as_slice() else {
            return vec![self.error(&format!("{} cells where 5 are needed", self.cells.len()))];
        };
        let mut errors = Vec::new();
        if !LEVELS.contains(&level.as_str()) || requirement.is_empty() || self.numbers().is_none() {
            errors.push(self.error("no section, no level, or no requirement"));
        }
        for module in quoted(place) {
            if !known.modules.contains(module) {
                errors.push(self.error(&format!("there is no module {module}")));
            }
        }
        let (tests, reason) = (quoted(shown), REASONS.iter().find_map(|reason| shown.split_once(reason)));
        for test in &tests {
            if !known.tests.contains(*test) {
                errors.push(self.error(&format!("there is no test {test}")));
            }
        }
        match reason {
            Some((_, why)) if why.trim().len() < SHORTEST_REASON => {
                errors.push(self.error("a reason of a word or two"));
            }
            None if tests.is_empty() => errors.push(self.error("neither a test nor a reason")),
            None if quoted(place).is_empty() => errors.push(self.error("a test, but no module")),
            Some(_) | None => {}
        }
        errors
    }

    fn numbers(&self) -> Option<Vec<u32>> {
        self.section.split('.').map(|number| number.parse().ok()).collect()
    }

    fn error(&self, what: &str) -> String {
        format!("docs/rfc9568.md:{}: §{}: {what}", self.line, self.section)
    }
}

const LEVELS: [&str; 6] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY"];

/// Tells which rows are not in the order of their sections.
pub(crate) fn out_of_order(part: &[Row]) -> Vec<String> {
    let pairs = part.windows(2).filter(|pair| pair[0].numbers() > pair[1].numbers());
    pairs.map(|pair| pair[1].error("comes after a later section")).collect()
}

/// The words in backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Knows what a row may name.
pub(crate) struct Known {
    /// `election::backup`, `vrrp_packet::checksum`.
    pub(crate) modules: BTreeSet<String>,
    /// `election::tests::backup::name` as `cargo test --lib` has it, `tests/netns election::name`, `packet/tests/wire ..`.
    pub(crate) tests: BTreeSet<String>,
}

impl Known {
    /// Reads the sources of both packages and of their test binaries.
    pub(crate) fn read() -> Self {
        let mut known = Self { modules: BTreeSet::new(), tests: BTreeSet::new() };
        for (folder, module_prefix, test_prefix) in SOURCES {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let mut files = Vec::new();
            rust_files(&root, &mut files);
            for file in files {
                let inside = file.strip_prefix(&root).unwrap().to_str().unwrap();
                let module = module_of(inside);
                if let Some(prefix) = module_prefix {
                    known.modules.insert(joined(prefix, &module));
                }
                let text = fs::read_to_string(&file).unwrap();
                known.tests.extend(tests_in(&module, &text).iter().map(|test| format!("{test_prefix}{test}")));
            }
        }
        known
    }
}

/// Where modules and tests are, and what comes before their names; test binaries have no modules that a row could name.
const SOURCES: [(&str, Option<&str>, &str); 6] = [
    ("src", Some(""), ""),
    ("packet/src", Some("vrrp_packet"), "packet "),
    ("packet/tests/wire", None, "packet/tests/wire "),
    ("tests/netns", None, "tests/netns "),
    ("tests/sim", None, "tests/sim "),
    ("tests/cli", None, "tests/cli "),
];

/// Turns `election/tests/mod.rs` into `election::tests`, `main.rs` into nothing.
fn module_of(path: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    let parts: Vec<&str> = stem.split('/').filter(|part| !["mod", "lib", "main"].contains(part)).collect();
    parts.join("::")
}

fn joined(prefix: &str, name: &str) -> String {
    [prefix, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::")
}

/// Finds the functions under `#[test]` with the path of their modules, as rustfmt lays them out.
pub(crate) fn tests_in(module: &str, text: &str) -> Vec<String> {
    let (mut tests, mut inside, mut is_test) = (Vec::new(), Vec::<(String, &str)>::new(), false);
    for line in text.lines() {
        let (code, indent) = (without_comment(line), &line[..line.len() - line.trim_start().len()]);
        let code = code.trim();
        if let Some(name) = code.strip_suffix('{').and_then(|head| head.trim().rsplit_once("mod ")).map(|it| it.1) {
            inside.push((name.to_owned(), indent));
        } else if code == "}" && inside.last().is_some_and(|(_, opened)| *opened == indent) {
            inside.pop();
        }
        is_test |= code == "#[test]";
        if let (true, Some((_, rest))) = (is_test, code.split_once("fn ")) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let path = inside.iter().fold(module.to_owned(), |path, (inner, _)| joined(&path, inner));
            tests.push(joined(&path, &name));
            is_test = false;
        }
    }
    tests
}
