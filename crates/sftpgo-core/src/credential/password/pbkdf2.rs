//! `$pbkdf2-<hash>$<iterations>$<salt>$<key>`: the salt's literal bytes, the key in base64, as long as the hash.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA1_OUTPUT_LEN, SHA256_OUTPUT_LEN, SHA512_OUTPUT_LEN},
    pbkdf2,
};
use sftpgo_credential_formats::password_hash::Pbkdf2Digest;

/// About 2 seconds of a current core.
const MAX_ITERATIONS: u32 = 5_000_000;
/// The time that an iteration takes on a current core.
const ITERATION: Duration = Duration::from_nanos(400);

pub(super) struct Pbkdf2 {
    algorithm: pbkdf2::Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Pbkdf2 {
    pub(super) fn parse(stored: &str, digest: Pbkdf2Digest) -> Result<Self, String> {
        let parts: Vec<&str> = stored.split('$').collect();
        let ["", _, iterations, salt, key] = *parts.as_slice() else {
            return Err(malformed("wrong number of fields"));
        };
        let (algorithm, key_len) = match digest {
            Pbkdf2Digest::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, SHA1_OUTPUT_LEN),
            Pbkdf2Digest::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, SHA256_OUTPUT_LEN),
            Pbkdf2Digest::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, SHA512_OUTPUT_LEN),
        };
        let iterations = NonZeroU32::from_str(iterations)
            .map_err(|_| malformed("the iterations are not a positive number"))?;
        if iterations.get() > MAX_ITERATIONS {
            return Err(malformed(&format!(
                "the iterations are more than {MAX_ITERATIONS}, which is what this server does"
            )));
        }
        let key = STANDARD
            .decode(key)
            .ok()
            .filter(|key| key.len() == key_len)
            .ok_or_else(|| malformed(&format!("the key is not {key_len} bytes in base64")))?;
        Ok(Self {
            algorithm,
            iterations,
            salt: salt.as_bytes().to_vec(),
            key,
        })
    }

    pub(super) fn expected_time(&self) -> Duration {
        ITERATION * self.iterations.get()
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        pbkdf2::verify(
            self.algorithm,
            self.iterations,
            &self.salt,
            password,
            &self.key,
        )
        .is_ok()
    }
}

fn malformed(reason: &str) -> String {
    format!("not a usable pbkdf2 hash: {reason}")
}

#[cfg(test)]
mod tests {
    use sftpgo_credential_formats::password_hash::HashFormat;

    use super::*;

    /// RFC 6070's `password`, `salt`, 4096 (the first), and the same for the other hash functions.
    const OF_PASSWORD: [&str; 3] = [
        "$pbkdf2-sha1$4096$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=",
        "$pbkdf2-sha256$4096$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=",
        "$pbkdf2-sha512$4096$salt$0Zexsz2wFD4BixLz0dFHnmzevcyXxcD4f2kC4HL0V7UUPzBgJkGz1VzTNZiMs2uEN2Bg7NUy4Dm3QqI5Q0ry1Q==",
    ];

    fn parse(stored: &str) -> Result<Pbkdf2, String> {
        match HashFormat::of(stored) {
            Some(HashFormat::Pbkdf2(digest)) => Pbkdf2::parse(stored, digest),
            other => panic!("{stored}: {other:?}"),
        }
    }

    #[test]
    fn known_vectors_verify() {
        for stored in OF_PASSWORD {
            let hash = parse(stored).unwrap();
            assert!(hash.verify(b"password"), "{stored}");
            assert!(!hash.verify(b"passwort"), "{stored}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for stored in OF_PASSWORD {
            let (head, key) = stored.rsplit_once('$').unwrap();
            let mut key = STANDARD.decode(key).unwrap();
            key.pop();
            let cut = format!("{head}${}", STANDARD.encode(key));
            assert!(parse(&cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn impossible_and_hostile_iterations_are_refused() {
        for iterations in ["", "0", "-1", "1e3", "5000001", "4294967295", "4294967296"] {
            let stored = format!("$pbkdf2-sha1${iterations}$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=");
            assert!(parse(&stored).is_err(), "{stored}");
        }
        let dearest = "$pbkdf2-sha1$5000000$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=";
        assert!(parse(dearest).is_ok());
    }

    #[test]
    fn other_fields_are_refused() {
        for stored in [
            "$pbkdf2-sha1$1000$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=$",
            "$pbkdf2-sha1$1000$SwB5AbdlSJq+rUnZJvch0GWkKcE=",
        ] {
            assert!(parse(stored).is_err(), "{stored}");
        }
    }
}
