//! Files that hold a key: who may read them, and what is in them. Nothing of a key stays behind in memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use vrrp_packet::{Key, KeyError, KeyId};
use zeroize::Zeroizing;

use super::source::{Content, Files};

/// More than `hex:`, the digits of 64 bytes and a newline need.
const LONGEST: usize = 256;
/// What anybody but the owner may do with a file.
const FOR_OTHERS: u32 = 0o077;
const ROOT: u32 = 0;

/// Says why a key file is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyFileError {
    #[error("cannot read the key file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the key file {} is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("the key file {} belongs to the user {owner}, who could change it", path.display())]
    Owner { path: PathBuf, owner: u32 },
    #[error("the key file {} is open to others than its owner: its mode is {mode:03o}", path.display())]
    Mode { path: PathBuf, mode: u32 },
    #[error("the key file {} is too long for a key", path.display())]
    TooLong { path: PathBuf },
    #[error("the key file {} does not hold a key: {source}", path.display())]
    Content { path: PathBuf, source: KeyError },
}

impl KeyFileError {
    /// Says what to do about it.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Mode { path, .. } => format!("run `chmod 600 {}`; whoever has read the key has it", path.display()),
            Self::Owner { path, .. } => format!("run `chown root {}`", path.display()),
            Self::Unreadable { source, path } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!("give it to the user who runs vipd, for example with `chown root {}`", path.display())
            }
            Self::Unreadable { path, .. }
            | Self::NotAFile { path }
            | Self::TooLong { path }
            | Self::Content { path, .. } => {
                format!("make one with `(umask 077; echo hex:$(openssl rand -hex 32) > {})`", path.display())
            }
        }
    }
}

/// Reads a key.
///
/// # Errors
/// [`KeyFileError`] where the file is not there, holds no key of 32 to 64 bytes, or is open to others.
pub(super) fn read(name: &str, files: &Files, id: KeyId) -> Result<Key, KeyFileError> {
    let content = files.content(name, contents)?;
    let path = files.path(name);
    Key::from_file_contents(id, &content).map_err(|source| KeyFileError::Content { path, source })
}

/// Reads a file that only its owner can read or change.
fn contents(path: &Path, file: io::Result<File>) -> Result<Content, KeyFileError> {
    let named = || path.to_owned();
    let unreadable = |source| KeyFileError::Unreadable { path: named(), source };
    let file = file.map_err(unreadable)?;
    // Asked of the open file: the name may be given to another one at any time.
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(KeyFileError::NotAFile { path: named() });
    }
    if ![ROOT, geteuid().as_raw()].contains(&facts.uid()) {
        return Err(KeyFileError::Owner { path: named(), owner: facts.uid() });
    }
    if facts.mode() & FOR_OTHERS != 0 {
        return Err(KeyFileError::Mode { path: named(), mode: facts.mode() & 0o777 });
    }
    let mut content = Zeroizing::new([0; LONGEST]);
    let length = fill(file, &mut content[..]).map_err(unreadable)?;
    if length == LONGEST {
        return Err(KeyFileError::TooLong { path: named() });
    }
    Ok(Content::from(&content[..length]))
}

/// Reads up to the end of the file or of the buffer, and returns how much that was.
fn fill(mut file: File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
