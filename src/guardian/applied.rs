//! What the agent runs with, in memory that outlives it: the next agent runs with the same, whatever has become of the
//! file, and the guardian cleans up by it.
//!
//! Two halves, one of which holds. A writer fills the other one and then counts up the version, so that a writer that
//! dies half-way has changed nothing.

use core::sync::atomic::Ordering;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::net;

/// The version, then the length of each half in bytes.
const HEADER: usize = 3;
/// The words of a half: 4 MiB, of which only what is written takes memory. A configuration file has 1 MiB at most.
const HALF: usize = 1 << 19;
const WORD: usize = size_of::<u64>();

/// Holds one text of bytes at a time; one process writes, others read.
#[derive(Debug)]
pub struct Applied(net::Table);

/// Says that a text is longer than there is room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the configuration and the files that it names are longer than {} MiB", (HALF * WORD) >> 20)]
pub struct TooLong;

impl Applied {
    /// Makes an empty one.
    ///
    /// # Errors
    /// What the kernel says: no memory, too many files open.
    pub fn create() -> io::Result<Self> {
        net::Table::create(HEADER + 2 * HALF).map(Self)
    }

    /// Maps one that another process made.
    ///
    /// # Errors
    /// `InvalidInput` where the file descriptor is something else.
    pub(super) fn from_fd(memory: OwnedFd) -> io::Result<Self> {
        let table = net::Table::from_fd(memory)?;
        if table.words().len() != HEADER + 2 * HALF {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self(table))
    }

    /// Returns how often it was written.
    pub fn version(&self) -> u64 {
        self.0.word(0).load(Ordering::Acquire)
    }

    /// Replaces the text as a whole; the former one is wiped, as there may be secrets in it.
    ///
    /// # Errors
    /// [`TooLong`]: nothing has changed then.
    pub fn write(&self, text: &[u8]) -> Result<(), TooLong> {
        if text.len() > HALF * WORD {
            return Err(TooLong);
        }
        let version = self.version();
        let [former, next] = [version, version + 1].map(half);
        self.length(next).store(text.len() as u64, Ordering::Relaxed);
        for (index, part) in text.chunks(WORD).enumerate() {
            let mut word = [0; WORD];
            word[..part.len()].copy_from_slice(part);
            self.0.word(HEADER + next * HALF + index).store(u64::from_ne_bytes(word), Ordering::Relaxed);
        }
        self.0.word(0).store(version + 1, Ordering::Release);
        let length = self.length(former).swap(0, Ordering::Relaxed);
        for index in 0..usize::try_from(length).unwrap_or(0).div_ceil(WORD).min(HALF) {
            self.0.word(HEADER + former * HALF + index).store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns the text and its version; `None` before the first one.
    pub fn read(&self) -> Option<(u64, Vec<u8>)> {
        loop {
            let version = self.version();
            if version == 0 {
                return None;
            }
            let length = usize::try_from(self.length(half(version)).load(Ordering::Relaxed)).ok()?.min(HALF * WORD);
            let word = |index| self.0.word(HEADER + half(version) * HALF + index).load(Ordering::Relaxed);
            let mut text: Vec<u8> = (0..length.div_ceil(WORD)).flat_map(|index| word(index).to_ne_bytes()).collect();
            text.truncate(length);
            // A writer may have been at it meanwhile.
            core::sync::atomic::fence(Ordering::Acquire);
            if self.version() == version {
                return Some((version, text));
            }
        }
    }

    fn length(&self, half: usize) -> &core::sync::atomic::AtomicU64 {
        self.0.word(1 + half)
    }
}

const fn half(version: u64) -> usize {
    (version % 2) as usize
}

impl AsFd for Applied {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn the_other_process_reads_the_last_text_that_was_written() {
        let mine = Applied::create().unwrap();
        let yours = Applied::from_fd(mine.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(yours.read(), None);

        for (version, text) in [(1, &b"the first, which is longer"[..]), (2, b"second"), (3, b""), (4, b"four")] {
            mine.write(text).unwrap();
            assert_eq!(yours.read(), Some((version, text.to_vec())));
        }
    }

    #[test]
    fn a_text_that_is_too_long_changes_nothing() {
        let applied = Applied::create().unwrap();
        applied.write(b"short").unwrap();

        assert_eq!(applied.write(&vec![1; HALF * WORD + 1]), Err(TooLong));

        assert_eq!(applied.read(), Some((1, b"short".to_vec())));
        assert_eq!(applied.write(&vec![7; HALF * WORD]), Ok(()));
        assert_eq!(applied.read(), Some((2, vec![7; HALF * WORD])));
    }

    #[test]
    fn nothing_is_left_of_a_text_that_was_replaced() {
        let applied = Applied::create().unwrap();
        applied.write(b"a secret of some length").unwrap();
        applied.write(b"other").unwrap();

        let words = applied.0.words().iter().map(|word| word.load(Ordering::Relaxed));
        let secret = u64::from_ne_bytes(*b"a secret");
        assert!(words.into_iter().all(|word| word != secret));
    }
}
