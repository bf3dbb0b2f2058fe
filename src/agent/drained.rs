//! Which routers the operator has drained: a file beside the control socket, so that a drain survives a restart.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Remembers drained routers by name.
#[derive(Debug)]
pub(super) struct DrainedRouters {
    path: PathBuf,
    names: BTreeSet<String>,
}

impl DrainedRouters {
    /// Reads what an earlier run left; a missing file means that nothing is drained.
    ///
    /// # Errors
    /// What the file system says, or that the file holds no list of names.
    pub(super) fn load(directory: &Path) -> io::Result<Self> {
        let path = directory.join("drained.json");
        let names = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, names })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Remembers or forgets a router; writes only where that changes something.
    ///
    /// # Errors
    /// What the file system says; the change then holds until the agent ends.
    pub(super) fn set(&mut self, name: &str, drained: bool) -> io::Result<()> {
        let changed = if drained { self.names.insert(name.to_owned()) } else { self.names.remove(name) };
        if !changed {
            return Ok(());
        }
        // A reader finds the old list or the new one, never half of it.
        let draft = self.path.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec(&self.names)?)?;
        fs::rename(&draft, &self.path)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_drain_survives_a_restart_and_a_resume_ends_it() {
        let directory = tempfile::tempdir().unwrap();
        DrainedRouters::load(directory.path()).unwrap().set("orders-db", true).unwrap();

        let mut reloaded = DrainedRouters::load(directory.path()).unwrap();
        assert!(reloaded.contains("orders-db"));
        reloaded.set("orders-db", false).unwrap();

        assert!(!DrainedRouters::load(directory.path()).unwrap().contains("orders-db"));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_an_empty_list() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("drained.json"), "{").unwrap();

        assert!(DrainedRouters::load(directory.path()).is_err());
    }
}
