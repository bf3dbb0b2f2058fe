//! The clock that signed advertisements carry (ownership rule 27). Pure: both clocks of the host are arguments.

use core::time::Duration;

use vrrp_packet::UnixTime;

use crate::election::Instant;

/// The clock gains or loses at most one part in this many: 500 ppm, as fast as the kernel itself slews its own. Crystals
/// are better than that, so it keeps up with them, and a wall clock that lies by an hour drags it out of the default
/// window only after almost three hours.
const SLEW: i64 = 2_000;

/// Is the wall clock of the start, carried on by the boot clock and slewed towards a synchronised wall clock.
///
/// Until a synchronised wall clock has confirmed it, it is but a guess: it is set once, by the first one, and set ahead
/// by a peer that proves to be later. From then on it never steps and never goes back, whatever the wall clock does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SigningClock {
    /// This clock less the boot clock when they were last compared, in nanoseconds.
    offset: i64,
    compared: Instant,
    /// The wall clock less this clock at that moment, in nanoseconds.
    behind: i64,
    synchronised: bool,
    /// Whether a synchronised wall clock was ever seen.
    confirmed: bool,
}

impl SigningClock {
    /// Begins with what the wall clock says, in nanoseconds since 1970.
    pub fn start(now: Instant, wall: u64) -> Self {
        Self::carry_on(now, wall.cast_signed() - now.as_nanos().cast_signed(), false)
    }

    /// Goes on where another clock has ended, which was ahead of the boot clock by so many nanoseconds, confirmed or not.
    pub fn carry_on(now: Instant, offset: i64, confirmed: bool) -> Self {
        Self { offset, compared: now, behind: 0, synchronised: false, confirmed }
    }

    /// Compares with the wall clock, in nanoseconds since 1970; while that is synchronised it is followed.
    pub fn compare(&mut self, now: Instant, wall: u64, synchronised: bool) {
        self.offset = self.offset(now);
        self.compared = now;
        self.behind = wall.cast_signed() - now.as_nanos().cast_signed() - self.offset;
        self.synchronised = synchronised;
        if synchronised && !self.confirmed {
            (self.offset, self.behind) = (self.offset + self.behind, 0);
        }
        self.confirmed |= synchronised;
    }

    /// Sets an unconfirmed clock ahead to the time of a peer whose signature was verified; tells whether it did.
    ///
    /// Only ahead: a recording is never from the future, so whoever replays one cannot make this clock wrong by more than
    /// it is.
    pub fn believe(&mut self, now: Instant, theirs: UnixTime) -> bool {
        let ahead = theirs.since_epoch().saturating_sub(self.read(now).since_epoch());
        let Some(ahead) = i64::try_from(ahead.as_nanos()).ok().filter(|ahead| *ahead > 0 && !self.confirmed) else {
            return false;
        };
        (self.offset, self.behind) = (self.offset + ahead, self.behind - ahead);
        true
    }

    /// Returns how long ago the clocks were compared.
    pub fn compared_ago(&self, now: Instant) -> Duration {
        now.since(self.compared)
    }

    /// Returns this clock less the boot clock, in nanoseconds.
    pub fn offset(&self, now: Instant) -> i64 {
        if !self.synchronised {
            return self.offset;
        }
        let most = i64::try_from(self.compared_ago(now).as_nanos()).unwrap_or(i64::MAX) / SLEW;
        self.offset + self.behind.clamp(-most, most)
    }

    /// Reads the clock.
    pub fn read(&self, now: Instant) -> UnixTime {
        // Before 1970 there is nothing to sign.
        let nanos = u64::try_from(now.as_nanos().cast_signed() + self.offset(now)).unwrap_or(0);
        UnixTime::new(Duration::from_nanos(nanos))
    }

    /// Returns the wall clock less this clock when they were last compared, in nanoseconds.
    pub const fn behind_wall(&self) -> i64 {
        self.behind
    }

    /// Tells whether a synchronised wall clock has ever confirmed it.
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Tells whether the wall clock was synchronised when the clocks were last compared.
    pub const fn is_synchronised(&self) -> bool {
        self.synchronised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3600 * SECOND;
    const EPOCH: u64 = 1_795_169_500 * SECOND;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * SECOND)
    }

    fn nanos(clock: &SigningClock, now: Instant) -> u64 {
        u64::try_from(clock.read(now).since_epoch().as_nanos()).unwrap_or(0)
    }

    /// Begins at 100 s with a wall clock that is right.
    fn confirmed() -> SigningClock {
        let mut clock = SigningClock::start(at(100), EPOCH);
        clock.compare(at(100), EPOCH, true);
        clock
    }

    #[test]
    fn it_begins_with_the_wall_clock_and_goes_on_with_the_boot_clock() {
        let clock = SigningClock::start(at(100), EPOCH);

        assert_eq!(nanos(&clock, at(100)), EPOCH);
        assert_eq!(nanos(&clock, at(107)), EPOCH + 7 * SECOND);
    }

    #[test]
    fn an_unsynchronised_wall_clock_is_not_followed_but_its_distance_is_known() {
        let mut clock = SigningClock::start(at(100), EPOCH);

        for second in 101..200 {
            clock.compare(at(second), EPOCH + (second - 100) * SECOND - HOUR, false);
        }

        assert_eq!(nanos(&clock, at(200)), EPOCH + 100 * SECOND);
        assert_eq!(clock.behind_wall(), -HOUR.cast_signed());
    }

    #[test]
    fn a_step_of_the_wall_clock_is_followed_by_500_ppm_and_no_faster() {
        for (step, expected) in [(HOUR.cast_signed(), 50_000_000), (-HOUR.cast_signed(), -50_000_000)] {
            let mut clock = confirmed();

            for second in 100..200 {
                let wall = (EPOCH + (second - 100) * SECOND).cast_signed() + step;
                clock.compare(at(second), wall.cast_unsigned(), true);
            }

            let drift = nanos(&clock, at(200)).cast_signed() - (EPOCH + 100 * SECOND).cast_signed();
            assert_eq!(drift, expected, "100 s of 500 ppm");
        }
    }

    #[test]
    fn a_small_difference_is_made_up_for_and_then_it_stays() {
        let mut clock = confirmed();
        let wall = |second: u64| EPOCH + (second - 100) * SECOND + 2_000_000;

        for second in 100..120 {
            clock.compare(at(second), wall(second), true);
        }

        assert_eq!(nanos(&clock, at(120)), wall(120));
        assert_eq!(clock.behind_wall(), 0);
    }

    #[test]
    fn it_never_goes_back_and_never_jumps() {
        let mut clock = confirmed();
        let mut last = nanos(&clock, at(100));

        for millis in (100_000..130_000).step_by(7) {
            let now = Instant::from_nanos(millis * 1_000_000);
            if millis % 5 == 0 {
                let wall = if millis % 2 == 0 { EPOCH - HOUR } else { EPOCH + HOUR };
                clock.compare(now, wall, millis % 3 != 0);
            }
            let read = nanos(&clock, now);
            assert!((6_990_000..7_010_000).contains(&(read - last)) || millis == 100_000, "{}", read - last);
            last = read;
        }
    }

    #[test]
    fn the_guardian_goes_on_where_the_agent_has_ended() {
        let mut clock = confirmed();
        clock.compare(at(200), EPOCH + 100 * SECOND + HOUR, true);
        clock.compare(at(300), EPOCH + 200 * SECOND + HOUR, true);

        let mut successor = SigningClock::carry_on(at(300), clock.offset(at(300)), clock.is_confirmed());
        successor.compare(at(300), EPOCH + 200 * SECOND + HOUR, true);

        assert_eq!(nanos(&successor, at(300)), nanos(&clock, at(300)));
    }

    #[test]
    fn a_host_that_booted_in_1970_has_the_right_time_with_the_first_synchronised_clock_and_keeps_it() {
        let mut clock = SigningClock::start(at(100), 100 * SECOND);
        clock.compare(at(110), 110 * SECOND, false);
        assert_eq!(nanos(&clock, at(110)), 110 * SECOND);

        clock.compare(at(120), EPOCH, true);

        assert_eq!((nanos(&clock, at(120)), clock.is_confirmed()), (EPOCH, true));
        clock.compare(at(121), EPOCH - HOUR, false);
        clock.compare(at(122), EPOCH - HOUR, true);
        assert_eq!(nanos(&clock, at(122)), EPOCH + 2 * SECOND);
    }

    #[test]
    fn a_guess_is_set_ahead_by_a_peer_that_is_later_and_never_back() {
        let time = |nanos| UnixTime::new(Duration::from_nanos(nanos));
        let mut clock = SigningClock::start(at(100), 100 * SECOND);

        assert!(clock.believe(at(100), time(EPOCH)));
        assert!(!clock.believe(at(100), time(EPOCH - HOUR)));

        assert_eq!((nanos(&clock, at(100)), clock.is_confirmed()), (EPOCH, false));
        assert!(!confirmed().believe(at(100), time(EPOCH + HOUR)));
    }
}
