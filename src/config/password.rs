//! The password file of a version 2 router.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::diagnostics::Findings;
use super::model::Password;
use super::read::Field;
use super::source::{Content, Files};

/// Says why a password file is of no use.
#[derive(Debug, thiserror::Error)]
enum PasswordError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{path} is not a regular file")]
    NotAFile { path: String },
    #[error("{path} is empty")]
    Empty { path: String },
    #[error("{path} holds more than 8 bytes")]
    TooLong { path: String },
}

/// Reads the file that the key names.
pub(super) fn from_file(field: Field<'_>, files: &Files, findings: &mut Findings) -> Option<Password> {
    let content = files.content(field.text(findings)?, read);
    match content {
        // `read` returns 8 bytes or none.
        Ok(content) => content.first_chunk().copied().map(Password),
        Err(error) => {
            let found = findings.error(field.at(), error.to_string());
            found.help(
                "version 2 carries a password of 1 to 8 bytes; one newline at the end of the file does not count",
            );
            None
        }
    }
}

/// Reads a password, padded with zeros to its 8 bytes.
fn read(path: &Path, file: io::Result<File>) -> Result<Content, PasswordError> {
    let name = || path.display().to_string();
    let unreadable = |source| PasswordError::Unreadable { path: name(), source };
    let file = file.map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(PasswordError::NotAFile { path: name() });
    }
    let mut content = Vec::new();
    // 8 bytes, a newline, and one more to see that there is more.
    file.take(10).read_to_end(&mut content).map_err(unreadable)?;
    let secret = content.strip_suffix(b"\n").unwrap_or(&content);
    let mut padded = [0; 8];
    match padded.get_mut(..secret.len()) {
        _ if secret.is_empty() => Err(PasswordError::Empty { path: name() }),
        Some(start) => {
            start.copy_from_slice(secret);
            Ok(Content::from(&padded[..]))
        }
        None => Err(PasswordError::TooLong { path: name() }),
    }
}
