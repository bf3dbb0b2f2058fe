//! A text that a child process inherits, in memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// Holds a text for whoever holds its file descriptor.
#[derive(Debug)]
pub struct SharedText(File);

impl SharedText {
    /// Takes a text.
    ///
    /// # Errors
    /// What the kernel says: no memory, too many files open.
    pub fn create(text: &str) -> io::Result<Self> {
        let mut memory = File::from(memfd_create("vipd", MFdFlags::MFD_CLOEXEC)?);
        memory.write_all(text.as_bytes())?;
        Ok(Self(memory))
    }

    /// Reads the text.
    ///
    /// # Errors
    /// `InvalidData` where the file descriptor is something else.
    pub fn read(&self) -> io::Result<String> {
        let mut text = String::new();
        // The processes share one position in the file, so it is left alone.
        FromStart { file: &self.0, position: 0 }.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl From<OwnedFd> for SharedText {
    fn from(memory: OwnedFd) -> Self {
        Self(File::from(memory))
    }
}

impl AsFd for SharedText {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

struct FromStart<'f> {
    file: &'f File,
    position: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, self.position)?;
        self.position += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn every_holder_reads_the_whole_text_however_often() {
        let mine = SharedText::create("priority: 200").unwrap();
        let yours = SharedText::from(mine.as_fd().try_clone_to_owned().unwrap());

        let read = [yours.read().unwrap(), yours.read().unwrap(), mine.read().unwrap()];

        assert_eq!(read, ["priority: 200"; 3]);
    }
}
