//! What the election thread asks of every router at every turn, kept apart from the routers and close together.
//!
//! A node has at most some thousand routers. Their deadlines in one row fit the first cache, and looking through that row
//! takes less time than keeping a heap in order, where every advertisement that is heard or sent moves a deadline.

use core::time::Duration;

use crate::election::Instant;

/// How much later than its deadline a router may be served, so that others are served in the same turn.
const TOGETHER: Duration = Duration::from_micros(50);
const NEVER: Instant = Instant::from_nanos(u64::MAX);

/// Holds deadlines, who speaks how often, and whom something happened to in this turn.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// When each router wants to be called.
    deadlines: Vec<Instant>,
    /// The intervals of the routers that peers hold for Active.
    speaking: Vec<Option<Duration>>,
    /// The shortest of these; `None` where it has to be looked for.
    shortest: Option<Option<Duration>>,
    touched: Vec<usize>,
    is_touched: Vec<bool>,
}

impl Agenda {
    /// Makes room for this many routers, so that nothing here allocates before there are more.
    pub(super) fn grow(&mut self, routers: usize) {
        self.deadlines.resize(routers, NEVER);
        self.speaking.resize(routers, None);
        self.is_touched.resize(routers, false);
        self.touched.reserve(routers);
    }

    /// Notes what has become of a router.
    pub(super) fn note(&mut self, index: usize, deadline: Option<Instant>, speaking: Option<Duration>) {
        self.deadlines[index] = deadline.unwrap_or(NEVER);
        if core::mem::replace(&mut self.speaking[index], speaking) != speaking {
            self.shortest = None;
        }
        if !core::mem::replace(&mut self.is_touched[index], true) {
            self.touched.push(index);
        }
    }

    /// Tells whether a router is to be called.
    pub(super) fn is_due(&self, index: usize, now: Instant) -> bool {
        self.deadlines[index] <= now
    }

    /// Returns when the next router is to be called, or a little later, where others can be called with it.
    pub(super) fn next(&self) -> Option<Instant> {
        let first = self.deadlines.iter().copied().min().filter(|&first| first != NEVER)?;
        let together = first + TOGETHER;
        self.deadlines.iter().copied().filter(|&deadline| deadline <= together).max()
    }

    /// Returns the shortest interval of those that speak.
    pub(super) fn shortest_interval(&mut self) -> Option<Duration> {
        *self.shortest.get_or_insert_with(|| self.speaking.iter().copied().flatten().min())
    }

    /// Tells whether something happened to any router that has not been dealt with.
    pub(super) fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Deals with everybody to whom something happened; for whom `settle` returns false it is done again.
    pub(super) fn settle(&mut self, mut settle: impl FnMut(usize) -> bool) {
        let is_touched = &mut self.is_touched;
        self.touched.retain(|&index| {
            is_touched[index] = !settle(index);
            is_touched[index]
        });
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn at(micros: u64) -> Option<Instant> {
        Some(Instant::from_nanos(micros * 1000))
    }

    fn agenda(deadlines: &[Option<Instant>]) -> Agenda {
        let mut agenda = Agenda::default();
        agenda.grow(deadlines.len());
        for (index, deadline) in deadlines.iter().enumerate() {
            agenda.note(index, *deadline, None);
        }
        agenda
    }

    #[test]
    fn deadlines_within_50_microseconds_are_met_together_and_none_is_met_later() {
        assert_eq!(agenda(&[at(1050), at(1000), at(1051), None]).next(), at(1050));
        assert_eq!(agenda(&[at(1051), at(1000)]).next(), at(1000));
        assert_eq!(agenda(&[None, at(7)]).next(), at(7));
        assert_eq!(agenda(&[None, None]).next(), None);
        assert_eq!(agenda(&[]).next(), None);
    }

    #[test]
    fn a_router_without_a_deadline_is_never_due() {
        let agenda = agenda(&[at(10), None]);

        assert!(agenda.is_due(0, at(10).unwrap()));
        assert!(!agenda.is_due(0, at(9).unwrap()));
        assert!(!agenda.is_due(1, at(1_000_000).unwrap()));
    }

    #[test]
    fn the_shortest_interval_is_that_of_those_who_speak_now() {
        let mut agenda = agenda(&[None, None]);
        let [short, long] = [10, 1000].map(Duration::from_millis);
        assert_eq!(agenda.shortest_interval(), None);

        agenda.note(0, None, Some(long));
        agenda.note(1, None, Some(short));
        assert_eq!(agenda.shortest_interval(), Some(short));

        agenda.note(1, None, None);
        assert_eq!(agenda.shortest_interval(), Some(long));
    }

    #[test]
    fn everybody_is_dealt_with_once_and_again_where_that_failed() {
        let mut agenda = agenda(&[None, None, None]);
        agenda.settle(|_| true);
        agenda.note(2, None, None);
        agenda.note(0, None, None);
        agenda.note(2, None, None);

        let mut seen = Vec::new();
        agenda.settle(|index| {
            seen.push(index);
            index != 2
        });
        assert_eq!(seen, [2, 0]);
        assert!(agenda.is_touched());
        agenda.settle(|index| index == 2);
        assert!(!agenda.is_touched());
    }
}
