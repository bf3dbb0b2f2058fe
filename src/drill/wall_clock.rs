//! A wall clock of its own for one process tree, which a drill can step without touching the machine's.
//!
//! libfaketime, preloaded into the processes, adds to what they read of it the seconds that a file says; the boot clock
//! stays the kernel's.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::DrillError;
use super::scenario::Missing;

/// The library as programs with threads need it.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
/// Where distributions keep libraries; Debian has a directory for each architecture below the last one.
const PLACES: [&str; 3] = ["/usr/lib64", "/usr/local/lib", "/usr/lib"];
/// Where the library keeps what processes share; it leaves them there when they are killed.
const SHARED: &str = "/dev/shm";

/// Finds the library.
///
/// # Errors
/// [`Missing`] where it is not installed, or where this program loads no libraries.
pub(super) fn library() -> Result<PathBuf, Missing> {
    if cfg!(target_feature = "crt-static") {
        return Err(Missing::DynamicLinking);
    }
    let architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let places = PLACES.iter().map(PathBuf::from).chain(architectures);
    places.map(|place| place.join(LIBRARY)).find(|path| path.is_file()).ok_or(Missing::Faketime)
}

/// Is the wall clock of one node.
#[derive(Debug)]
pub(super) struct WallClock {
    library: PathBuf,
    /// Says how far it is off.
    file: PathBuf,
}

impl WallClock {
    /// Makes one that is right, with a file in `directory`.
    pub(super) fn new(directory: &Path) -> Result<Self, DrillError> {
        let clock = Self { library: library()?, file: directory.join("clock") };
        clock.step_to(0)?;
        Ok(clock)
    }

    /// Returns the environment that a process needs to live by it.
    pub(super) fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("LD_PRELOAD", self.library.clone().into()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.clone().into()),
            // The file is read whenever the clock is.
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }

    /// Steps it to this many seconds ahead of the machine's.
    pub(super) fn step_to(&self, ahead: i64) -> Result<(), DrillError> {
        let failed = |source| DrillError::File { doing: "write", path: self.file.clone(), source };
        let next = self.file.with_extension("next");
        // A reader finds one or the other, never half of it.
        fs::write(&next, format!("{ahead:+}\n")).map_err(failed)?;
        fs::rename(&next, &self.file).map_err(failed)
    }

    /// Removes what the library has left of a process tree that was killed.
    pub(super) fn forget(root: u32) {
        for name in [format!("faketime_shm_{root}"), format!("sem.faketime_sem_{root}")] {
            // Processes that ended in order have done so themselves.
            let _ = fs::remove_file(Path::new(SHARED).join(name));
        }
    }
}
