//! What the agent tells its guardian, in words that survive it.
//!
//! Two words for the promise of each thread, one for the generation and one for whether an agent was ever ready, then two for each Virtual Router in the configuration's
//! order: the claimed epoch, and whether it is Active in the protocol. Then what signing needs, whose meaning is the agent's: two words for the
//! clock, and two for each router: the last sequence, and the form of its checksums.

use core::num::NonZeroU64;
use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::net;

/// The promises of both threads, the generation, and whether an agent was ever ready.
const HEADER: usize = 6;
const GENERATION: usize = 4;
const READY: usize = 5;
/// The claimed epoch and the Active flag.
const PER_ROUTER: usize = 2;
/// The signing clock, and whether it is confirmed.
const CLOCK: usize = 2;

/// The last sequence and the form of the checksums.
const PER_VOICE: usize = 2;

/// Names a thread that shows that it is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Thread {
    /// The election thread.
    Election,
    /// The address thread.
    Address,
}

impl Thread {
    /// Returns the name that the kernel knows the thread by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Election => "election",
            Self::Address => "addresses",
        }
    }
}

/// Says when a thread will have run again, in nanoseconds since boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promise {
    /// By then, if it can.
    pub until: u64,
    /// By then even where others hold it up; later, it counts as stuck all the same.
    pub at_last: u64,
}

/// Records what the agent holds; the agent writes it, and the guardian reads it when the agent is gone.
#[derive(Debug)]
pub struct Table(net::Table);

impl Table {
    /// Makes a table for this many Virtual Routers, all of them neither claimed nor Active.
    ///
    /// # Errors
    /// What the kernel says: no memory, too many files open.
    pub fn create(routers: usize) -> io::Result<Self> {
        net::Table::create(HEADER + CLOCK + (PER_ROUTER + PER_VOICE) * routers).map(Self)
    }

    /// Maps a table that another process made.
    ///
    /// # Errors
    /// `InvalidInput` where the file descriptor is something else.
    pub(super) fn from_fd(memory: OwnedFd) -> io::Result<Self> {
        let table = net::Table::from_fd(memory)?;
        if table.words().len() < HEADER + CLOCK {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self(table))
    }

    /// Returns how many Virtual Routers it has room for.
    pub const fn routers(&self) -> usize {
        (self.0.words().len() - HEADER - CLOCK) / (PER_ROUTER + PER_VOICE)
    }

    /// Records that a router's addresses are about to be claimed under an epoch, or, with `None`, that they are confirmed gone.
    ///
    /// # Panics
    /// Where there is no such router; so do all methods that take one.
    pub fn set_claimed(&self, router: usize, epoch: Option<NonZeroU64>) {
        self.claim_word(router).store(epoch.map_or(0, NonZeroU64::get), Ordering::Release);
    }

    /// Returns the epoch under which a router's addresses may be on this host.
    pub fn claimed(&self, router: usize) -> Option<NonZeroU64> {
        NonZeroU64::new(self.claim_word(router).load(Ordering::Acquire))
    }

    /// Records whether the peers hold this node for a router's Active Router.
    pub fn set_active(&self, router: usize, active: bool) {
        self.active_word(router).store(u64::from(active), Ordering::Release);
    }

    /// Tells whether the peers hold this node for a router's Active Router.
    pub fn is_active(&self, router: usize) -> bool {
        self.active_word(router).load(Ordering::Acquire) != 0
    }

    /// Records what a thread promises; `None`: nothing.
    pub fn promise(&self, thread: Thread, promise: Option<Promise>) {
        let Promise { until, at_last } = promise.unwrap_or(Promise { until: 0, at_last: 0 });
        let [until_word, at_last_word] = self.promise_words(thread);
        // In this order, a reader in between takes the thread to have longer, not shorter.
        at_last_word.store(at_last, Ordering::Release);
        until_word.store(until, Ordering::Release);
    }

    /// Returns what a thread has promised; `None`: nothing.
    pub fn promised(&self, thread: Thread) -> Option<Promise> {
        let [until, at_last] = self.promise_words(thread).map(|word| word.load(Ordering::Acquire));
        (until > 0).then_some(Promise { until, at_last })
    }

    /// Records the last sequence that a router's advertisements were signed with; it must not be used again.
    pub fn set_sequence(&self, router: usize, sequence: NonZeroU64) {
        self.voice_words(router)[0].store(sequence.get(), Ordering::Release);
    }

    /// Returns the last sequence that a router's advertisements were signed with.
    pub fn sequence(&self, router: usize) -> Option<NonZeroU64> {
        NonZeroU64::new(self.voice_words(router)[0].load(Ordering::Acquire))
    }

    /// Records in which form a router's advertisements carry their checksum; the number's meaning is the agent's.
    pub fn set_form(&self, router: usize, form: NonZeroU64) {
        self.voice_words(router)[1].store(form.get(), Ordering::Release);
    }

    /// Returns the form of the last advertisement; `None` where there was none.
    pub fn form(&self, router: usize) -> Option<NonZeroU64> {
        NonZeroU64::new(self.voice_words(router)[1].load(Ordering::Acquire))
    }

    /// Records the signing clock less the boot clock, in nanoseconds, and whether a synchronised clock has confirmed it.
    pub fn set_clock(&self, nanos: i64, confirmed: bool) {
        let [offset, mark] = self.clock_words();
        mark.store(u64::from(confirmed), Ordering::Release);
        offset.store(nanos.cast_unsigned(), Ordering::Release);
    }

    /// Returns the signing clock as it was recorded last; `None` where nothing was ever signed.
    pub fn clock(&self) -> Option<(i64, bool)> {
        let [offset, mark] = self.clock_words().map(|word| word.load(Ordering::Acquire));
        // The clocks agree to the nanosecond on no machine, not even on one that was booted in 1970.
        (offset != 0).then_some((offset.cast_signed(), mark != 0))
    }

    /// Returns the number of agents that the guardian has given up on (ownership rule 12).
    pub fn generation(&self) -> u64 {
        self.0.word(GENERATION).load(Ordering::Acquire)
    }

    /// Gives up on the present agent: from now on it may not touch an address, however long it still lives.
    pub fn supersede(&self) {
        self.0.word(GENERATION).fetch_add(1, Ordering::AcqRel);
    }

    /// Records that an agent serves: what it needs of its host is there.
    pub fn set_ready(&self) {
        self.0.word(READY).store(1, Ordering::Release);
    }

    /// Tells whether any agent of this guardian has ever served.
    pub fn was_ready(&self) -> bool {
        self.0.word(READY).load(Ordering::Acquire) != 0
    }

    const fn promise_words(&self, thread: Thread) -> [&AtomicU64; 2] {
        let first = 2 * thread as usize;
        [self.0.word(first), self.0.word(first + 1)]
    }

    const fn claim_word(&self, router: usize) -> &AtomicU64 {
        self.0.word(HEADER + PER_ROUTER * router)
    }

    const fn clock_words(&self) -> [&AtomicU64; CLOCK] {
        let first = HEADER + PER_ROUTER * self.routers();
        [self.0.word(first), self.0.word(first + 1)]
    }

    const fn voice_words(&self, router: usize) -> [&AtomicU64; PER_VOICE] {
        let first = HEADER + PER_ROUTER * self.routers() + CLOCK + PER_VOICE * router;
        [self.0.word(first), self.0.word(first + 1)]
    }

    const fn active_word(&self, router: usize) -> &AtomicU64 {
        self.0.word(HEADER + PER_ROUTER * router + 1)
    }
}

impl AsFd for Table {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn each_router_and_thread_has_words_of_its_own() {
        let table = Table::create(2).unwrap();
        let epoch = NonZeroU64::new(7);

        table.set_claimed(0, epoch);
        table.set_active(1, true);
        let promise = Some(Promise { until: 8, at_last: 9 });
        table.promise(Thread::Address, promise);
        table.supersede();
        assert!(!table.was_ready());
        table.set_ready();
        assert!(table.was_ready());
        table.set_clock(-5, true);
        table.set_sequence(1, NonZeroU64::MAX);
        table.set_form(0, NonZeroU64::MIN);

        assert_eq!((table.clock(), Table::create(1).unwrap().clock()), (Some((-5, true)), None));
        assert_eq!((table.sequence(0), table.sequence(1)), (None, Some(NonZeroU64::MAX)));
        assert_eq!((table.form(0), table.form(1)), (Some(NonZeroU64::MIN), None));
        assert_eq!((table.claimed(0), table.claimed(1)), (epoch, None));
        assert_eq!((table.is_active(0), table.is_active(1)), (false, true));
        assert_eq!([Thread::Election, Thread::Address].map(|thread| table.promised(thread)), [None, promise]);
        assert_eq!(table.generation(), 1);
    }

    #[test]
    fn the_other_process_finds_as_many_routers() {
        let mine = Table::create(3).unwrap();
        let yours = Table::from_fd(mine.as_fd().try_clone_to_owned().unwrap()).unwrap();

        yours.set_active(2, true);

        assert_eq!(yours.routers(), 3);
        assert!(mine.is_active(2));
    }
}
