//! What a configuration was made from: the text and the files that it names, kept so that another process can make the
//! same of them when the disk has changed since.

use core::cell::RefCell;
use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::diagnostics::Report;
use super::file::Loaded;
use super::model::Config;

/// Keeps a configuration's text and the content of the files that it names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// The file that the text came from: shown in reports, and relative files are named beside it.
    pub origin: PathBuf,
    /// The text.
    pub text: String,
    /// What the named files held. Some of it is secret.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Original {
    /// Makes the configuration again, without a look at the disk.
    ///
    /// # Errors
    /// The report of [`Config::parse`]; it has none where the same version of vipd made this.
    pub fn parse(&self) -> Result<Loaded, Report> {
        Config::parse_with(&self.text, &self.origin, Files::kept(&self.origin, self.files.clone()))
    }
}

impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Original").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Reads the files that a configuration names, or remembers what was read before.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    contents: RefCell<BTreeMap<PathBuf, Vec<u8>>>,
    from_disk: bool,
}

impl Files {
    /// Reads from the disk; relative names are beside `origin`.
    pub(super) fn on_disk(origin: &Path) -> Self {
        Self { from_disk: true, ..Self::kept(origin, BTreeMap::new()) }
    }

    fn kept(origin: &Path, contents: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let folder = origin.parent().unwrap_or(Path::new("")).to_owned();
        Self { folder, contents: RefCell::new(contents), from_disk: false }
    }

    /// Returns the content of a file; `read` looks at the disk, where that is still to be done.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn content<E>(&self, name: &str, read: impl FnOnce(&Path) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
        let path = self.folder.join(name);
        if let Some(known) = self.contents.borrow().get(&path).filter(|_| !self.from_disk) {
            return Ok(known.clone());
        }
        let content = read(&path)?;
        self.contents.borrow_mut().insert(path, content.clone());
        Ok(content)
    }

    pub(super) fn into_original(self, text: &str, origin: &Path) -> Original {
        Original { origin: origin.to_owned(), text: text.to_owned(), files: self.contents.into_inner() }
    }
}
