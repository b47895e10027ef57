//! `$2a$`, `$2b$` and `$2y$`: cost, 22 digits of salt, 31 of hash, 60 bytes in all.

use std::{ops::RangeInclusive, time::Duration};

use ::bcrypt::HashParts;

/// Each step doubles the time; 15 is about 2 seconds of a current core.
const COSTS: RangeInclusive<u32> = 4..=15;
/// What each of the two to the power of the cost rounds takes on a current core.
const ROUND: Duration = Duration::from_micros(60);

pub(super) struct Bcrypt {
    stored: String,
    cost: u32,
}

impl Bcrypt {
    pub(super) fn parse(stored: &str) -> Result<Self, String> {
        let parts: HashParts = stored.parse().map_err(|_| malformed("it does not parse"))?;
        let cost = parts.get_cost();
        if !COSTS.contains(&cost) {
            return Err(malformed("the cost is not between 4 and 15"));
        }
        Ok(Self {
            stored: stored.to_owned(),
            cost,
        })
    }

    pub(super) fn expected_time(&self) -> Duration {
        ROUND * (1 << self.cost)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        ::bcrypt::verify(password, &self.stored).unwrap_or(false)
    }
}

fn malformed(reason: &str) -> String {
    format!("not a usable bcrypt hash: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the test vectors of jBCrypt and OpenBSD.
    const VECTORS: [(&str, &str); 4] = [
        (
            "",
            "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
        ),
        (
            "a",
            "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
        ),
        (
            "abc",
            "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
        ),
        (
            "~!@#$%^&*()      ~!@#$%^&*()PNBFRD",
            "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO",
        ),
    ];

    #[test]
    fn known_vectors_verify_in_every_version() {
        for (password, stored) in VECTORS {
            for version in ["$2a$", "$2b$", "$2y$"] {
                let stored = stored.replace("$2a$", version);
                let hash = Bcrypt::parse(&stored).unwrap();
                assert!(hash.verify(password.as_bytes()), "{stored}");
                assert!(!hash.verify(b"something else"), "{stored}");
            }
        }
    }

    #[test]
    fn costs_that_would_stall_the_server_are_refused() {
        let with_cost =
            |cost| format!("$2a${cost}$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.");
        assert!(Bcrypt::parse(&with_cost("15")).is_ok());
        for cost in ["03", "16", "20", "31", "99", "-1", "1x"] {
            assert!(Bcrypt::parse(&with_cost(cost)).is_err(), "{cost}");
        }
    }
}
