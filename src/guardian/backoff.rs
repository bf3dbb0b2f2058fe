//! How long to wait before the agent is started again.

use core::time::Duration;

/// Doubles the wait with every early death, and begins anew after a life of some length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How long an agent must live for its death to count as the first.
    pub healthy_after: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins with a wait of `first`.
    pub const fn new(first: Duration, longest: Duration, healthy_after: Duration) -> Self {
        Self { first, longest, healthy_after, next: first }
    }

    /// Returns the wait after an agent that has lived for `lived`.
    pub fn after(&mut self, lived: Duration) -> Duration {
        if lived >= self.healthy_after {
            self.next = self.first;
        }
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        wait
    }
}

impl Default for Backoff {
    /// Waits 100 ms, then twice as long each time up to 10 s; a minute of life counts as healthy.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(10), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_ten_seconds() {
        let mut backoff = Backoff::default();

        let waits: Vec<u128> = (0..9).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();

        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    }

    #[test]
    fn a_minute_of_life_begins_anew() {
        let mut backoff = Backoff::default();
        backoff.after(Duration::ZERO);
        backoff.after(Duration::ZERO);

        assert_eq!(backoff.after(Duration::from_millis(59_999)).as_millis(), 400);
        assert_eq!(backoff.after(Duration::from_secs(60)).as_millis(), 100);
        assert_eq!(backoff.after(Duration::ZERO).as_millis(), 200);
    }
}
