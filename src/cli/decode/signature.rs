//! Whether captured advertisements were signed with keys that the user has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vrrp_packet::authentication::verify;
use vrrp_packet::{Advertisement, Key, KeyError, KeyId};
use zeroize::Zeroizing;

use crate::cli::exit::{Exit, Failure};

/// Says why a key file is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyTrouble {
    #[error("read {}: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} does not hold a key: {source}", .path.display())]
    Content { path: PathBuf, source: KeyError },
}

impl From<KeyTrouble> for Failure {
    fn from(trouble: KeyTrouble) -> Self {
        let exit = match &trouble {
            KeyTrouble::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Exit::NotPermitted
            }
            KeyTrouble::Unreadable { .. } | KeyTrouble::Content { .. } => Exit::Failed,
        };
        Self::new(exit, trouble)
            .hint("name a key file as `authentication.keys` does: `hex:` and hex digits, or the raw key")
    }
}

/// Says whether a signature fits one of the keys.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(super) enum Signature {
    /// It does.
    Valid,
    /// It fits none of them: another key, or a forged packet.
    Bad,
}

/// Holds the contents of key files. A key is tried under whatever id a packet names: the file does not tell it.
#[derive(Default)]
pub(crate) struct Keys(Vec<Zeroizing<Vec<u8>>>);

impl Keys {
    /// Reads key files.
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, KeyTrouble> {
        files.iter().map(|path| read(path)).collect::<Result<_, _>>().map(Self)
    }

    /// Judges the signature of an advertisement; `None` where it has none, or where there is no key to judge it by.
    pub(super) fn judge(&self, advertisement: &Advertisement<'_>) -> Option<Signature> {
        let id = advertisement.trailer().and_then(|trailer| trailer.key_id()).filter(|_| !self.0.is_empty())?;
        let keys: Vec<Key> = self.0.iter().filter_map(|it| Key::from_file_contents(id, it).ok()).collect();
        let fits = keys.iter().any(|key| verify(advertisement, core::slice::from_ref(key)).is_ok());
        Some(if fits { Signature::Valid } else { Signature::Bad })
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyTrouble> {
    let contents = fs::read(path).map(Zeroizing::new);
    let contents = contents.map_err(|source| KeyTrouble::Unreadable { path: path.to_owned(), source })?;
    if let Some(id) = KeyId::new(1) {
        Key::from_file_contents(id, &contents)
            .map_err(|source| KeyTrouble::Content { path: path.to_owned(), source })?;
    }
    Ok(contents)
}
