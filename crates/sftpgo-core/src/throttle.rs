//! The rate limiters of one user's bandwidth, shared by the user's transfers.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{event::Operation, sync::lock, user::EffectiveUser};

/// Smaller pieces cost more in packets than they make transfers smoother.
const LEAST: usize = 1024;

/// Shorter waits than a timer can keep stay owed and are paid with the next.
const LEAST_WAIT: Duration = Duration::from_millis(2);

/// A rate limiter for each direction of a user's transfers; unlimited until rates are set.
#[derive(Debug, Default)]
pub struct Throttle {
    upload: RateLimiter,
    download: RateLimiter,
}

/// The rate limiter of one direction.
#[derive(Debug)]
struct RateLimiter {
    /// 0 is unlimited.
    bytes_per_second: AtomicU64,
    /// When the bytes let through so far will have been paid for.
    paid_until: Mutex<Instant>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self {
            bytes_per_second: AtomicU64::new(0),
            paid_until: Mutex::new(Instant::now()),
        }
    }
}

impl Throttle {
    /// Gives both directions the rates that `user` has, running transfers included; 0 is unlimited.
    pub fn set_rates(&self, user: &EffectiveUser) {
        self.upload.set_rate(user.upload_bandwidth);
        self.download.set_rate(user.download_bandwidth);
    }

    /// Bytes a second; none without a limit.
    pub fn rate(&self, operation: Operation) -> Option<u64> {
        Some(self.limiter(operation).rate()).filter(|rate| *rate > 0)
    }

    /// Returns how much of `most` to let through at once: what a tenth of a second allows, so that no second sees a burst.
    pub fn piece(&self, operation: Operation, most: usize) -> usize {
        match self.limiter(operation).rate() {
            0 => most,
            rate => usize::try_from(rate / 10).map_or(most, |piece| piece.max(LEAST).min(most)),
        }
    }

    /// Lets `bytes` through and says how long to wait before the next; time not used is not saved up.
    pub fn pass(&self, operation: Operation, bytes: usize) -> Duration {
        let limiter = self.limiter(operation);
        let rate = limiter.rate();
        if rate == 0 {
            return Duration::ZERO;
        }
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        let now = Instant::now();
        let mut paid_until = limiter.paid_until();
        *paid_until = paid_until.max(now) + cost;
        let wait = paid_until.saturating_duration_since(now);
        if wait < LEAST_WAIT {
            Duration::ZERO
        } else {
            wait
        }
    }

    /// Is something let through that is not paid for yet?
    pub fn is_busy(&self) -> bool {
        let now = Instant::now();
        [&self.upload, &self.download]
            .iter()
            .any(|limiter| *limiter.paid_until() > now)
    }

    fn limiter(&self, operation: Operation) -> &RateLimiter {
        match operation {
            Operation::Upload => &self.upload,
            Operation::Download => &self.download,
        }
    }
}

impl RateLimiter {
    fn rate(&self) -> u64 {
        self.bytes_per_second.load(Ordering::Relaxed)
    }

    /// The contract's KB/s are 1000 bytes.
    fn set_rate(&self, kilobytes_per_second: u32) {
        let rate = u64::from(kilobytes_per_second) * 1000;
        self.bytes_per_second.store(rate, Ordering::Relaxed);
    }

    fn paid_until(&self) -> MutexGuard<'_, Instant> {
        lock(&self.paid_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_a_tenth_of_a_second() {
        let throttle = Throttle::default();
        for (rate, piece) in [(0, 65_536), (1, 1024), (100, 10_000), (100_000, 65_536)] {
            throttle.download.set_rate(rate);
            assert_eq!(
                throttle.piece(Operation::Download, 65_536),
                piece,
                "{rate} KB/s"
            );
        }
    }

    #[test]
    fn what_is_let_through_is_paid_for_by_all_who_share_the_limiter() {
        let throttle = Throttle::default();
        assert_eq!(throttle.pass(Operation::Upload, 1 << 30), Duration::ZERO);
        assert!(!throttle.is_busy());
        throttle.upload.set_rate(1);
        let first = throttle.pass(Operation::Upload, 50_000);
        let second = throttle.pass(Operation::Upload, 50_000);
        assert!(
            first.as_secs() >= 49 && second.as_secs() >= 98,
            "{first:?} {second:?}"
        );
        assert!(throttle.is_busy());
        assert_eq!(throttle.pass(Operation::Download, 1 << 30), Duration::ZERO);
    }
}
