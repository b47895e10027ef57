//! `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>`, salt and hash in base64 without padding.

use std::{str::FromStr, time::Duration};

use argon2::{Config, ThreadMode, Variant, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::{
    error::{Error, ErrorKind, Result},
    random,
};

/// OWASP's second recommendation: about 20 ms and 19 MiB a login.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;

/// 512 MiB. Each thread that verifies passwords takes that much, and to get it from the system takes a second.
const MAX_MEMORY_KIB: u32 = 1 << 19;
/// Memory times passes, 1.5 GiB: with the memory above about 2 seconds of a current core.
const MAX_WORK_KIB: u64 = 3 << 19;
const MAX_LANES: u32 = 16;

pub(super) struct Argon2id {
    version: Version,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// The hash of a new password.
pub(super) fn hash(password: &[u8]) -> Result<String> {
    let mut salt = [0_u8; SALT_LEN];
    random::fill(&mut salt);
    hash_with(password, &salt)
}

/// The hash of a password that `old` was the hash of, with a salt that tells so: who knows `old` only can tell that
/// the password is still the same. A salt has to be another for each hash and need not be secret, and `old` has its own.
pub(super) fn hash_again(password: &[u8], old: &str) -> Result<String> {
    hash_with(password, &salt_after(old))
}

fn salt_after(old: &str) -> [u8; SALT_LEN] {
    let digest = ring::digest::digest(&ring::digest::SHA256, old.as_bytes());
    let mut salt = [0_u8; SALT_LEN];
    salt.iter_mut()
        .zip(digest.as_ref())
        .for_each(|(byte, digit)| *byte = *digit);
    salt
}

fn hash_with(password: &[u8], salt: &[u8]) -> Result<String> {
    argon2::hash_encoded(password, salt, &new_config()).map_err(|error| {
        Error::new(ErrorKind::Internal, "the password could not be hashed").with_source(error)
    })
}

fn new_config() -> Config<'static> {
    Config {
        variant: Variant::Argon2id,
        version: Version::Version13,
        mem_cost: MEMORY_KIB,
        time_cost: PASSES,
        lanes: 1,
        hash_length: HASH_LEN as u32,
        thread_mode: ThreadMode::Sequential,
        ..Config::default()
    }
}

impl Argon2id {
    pub(super) fn parse(stored: &str) -> Result<Self, String> {
        let parts: Vec<&str> = stored.split('$').skip(2).collect();
        let (version, costs, salt, hash) = match *parts.as_slice() {
            [version, costs, salt, hash] => (parse_version(version)?, costs, salt, hash),
            // The first release of the format had no version field.
            [costs, salt, hash] => (Version::Version10, costs, salt, hash),
            _ => return Err(malformed("wrong number of fields")),
        };
        let costs: Vec<&str> = costs.split(',').collect();
        let [memory, passes, lanes] = *costs.as_slice() else {
            return Err(malformed("the costs are not m=…,t=…,p=…"));
        };
        let parsed = Self {
            version,
            memory_kib: number_after("m=", memory)?,
            passes: number_after("t=", passes)?,
            lanes: number_after("p=", lanes)?,
            salt: decode(salt)?,
            hash: decode(hash)?,
        };
        parsed.check_cost()?;
        Ok(parsed)
    }

    /// Did [`hash_again`] make it from `old`?
    pub(super) fn is_after(&self, old: &str) -> bool {
        self.salt == salt_after(old)
    }

    /// A hash of the cost of a new one that no password matches.
    pub(super) fn of_nobody() -> Self {
        Self {
            version: Version::Version13,
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: 1,
            salt: vec![0; SALT_LEN],
            hash: vec![0; HASH_LEN],
        }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let config = Config {
            variant: Variant::Argon2id,
            version: self.version,
            mem_cost: self.memory_kib,
            time_cost: self.passes,
            lanes: self.lanes,
            // One hash, one thread: the pool that runs this is what bounds the load.
            thread_mode: ThreadMode::Sequential,
            ..Config::default()
        };
        argon2::verify_raw(password, &self.salt, &self.hash, &config).unwrap_or(false)
    }

    /// Returns the time of a check on a current core: 2 µs for a KiB that is got from the system, and 0.6 µs for each pass
    /// over it.
    pub(super) fn expected_time(&self) -> Duration {
        let tenths = u64::from(self.memory_kib) * (20 + 6 * u64::from(self.passes));
        Duration::from_micros(tenths / 10)
    }

    fn check_cost(&self) -> Result<(), String> {
        let work = u64::from(self.memory_kib) * u64::from(self.passes);
        if self.passes == 0 || self.lanes == 0 || self.memory_kib < self.lanes.saturating_mul(8) {
            return Err(malformed("a cost is too small"));
        }
        if self.memory_kib > MAX_MEMORY_KIB || work > MAX_WORK_KIB || self.lanes > MAX_LANES {
            return Err(malformed(&format!(
                "the cost is more than this server pays: m up to {MAX_MEMORY_KIB}, m times t up to {MAX_WORK_KIB}, p up to {MAX_LANES}"
            )));
        }
        if !(8..=64).contains(&self.salt.len()) || !(16..=64).contains(&self.hash.len()) {
            return Err(malformed("the salt or the hash has an impossible length"));
        }
        Ok(())
    }

    /// Returns the parameters that decide how long a check takes.
    #[cfg(test)]
    pub(super) fn shape(&self) -> (Version, u32, u32, u32, usize, usize) {
        (
            self.version,
            self.memory_kib,
            self.passes,
            self.lanes,
            self.salt.len(),
            self.hash.len(),
        )
    }
}

fn parse_version(field: &str) -> Result<Version, String> {
    match number_after("v=", field)? {
        16 => Ok(Version::Version10),
        19 => Ok(Version::Version13),
        _ => Err(malformed("unknown version")),
    }
}

fn number_after(name: &str, field: &str) -> Result<u32, String> {
    field
        .strip_prefix(name)
        .and_then(|digits| u32::from_str(digits).ok())
        .ok_or_else(|| malformed(&format!("{name} is missing or not a number")))
}

fn decode(field: &str) -> Result<Vec<u8>, String> {
    STANDARD_NO_PAD
        .decode(field)
        .map_err(|_| malformed("the salt or the hash is not base64 without padding"))
}

fn malformed(reason: &str) -> String {
    format!("not a usable argon2id hash: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the test vectors of the reference implementation.
    const REFERENCE: [(&str, &str); 4] = [
        (
            "password",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ),
        (
            "password",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ),
        (
            "password",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ),
        (
            "differentpassword",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94",
        ),
    ];

    #[test]
    fn reference_vectors_verify() {
        for (password, stored) in REFERENCE {
            let hash = Argon2id::parse(stored).unwrap();
            assert!(hash.verify(password.as_bytes()), "{stored}");
            assert!(!hash.verify(b"passwort"), "{stored}");
        }
    }

    #[test]
    fn a_hash_without_a_version_is_the_first_version() {
        let stored =
            "$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hash = Argon2id::parse(stored).unwrap();
        assert_eq!(hash.version, Version::Version10);
        assert!(
            !hash.verify(b"password"),
            "the two versions must differ in their result"
        );
    }

    #[test]
    fn hostile_and_impossible_costs_are_refused() {
        for costs in [
            "m=524289,t=1,p=1",
            "m=4294967295,t=1,p=1",
            "m=524288,t=4,p=1",
            "m=262144,t=7,p=1",
            "m=8,t=4294967295,p=1",
            "m=4096,t=1,p=17",
            "m=4294967295,t=4294967295,p=4294967295",
            "m=7,t=1,p=1",
            "m=8,t=0,p=1",
            "m=8,t=1,p=0",
            "m=-8,t=1,p=1",
            "t=1,m=8,p=1",
            "m=8,t=1",
            "m=8,t=1,p=1,x=1",
        ] {
            let stored = format!("$argon2id$v=19${costs}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q");
            assert!(Argon2id::parse(&stored).is_err(), "{costs}");
        }
        for dearest in ["m=524288,t=3,p=1", "m=262144,t=6,p=4", "m=8,t=196608,p=1"] {
            let stored = format!("$argon2id$v=19${dearest}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q");
            assert!(Argon2id::parse(&stored).is_ok(), "{dearest}");
        }
    }

    #[test]
    fn salts_and_hashes_of_impossible_lengths_are_refused() {
        let good = STANDARD_NO_PAD.encode([1; 32]);
        let too_long = STANDARD_NO_PAD.encode([1; 65]);
        for (salt, hash) in [
            ("", good.as_str()),
            ("c2FsdA", &good),
            (&too_long, &good),
            (&good, ""),
            (&good, "AAAA"),
            (&good, &too_long),
            (&good, "not base64!"),
        ] {
            let stored = format!("$argon2id$v=19$m=8,t=1,p=1${salt}${hash}");
            assert!(Argon2id::parse(&stored).is_err(), "{stored}");
        }
    }
}
