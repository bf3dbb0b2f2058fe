//! A directory that goes away with its owner.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::mkdtemp;

use super::DrillError;

/// Holds a new directory that only this user can read, and removes it with everything in it when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one below `TMPDIR` or `/tmp`.
    pub(super) fn new() -> Result<Self, DrillError> {
        let template = env::temp_dir().join("vipd-drill-XXXXXX");
        let path = mkdtemp(&template).map_err(|errno| DrillError::File {
            doing: "make a directory",
            path: template,
            source: errno.into(),
        })?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to tell, and a system that cleans its temporary directory will get it.
        let _ = fs::remove_dir_all(&self.path);
    }
}
