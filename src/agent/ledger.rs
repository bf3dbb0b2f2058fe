//! What the threads write down for the guardian, in memory that both processes share.

use core::num::NonZeroU64;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use vrrp_packet::{ChecksumForm, Sequence};

use crate::dataplane::Oversight;
use crate::election::{Epoch, Instant, StateName};
use crate::engine::Ledger;
use crate::guardian::{Link, Promise, Thread};
use crate::net::boot_nanos;

/// Writes one thread's record into the shared table.
#[derive(Debug)]
pub(super) struct Record {
    guardian: Arc<Link>,
    thread: Thread,
    /// How far the last promise reached, in nanoseconds.
    promised: AtomicU64,
}

impl Record {
    pub(super) fn new(guardian: Arc<Link>, thread: Thread) -> Self {
        Self { guardian, thread, promised: AtomicU64::new(u64::MAX) }
    }

    fn promise(&self, now: u64, again_within: Option<Duration>, at_last_within: Option<Duration>) {
        let [span, at_last] = [again_within, at_last_within]
            .map(|span| span.map_or(u64::MAX, |span| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)));
        let promise = Promise { until: now.saturating_add(span), at_last: now.saturating_add(at_last) };
        self.guardian.table().promise(self.thread, again_within.map(|_| promise));
        // The guardian sleeps as long as it was promised before.
        if self.promised.swap(span, Ordering::Relaxed) > span {
            self.guardian.wake_guardian();
        }
    }
}

impl Ledger for Record {
    fn claiming(&self, router: usize, epoch: Epoch) {
        self.guardian.table().set_claimed(router, NonZeroU64::new(epoch.0));
    }

    fn withdrawn(&self, router: usize) {
        self.guardian.table().set_claimed(router, None);
    }

    fn entered(&self, router: usize, state: StateName) {
        let speaks = match state {
            StateName::Opening | StateName::Claiming | StateName::Active | StateName::Releasing => true,
            StateName::Initialize | StateName::Backup | StateName::Aside => false,
        };
        self.guardian.table().set_active(router, speaks);
    }

    fn speaking(&self, router: usize, form: ChecksumForm) {
        self.guardian.table().set_form(router, form_to_word(form));
    }

    fn signing(&self, router: usize, sequence: Sequence, (offset, confirmed): (i64, bool)) {
        let table = self.guardian.table();
        table.set_clock(offset, confirmed);
        if let Some(bits) = NonZeroU64::new(sequence.to_bits()) {
            table.set_sequence(router, bits);
        }
    }

    fn beat(&self, now: Instant, again_within: Duration, at_last_within: Option<Duration>) {
        self.promise(now.as_nanos(), Some(again_within), at_last_within);
    }

    fn rest(&self) {
        self.promise(0, None, None);
    }
}

/// Writes a form as a number for the table.
const fn form_to_word(form: ChecksumForm) -> NonZeroU64 {
    match form {
        ChecksumForm::Message => NonZeroU64::MIN,
        ChecksumForm::PseudoHeader => NonZeroU64::MAX,
    }
}

/// Reads what [`form_to_word`] has written.
pub(super) fn form_of_word(word: NonZeroU64) -> ChecksumForm {
    if word == form_to_word(ChecksumForm::Message) { ChecksumForm::Message } else { ChecksumForm::PseudoHeader }
}

impl Oversight for Record {
    fn promise(&self, again_within: Option<Duration>) {
        self.promise(boot_nanos(), again_within, None);
    }

    fn is_superseded(&self) -> bool {
        self.guardian.is_superseded()
    }
}
