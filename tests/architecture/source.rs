//! Reads the sources as the rules need them: without comments, and knowing what is only for tests.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// One source file, its comments and its test modules taken out (blank lines keep the numbers).
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Every line of the file.
    pub(crate) total: usize,
    pub(crate) lines: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut lines: Vec<String> = text.lines().map(without_comment).collect();
        for start in 0..lines.len() {
            if lines[start].trim() == "#[cfg(test)]" {
                for index in item(&lines, start) {
                    lines[index].clear();
                }
            }
        }
        Self { path: path.into(), total: text.lines().count(), lines }
    }

    /// The module directly below `src/` that the file belongs to.
    pub(crate) fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
    }

    /// How many modules deep the file's own module is: 1 for `src/net.rs` and `src/net/mod.rs`, 2 for `src/net/arp.rs`.
    pub(crate) fn depth(&self) -> usize {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inside.trim_end_matches("/mod").split('/').count()
    }

    pub(crate) fn matches(&self, found: impl Fn(&str) -> bool, says: &str) -> Vec<String> {
        let hits = self.lines.iter().enumerate().filter(|(_, line)| found(line));
        hits.map(|(index, line)| format!("{}:{}: {says}: {}", self.path, index + 1, line.trim())).collect()
    }
}

pub(crate) fn without_comment(line: &str) -> String {
    let code = line.find("//").filter(|&at| at == 0 || !line[..at].ends_with(':')).map_or(line, |at| &line[..at]);
    code.trim_end().into()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines of the item or statement that the attribute at `start` is on, as rustfmt lays them out.
pub(crate) fn item(lines: &[String], start: usize) -> RangeInclusive<usize> {
    let base = indent(&lines[start]);
    let mut opened = false;
    let mut in_attribute = false;
    for (index, line) in lines.iter().enumerate().skip(start) {
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        if text.starts_with("#[") || in_attribute {
            in_attribute = !text.ends_with(']');
            continue;
        }
        if indent(line) < base {
            return start..=index - 1;
        }
        let ends = if indent(line) == base { text.ends_with([';', '}', ',']) } else { !opened && text.ends_with(';') };
        if ends {
            return start..=index;
        }
        opened |= indent(line) == base && text.ends_with(['{', '(', '[']);
    }
    start..=lines.len() - 1
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(crate) fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The paths of modules that exist only for tests: `#[cfg(test)] mod name;` in the file at `path`.
pub(crate) fn test_modules(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<String> = text.lines().map(without_comment).collect();
    let starts = (0..lines.len()).filter(|&start| lines[start].trim() == "#[cfg(test)]");
    let declared = starts.flat_map(|start| item(&lines, start)).filter_map(|index| {
        let name = lines[index].trim().strip_suffix(';')?.rsplit_once("mod ")?.1;
        Some(name.to_owned())
    });
    // `src/net/mod.rs` and `src/lib.rs` keep their modules beside them, `src/net/arp.rs` in `src/net/arp/`.
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    let base = if ["mod", "lib", "main"].contains(&stem) { folder.to_owned() } else { format!("{folder}/{stem}") };
    declared.map(|name| format!("{base}/{name}")).collect()
}

/// Every source that ships, by path; `tests` adds the files of nothing but tests.
pub(crate) fn sources(tests: bool) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    rust_files(&root.join("packet/src"), &mut files);
    files.sort();
    let relative = |file: &Path| file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let texts: Vec<(String, String)> =
        files.iter().map(|file| (relative(file), fs::read_to_string(file).unwrap())).collect();
    assert!(texts.len() > 10, "the sources are not where this test looks for them");

    // A module's tests may use what they test with, and fail by unwrapping.
    let only_tests: Vec<String> = texts.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let is_test = |path: &str| {
        let module = path.trim_end_matches(".rs");
        only_tests.iter().any(|test| module == test || module.starts_with(&format!("{test}/")))
    };
    texts.iter().filter(|(path, _)| tests || !is_test(path)).map(|(path, text)| Source::new(path, text)).collect()
}
