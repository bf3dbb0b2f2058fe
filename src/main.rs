//! The `vipd` binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    vipd::cli::main()
}
