//! Memory that two processes see: numbers, each read and written as a whole.

use core::num::NonZeroUsize;
use core::ptr::NonNull;
use core::sync::atomic::AtomicU64;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::stat::fstat;
use nix::unistd::ftruncate;

/// Shares a fixed number of 64-bit words with whoever holds its file descriptor.
#[derive(Debug)]
pub struct Table {
    memory: OwnedFd,
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: the words are atomics, and the mapping moves and ends with the value.
unsafe impl Send for Table {}
// SAFETY: the words are atomics, and nothing else is reached through a shared reference.
unsafe impl Sync for Table {}

impl Table {
    /// Makes a table of `words` zeros, at least one.
    ///
    /// # Errors
    /// What the kernel says: no memory, too many files open.
    pub fn create(words: usize) -> io::Result<Self> {
        let memory = memfd_create("vipd", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        let length = words.checked_mul(size_of::<AtomicU64>()).and_then(|length| i64::try_from(length).ok());
        ftruncate(&memory, length.ok_or(io::ErrorKind::InvalidInput)?)?;
        // Were it ever shortened, a reader of what is gone would be killed.
        fcntl(&memory, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW))?;
        Self::from_fd(memory)
    }

    /// Maps a table that another process made.
    ///
    /// # Errors
    /// `InvalidInput` where the file descriptor is something else.
    pub fn from_fd(memory: OwnedFd) -> io::Result<Self> {
        let seals = SealFlag::from_bits_retain(fcntl(&memory, FcntlArg::F_GET_SEALS)?);
        let length = usize::try_from(fstat(&memory)?.st_size).ok().and_then(NonZeroUsize::new);
        let length = length.filter(|_| seals.contains(SealFlag::F_SEAL_SHRINK)).ok_or(io::ErrorKind::InvalidInput)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses an unused place, so no memory of ours is mapped over.
        let start = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, &memory, 0)? };
        Ok(Self { memory, start: start.cast(), words: length.get() / size_of::<AtomicU64>() })
    }

    /// Returns all words.
    pub const fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is aligned to a page, holds this many words, cannot shrink (sealed), and lives as long
        // as `self`. What other processes do to it, they do through atomics as well.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    /// Returns one word.
    ///
    /// # Panics
    /// Where `index` is not below the number of words.
    pub const fn word(&self, index: usize) -> &AtomicU64 {
        &self.words()[index]
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, of this length, and no reference into it outlives `self`.
        let _ = unsafe { munmap(self.start.cast(), self.words * size_of::<AtomicU64>()) };
    }
}

impl AsFd for Table {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use core::sync::atomic::Ordering::SeqCst;

    use super::*;

    #[test]
    fn what_one_holder_writes_another_reads() {
        let mine = Table::create(700).unwrap();
        let yours = Table::from_fd(mine.as_fd().try_clone_to_owned().unwrap()).unwrap();

        mine.word(0).store(1, SeqCst);
        mine.word(699).store(u64::MAX, SeqCst);

        assert_eq!(yours.words().len(), 700);
        let read: Vec<u64> = [0, 1, 699].iter().map(|&index| yours.word(index).load(SeqCst)).collect();
        assert_eq!(read, [1, 0, u64::MAX]);
    }

    #[test]
    fn a_table_outlives_the_one_who_made_it() {
        let mine = Table::create(1).unwrap();
        let yours = Table::from_fd(mine.as_fd().try_clone_to_owned().unwrap()).unwrap();
        mine.word(0).store(7, SeqCst);

        drop(mine);

        assert_eq!(yours.word(0).load(SeqCst), 7);
    }

    #[test]
    fn a_file_that_could_be_shortened_is_no_table() {
        assert!(Table::from_fd(tempfile::tempfile().unwrap().into()).is_err());
        let unsealed = memfd_create("unsealed", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).unwrap();
        ftruncate(&unsealed, 64).unwrap();

        assert_eq!(Table::from_fd(unsealed).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
