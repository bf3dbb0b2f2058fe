//! Help texts and bad usage.

use crate::run::said;

#[test]
fn the_program_explains_itself() {
    insta::assert_snapshot!(said(&["--help"]));
}

#[test]
fn every_subcommand_explains_itself() {
    for subcommand in ["run", "check", "status", "drain", "resume", "reload", "decode", "drill", "completions"] {
        insta::assert_snapshot!(format!("help_{subcommand}"), said(&[subcommand, "--help"]));
    }
}

#[test]
fn bad_usage_ends_with_2() {
    let tries: [&[&str]; 6] = [
        &[],
        &["statsu"],
        &["status", "--jsno"],
        &["decode"],
        &["drill", "--runs", "0"],
        &["drill", "--interval", "1s,15ms"],
    ];
    insta::assert_snapshot!(tries.map(said).join("\n"));
}

#[test]
fn completions_are_for_this_program() {
    let script = said(&["completions", "bash"]);
    assert!(script.contains("exit code: 0") && script.contains("--control-socket"), "{script}");
}
