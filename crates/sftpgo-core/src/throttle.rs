//! Bandwidth of one user, shared by the user's transfers.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{registry::Operation, user::User};

/// Both directions of a user's bandwidth; unlimited until rates are set.
#[derive(Debug, Default)]
pub struct Throttle {
    upload: Mutex<Lane>,
    download: Mutex<Lane>,
}

/// When the bytes let through so far will have been paid for.
#[derive(Debug)]
struct Lane {
    bytes_per_second: u64,
    paid_until: Instant,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            bytes_per_second: 0,
            paid_until: Instant::now(),
        }
    }
}

impl Throttle {
    /// Gives both directions the rates that `user` has, running transfers included; 0 is unlimited.
    pub fn set_rates(&self, user: &User) {
        self.lane(Operation::Upload).bytes_per_second = bytes_per_second(user.upload_bandwidth);
        self.lane(Operation::Download).bytes_per_second = bytes_per_second(user.download_bandwidth);
    }

    /// Lets `bytes` through and says how long to wait before the next; time not used is not saved up.
    pub fn pass(&self, operation: Operation, bytes: usize) -> Duration {
        let mut lane = self.lane(operation);
        if lane.bytes_per_second == 0 {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let cost = Duration::from_secs_f64(bytes as f64 / lane.bytes_per_second as f64);
        lane.paid_until = lane.paid_until.max(now) + cost;
        lane.paid_until.saturating_duration_since(now)
    }

    /// Is something let through that is not paid for yet?
    pub fn is_busy(&self) -> bool {
        let now = Instant::now();
        [Operation::Upload, Operation::Download]
            .into_iter()
            .any(|operation| self.lane(operation).paid_until > now)
    }

    fn lane(&self, operation: Operation) -> MutexGuard<'_, Lane> {
        let lane = match operation {
            Operation::Upload => &self.upload,
            Operation::Download => &self.download,
        };
        lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The contract's KB/s are 1000 bytes.
fn bytes_per_second(rate: u32) -> u64 {
    u64::from(rate) * 1000
}
