//! Runs the binary and writes down what it said.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Prepares the binary with an environment in which its output is always the same.
pub(crate) fn vipd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vipd"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["COLUMNS", "LINES", "RUST_LOG", "RUST_BACKTRACE", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

/// Runs the binary and returns exit code, standard output and standard error as one text.
pub(crate) fn said(arguments: &[&str]) -> String {
    written(arguments, &vipd(arguments).output().unwrap())
}

/// Like [`said`], with something on standard input.
pub(crate) fn said_to(arguments: &[&str], input: &[u8]) -> String {
    let mut command = vipd(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends before it has read everything is one of the things to see.
    let _ = child.stdin.take().unwrap().write_all(input);
    written(arguments, &child.wait_with_output().unwrap())
}

fn written(arguments: &[&str], output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code().map_or("a signal".to_owned(), |code| code.to_string());
    format!("$ vipd {}\nexit code: {code}\n--- stdout\n{stdout}--- stderr\n{stderr}", arguments.join(" "))
}
