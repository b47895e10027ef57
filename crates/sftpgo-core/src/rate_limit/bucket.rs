//! A bucket of tokens that fills evenly, as the one time at which it is full again. Pure: whoever calls brings the time.

use std::time::Duration;

/// The longest wait that any limit may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The time at which a bucket is full, since the clock's beginning. One that was never used is full always.
pub(super) type FullAt = Duration;

/// How fast buckets fill, and what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// A token more comes in this time.
    each: Duration,
    /// The time in which an empty bucket has all but its last token.
    tolerance: Duration,
    pub(super) longest_wait: Duration,
}

impl Rate {
    /// `average` tokens in `period`, of which `burst` may come at once; each number is 1 at least.
    pub(super) fn new(average: u32, period: Duration, burst: u32) -> Self {
        let each = period / average.max(1);
        // By SFTPGo: half a period where less than one comes in a second, else half the time of one.
        let longest_wait = if each > Duration::from_secs(1) {
            period / 2
        } else {
            each / 2
        };
        Self {
            each,
            tolerance: each.saturating_mul(burst.saturating_sub(1)),
            longest_wait: longest_wait.min(LONGEST_WAIT),
        }
    }

    /// How long it takes until there is a token.
    pub(super) fn wait(&self, full_at: FullAt, now: Duration) -> Duration {
        full_at.saturating_sub(now).saturating_sub(self.tolerance)
    }

    /// The bucket without the next token, which may still be on its way.
    pub(super) fn take(&self, full_at: FullAt, now: Duration) -> FullAt {
        full_at.max(now).saturating_add(self.each)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_longest_wait_is_that_of_sftpgo() {
        let wait = |average, period| Rate::new(average, period, 1).longest_wait;
        assert_eq!(wait(10, SECOND), Duration::from_millis(50));
        assert_eq!(wait(1, SECOND), Duration::from_millis(500));
        assert_eq!(wait(1, 4 * SECOND), 2 * SECOND);
        assert_eq!(wait(2, 6 * SECOND), 3 * SECOND);
        assert_eq!(wait(1, 60 * SECOND), LONGEST_WAIT);
    }

    #[test]
    fn a_burst_comes_at_once_and_then_one_by_one() {
        let rate = Rate::new(2, SECOND, 3);
        let (mut full_at, now) = (Duration::ZERO, 100 * SECOND);
        let waits: Vec<_> = (0..5)
            .map(|_| {
                let wait = rate.wait(full_at, now);
                full_at = rate.take(full_at, now);
                wait.as_millis()
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000]);
        // After its time it is full, and not more than full.
        let later = now + 60 * SECOND;
        assert_eq!(rate.wait(full_at, later), Duration::ZERO);
        assert_eq!(rate.take(full_at, later), later + SECOND / 2);
    }

    proptest! {
        /// In any time no more are let through than the burst and what has come meanwhile.
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            average in 1u32..50,
            period in 100u64..5000,
            burst in 1u32..20,
            gaps in prop::collection::vec(0u64..400, 1..200),
        ) {
            let rate = Rate::new(average, Duration::from_millis(period), burst);
            let (mut full_at, mut now) = (Duration::ZERO, 10 * SECOND);
            let mut passed = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                let wait = rate.wait(full_at, now);
                if wait <= rate.longest_wait {
                    full_at = rate.take(full_at, now);
                    passed.push(now + wait);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let most = f64::from(burst)
                        + (*to - *from).as_secs_f64() * f64::from(average) * 1000.0 / period as f64;
                    // A token's time is rounded down to nanoseconds.
                    prop_assert!((last - first) as f64 <= most + 1e-3, "{} in {:?}", last - first + 1, *to - *from);
                }
            }
        }

        /// Whoever keeps to the rate never waits.
        #[test]
        fn who_keeps_to_the_rate_never_waits(
            average in 1u32..50, period in 100u64..5000, burst in 1u32..20, count in 1u32..100,
        ) {
            let rate = Rate::new(average, Duration::from_millis(period), burst);
            let (mut full_at, mut now) = (Duration::ZERO, SECOND);
            for _ in 0..count {
                prop_assert_eq!(rate.wait(full_at, now), Duration::ZERO);
                full_at = rate.take(full_at, now);
                now += Duration::from_millis(period) / average;
            }
        }
    }
}
