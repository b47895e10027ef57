//! Bandwidth of one user, shared by the user's transfers.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{registry::Operation, user::User};

/// Both directions of a user's bandwidth.
#[derive(Debug)]
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

impl Throttle {
    /// The bandwidth `user` has; 0 is unlimited.
    pub fn of(user: &User) -> Self {
        let lane = |rate| {
            Mutex::new(Lane {
                bytes_per_second: bytes_per_second(rate),
                paid_until: Instant::now(),
            })
        };
        Self {
            upload: lane(user.upload_bandwidth),
            download: lane(user.download_bandwidth),
        }
    }

    /// Changes the rates of running transfers too.
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

    fn lane(&self, operation: Operation) -> std::sync::MutexGuard<'_, Lane> {
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
