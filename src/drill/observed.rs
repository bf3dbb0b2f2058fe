//! What was observed, as plain records on the boot clock. Pure: it neither watches nor waits.

use core::ops::Range;

use vrrp_packet::Priority;

use super::plan::Side;

/// Collects what was seen of both hosts.
#[derive(Clone, Default, Debug)]
pub(super) struct Observed {
    hosts: [Host; 2],
}

/// Collects what was seen of one host. Every list is in the order of time.
#[derive(Clone, Default, Debug)]
pub(super) struct Host {
    /// When it held the virtual address.
    pub(super) ownership: Ownership,
    /// The advertisements that it sent.
    pub(super) sent: Vec<Advertisement>,
    /// The advertisements that reached it.
    pub(super) heard: Vec<Advertisement>,
    /// When it announced the virtual address.
    pub(super) announcements: Vec<u64>,
}

/// Records one advertisement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Advertisement {
    /// When it passed, in nanoseconds since boot.
    pub(super) at: u64,
    /// Its priority; 0 gives up the role.
    pub(super) priority: Priority,
}

/// Records one datagram of the client that was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    /// When the answer came, in nanoseconds since boot.
    pub(super) at: u64,
    /// Who answered.
    pub(super) by: Side,
}

impl Observed {
    pub(super) fn host(&self, side: Side) -> &Host {
        &self.hosts[side.index()]
    }

    pub(super) fn host_mut(&mut self, side: Side) -> &mut Host {
        &mut self.hosts[side.index()]
    }
}

/// Records when a host held the virtual address: spans in nanoseconds since boot, without overlap.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Ownership {
    past: Vec<Range<u64>>,
    since: Option<u64>,
}

impl Ownership {
    /// Records that the address is there, or not, as of a moment. Repetitions change nothing.
    pub(super) fn record(&mut self, held: bool, at: u64) {
        match (held, self.since) {
            (true, None) => self.since = Some(at),
            (false, Some(since)) => {
                self.past.push(since..at);
                self.since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Tells whether the address is there now.
    pub(super) fn is_held(&self) -> bool {
        self.since.is_some()
    }

    /// Returns the spans within a window.
    pub(super) fn within(&self, window: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let current = self.since.map(|since| since..u64::MAX);
        let window = window.clone();
        self.past
            .iter()
            .cloned()
            .chain(current)
            .map(move |span| span.start.max(window.start)..span.end.min(window.end))
            .filter(|span| !span.is_empty())
    }

    /// Returns when the host first got the address after a moment at which it did not hold it.
    pub(super) fn gained_after(&self, moment: u64) -> Option<u64> {
        self.past.iter().map(|span| span.start).chain(self.since).find(|&start| start >= moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership(changes: &[(bool, u64)]) -> Ownership {
        let mut ownership = Ownership::default();
        for &(held, at) in changes {
            ownership.record(held, at);
        }
        ownership
    }

    #[test]
    fn a_renewal_and_a_second_removal_change_nothing() {
        let renewed = ownership(&[(true, 10), (true, 15), (false, 20), (false, 25)]);

        assert_eq!(renewed, ownership(&[(true, 10), (false, 20)]));
    }

    #[test]
    fn a_window_cuts_spans_and_leaves_out_those_beyond_it() {
        let spans: Vec<_> = ownership(&[(true, 10), (false, 20), (true, 30)]).within(&(15..40)).collect();

        assert_eq!(spans, [15..20, 30..40]);
        assert_eq!(ownership(&[(true, 10), (false, 20)]).within(&(20..40)).count(), 0);
    }

    #[test]
    fn only_a_gain_after_the_moment_counts() {
        let twice = ownership(&[(true, 10), (false, 20), (true, 30)]);

        assert_eq!(twice.gained_after(11), Some(30));
        assert_eq!(twice.gained_after(31), None);
    }
}
