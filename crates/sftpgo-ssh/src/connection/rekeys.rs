//! How often a client may ask for new keys at once: each time costs more than the request.

use std::time::{Duration, Instant};

/// The number of exchanges that may come at once.
const BURST: u64 = 64;
/// Bytes for which one more exchange may come, as one may for each second: OpenSSH with `RekeyLimit=1M` asks about every 80
/// KiB.
const BYTES: u64 = 16 * 1024;

/// The exchanges that one client began after the first.
pub(super) struct Rekeys {
    /// The number of exchanges that may come now.
    left: u64,
    since: Instant,
    bytes: u64,
}

impl Rekeys {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            left: 1,
            since: now,
            bytes: 0,
        }
    }

    /// Says that the client is logged in, and may ask more often than before.
    pub(super) fn logged_in(&mut self, now: Instant, bytes: u64) {
        *self = Self {
            left: BURST,
            since: now,
            bytes,
        };
    }

    /// May the client have new keys, now that so many bytes went over the connection? Before a login one time in all.
    pub(super) fn take(&mut self, is_logged_in: bool, now: Instant, bytes: u64) -> bool {
        if is_logged_in {
            let seconds = now.saturating_duration_since(self.since).as_secs();
            let pieces = bytes.saturating_sub(self.bytes) / BYTES;
            self.since += Duration::from_secs(seconds);
            self.bytes += pieces * BYTES;
            self.left = self
                .left
                .saturating_add(seconds.saturating_add(pieces))
                .min(BURST);
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_login_it_is_one_whatever_time_passes() {
        let start = Instant::now();
        let mut rekeys = Rekeys::new(start);
        let later = start + Duration::from_secs(100);
        assert!(rekeys.take(false, start, 0));
        assert!(!rekeys.take(false, later, BYTES));
    }

    #[test]
    fn after_it_a_burst_and_then_one_for_each_second_and_so_many_bytes() {
        let start = Instant::now();
        let mut rekeys = Rekeys::new(start);
        rekeys.logged_in(start, 100);
        let mut take =
            |millis, bytes| rekeys.take(true, start + Duration::from_millis(millis), 100 + bytes);
        assert!((0..BURST).all(|_| take(0, 0)));
        assert!(!take(0, BYTES - 1));
        assert!(take(0, BYTES));
        assert!(!take(0, BYTES));
        assert!(!take(900, 2 * BYTES - 1));
        // What was not enough for one counts for the next.
        assert!(take(1000, 2 * BYTES - 1) && take(1000, 2 * BYTES));
        assert!(!take(1000, 2 * BYTES));
        // Who did not ask for long has no more than the burst.
        assert_eq!(
            (0..100).filter(|_| take(1_000_000, 0)).count() as u64,
            BURST
        );
    }
}
