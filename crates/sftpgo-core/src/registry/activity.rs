//! When something last happened: as lists show it, and as idleness is measured.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::user::now_ms;

/// Remembers the last time by both clocks. The time of day can be set, and then idleness measured by it would end busy
/// sessions or keep idle ones for ever.
pub(super) struct Activity {
    began: Instant,
    /// Unix milliseconds.
    at: AtomicI64,
    /// Nanoseconds since `began`, by the clock that only goes forward.
    after: AtomicU64,
}

impl Activity {
    /// Makes the activity of what began at `now` (Unix milliseconds), which is the present.
    pub(super) fn begun_at(now: i64) -> Self {
        Self {
            began: Instant::now(),
            at: AtomicI64::new(now),
            after: AtomicU64::new(0),
        }
    }

    pub(super) fn touch(&self) {
        self.at.store(now_ms(), Ordering::Relaxed);
        let after = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.after.store(after, Ordering::Relaxed);
    }

    /// Unix milliseconds, for lists.
    pub(super) fn last_ms(&self) -> i64 {
        self.at.load(Ordering::Relaxed)
    }

    /// Returns the last activity by the clock that measures durations.
    pub(super) fn last(&self) -> Instant {
        self.began + Duration::from_nanos(self.after.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_does_not_change_how_long_ago_it_was() {
        const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;
        for wrong_by in [-YEAR, YEAR] {
            let before = Instant::now();
            let activity = Activity::begun_at(now_ms() + wrong_by);
            assert!(activity.last() >= before && activity.last() <= Instant::now());
            let first = activity.last();
            activity.touch();
            assert!(activity.last() > first && activity.last() <= Instant::now());
            assert!((activity.last_ms() - now_ms()).abs() < YEAR / 2);
        }
    }
}
