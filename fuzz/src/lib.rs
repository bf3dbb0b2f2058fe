//! What must hold for any input of vipd's parsers, one module an input: each `check` panics where it does not.
//!
//! Two things run them: the libFuzzer targets beside this folder, which look for new inputs (`scripts/fuzz`), and
//! `tests/corpora`, which tries all that are kept in `corpus/`.

pub mod advertisement;
pub mod announcement;
pub mod authentication;
pub mod capture;
pub mod config;
pub mod control;
pub mod frame;
mod input;
pub mod key_file;
pub mod reload;
