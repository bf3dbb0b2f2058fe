//! Whether the agent's threads are alive, judged from what they have promised. No I/O, no clock.
//!
//! Times are nanoseconds since boot and always an argument.

use super::Thread;

/// From this lateness on the guardian itself was not running: what stopped it may have stopped the agent for as long.
const LATE: u64 = 2_000_000;
/// What the agent gets after such a pause to run before it is looked at again, at least and at most.
const GRACE: (u64, u64) = (5_000_000, 1_000_000_000);
/// How many pauses in a row excuse an agent that does not run: on a starved host each look may be late.
const EXCUSES: u32 = 3;

/// Judges by the moments until which the threads have promised to run again.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Watch {
    /// Nothing is overdue before this moment.
    excused_until: u64,
    excuses: u32,
}

/// Says what a look has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every thread that is watched runs. The next look is due at this moment; `None`: no thread is watched.
    Alive(Option<u64>),
    /// This thread has not run for longer than it promised.
    Stuck(Thread),
}

impl Watch {
    /// Looks at what both threads have promised; `None`: a thread that promises nothing.
    pub fn look(&mut self, now: u64, promises: [Option<u64>; 2]) -> Verdict {
        let [election, address] = promises;
        let of = |thread: Thread, promise: Option<u64>| promise.map(|until| (until, thread));
        let soonest = [of(Thread::Election, election), of(Thread::Address, address)].into_iter().flatten();
        let Some((until, thread)) = soonest.min_by_key(|(until, _)| *until) else {
            *self = Self::default();
            return Verdict::Alive(None);
        };
        if now < until {
            *self = Self::default();
            return Verdict::Alive(Some(until));
        }
        let due = until.max(self.excused_until);
        if now < due {
            return Verdict::Alive(Some(due));
        }
        let late = now - due;
        if late < LATE || self.excuses == EXCUSES {
            return Verdict::Stuck(thread);
        }
        self.excuses += 1;
        self.excused_until = now + late.clamp(GRACE.0, GRACE.1);
        Verdict::Alive(Some(self.excused_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn promised(election: u64, address: u64) -> [Option<u64>; 2] {
        [Some(election * MS), Some(address * MS)]
    }

    #[test]
    fn a_thread_that_runs_as_promised_is_alive_until_its_next_promise() {
        let mut watch = Watch::default();

        assert_eq!(watch.look(0, promised(25, 2000)), Verdict::Alive(Some(25 * MS)));
        assert_eq!(watch.look(25 * MS, promised(45, 2000)), Verdict::Alive(Some(45 * MS)));
    }

    #[test]
    fn a_thread_that_breaks_its_promise_is_stuck_and_named() {
        assert_eq!(Watch::default().look(25 * MS, promised(25, 2000)), Verdict::Stuck(Thread::Election));
        assert_eq!(Watch::default().look(2000 * MS, promised(2010, 2000)), Verdict::Stuck(Thread::Address));
    }

    #[test]
    fn who_promises_nothing_is_not_watched() {
        assert_eq!(Watch::default().look(MS, [None, None]), Verdict::Alive(None));
        assert_eq!(Watch::default().look(MS, [None, Some(9 * MS)]), Verdict::Alive(Some(9 * MS)));
    }

    #[test]
    fn a_guardian_that_was_away_itself_looks_again_before_it_judges() {
        let mut watch = Watch::default();

        // Both were stopped from 10 to 800 ms.
        assert_eq!(watch.look(800 * MS, promised(25, 2000)), Verdict::Alive(Some(1575 * MS)));

        assert_eq!(watch.clone().look(900 * MS, promised(925, 2000)), Verdict::Alive(Some(925 * MS)));
        assert_eq!(watch.look(1575 * MS, promised(25, 2000)), Verdict::Stuck(Thread::Election));
    }

    #[test]
    fn a_look_that_comes_early_in_a_grace_shortens_nothing() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(28 * MS, promised(25, 2000)), Verdict::Alive(Some(33 * MS)));

        assert_eq!(watch.look(30 * MS, promised(25, 2000)), Verdict::Alive(Some(33 * MS)));
    }

    #[test]
    fn a_guardian_that_is_late_each_time_judges_all_the_same_in_the_end() {
        let mut watch = Watch::default();
        let mut now = 25 * MS;
        let mut looks = 0;
        while let Verdict::Alive(Some(next)) = watch.look(now + 4 * MS, promised(25, 2000)) {
            now = next;
            looks += 1;
        }

        assert_eq!(looks, EXCUSES);
    }
}
