//! Every input that fuzzing has kept, through the checks that it was kept by: see `fuzz/` and docs/testing.md.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[expect(unreachable_pub, reason = "the fuzz targets use the same modules as a library")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A failed check says what it was given.
fn replay(target: &str, check: fn(&[u8])) {
    let corpus = folder("corpus").join(target);
    let files = names(&corpus);
    assert!(files.len() > 2, "{} is next to empty", corpus.display());
    for file in files {
        let path = corpus.join(file);
        let input = fs::read(&path).unwrap();
        println!("{}", path.display());
        check(&input);
    }
}

macro_rules! replays {
    ($($target:ident)+) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),+];

        $(#[test]
        fn $target() {
            replay(stringify!($target), fuzz::$target::check);
        })+
    };
}

replays!(advertisement announcement authentication capture config control frame key_file reload);

#[test]
fn every_target_has_a_corpus_and_is_replayed() {
    let targets = names(&folder("fuzz_targets"));
    let targets: Vec<_> = targets.iter().map(|name| name.trim_end_matches(".rs")).collect();

    assert_eq!(targets, TARGETS);
    assert_eq!(names(&folder("corpus")), TARGETS);
}

#[test]
fn the_corpora_stay_small() {
    let files = TARGETS.iter().flat_map(|target| {
        let corpus = folder("corpus").join(target);
        names(&corpus).into_iter().map(move |file| corpus.join(file))
    });

    let total: u64 = files.map(|file| fs::metadata(file).unwrap().len()).sum();

    assert!(total < 2 << 20, "{total} bytes: minimise with `scripts/fuzz --minimise`");
}
