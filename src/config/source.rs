//! What a configuration was made from: the text and the files that it names, kept so that another process can make the
//! same of them when the disk has changed since.

use core::cell::RefCell;
use core::fmt;
use core::ops::Deref;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

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
    files: BTreeMap<PathBuf, Content>,
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

/// Holds what a file held, and leaves nothing of it behind in memory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Content(Vec<u8>);

impl From<&[u8]> for Content {
    fn from(content: &[u8]) -> Self {
        Self(content.to_vec())
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(..)")
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
    contents: RefCell<BTreeMap<PathBuf, Content>>,
    from_disk: bool,
}

impl Files {
    /// Reads from the disk; relative names are beside `origin`.
    pub(super) fn on_disk(origin: &Path) -> Self {
        Self { from_disk: true, ..Self::kept(origin, BTreeMap::new()) }
    }

    fn kept(origin: &Path, contents: BTreeMap<PathBuf, Content>) -> Self {
        let folder = origin.parent().unwrap_or(Path::new("")).to_owned();
        Self { folder, contents: RefCell::new(contents), from_disk: false }
    }

    /// Returns the content of a file; `read` makes it of an open one, where that is still to be done.
    ///
    /// # Errors
    /// Those of `read`, which is given the error where the file cannot be opened.
    pub(super) fn content<E>(
        &self,
        name: &str,
        read: impl FnOnce(&Path, io::Result<File>) -> Result<Content, E>,
    ) -> Result<Content, E> {
        let path = self.path(name);
        if let Some(known) = self.contents.borrow().get(&path).filter(|_| !self.from_disk) {
            return Ok(known.clone());
        }
        let content = read(&path, self.open(&path))?;
        self.contents.borrow_mut().insert(path, content.clone());
        Ok(content)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        if !self.from_disk {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
    }

    /// Returns where a file is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn into_original(self, text: &str, origin: &Path) -> Original {
        Original { origin: origin.to_owned(), text: text.to_owned(), files: self.contents.into_inner() }
    }
}
