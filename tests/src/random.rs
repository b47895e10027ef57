//! Chance that can be repeated.

use std::time::{SystemTime, UNIX_EPOCH};

/// Pseudo-random numbers of a seed.
pub struct Random(u64);

impl Random {
    /// Another seed each time, printed; `SFTPGO_TEST_SEED` repeats one.
    pub fn new() -> Self {
        let seed = std::env::var("SFTPGO_TEST_SEED").map_or_else(
            |_| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                u64::try_from(now.as_nanos()).unwrap()
            },
            |seed| seed.parse().expect("SFTPGO_TEST_SEED is a number"),
        );
        eprintln!("SFTPGO_TEST_SEED={seed}");
        // The generator stands still at 0.
        Self(seed | 1)
    }

    /// The next number, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % limit
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}
