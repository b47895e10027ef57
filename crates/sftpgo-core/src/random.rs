//! Unguessable values from the system's generator.

use ring::rand::{SecureRandom, SystemRandom};

use crate::hex::hex;

/// Fills `bytes`; Linux's generator does not fail once the system is up.
pub fn fill(bytes: &mut [u8]) {
    if SystemRandom::new().fill(bytes).is_err() {
        // Guessable identifiers would be worse than no server.
        std::process::abort();
    }
}

/// 128 random bits as 32 hexadecimal digits.
pub fn hex_id() -> String {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes);
    hex(&bytes)
}

/// A positive number of 63 random bits.
pub fn positive() -> i64 {
    let mut bytes = [0_u8; 8];
    fill(&mut bytes);
    (i64::from_le_bytes(bytes) & i64::MAX).max(1)
}
