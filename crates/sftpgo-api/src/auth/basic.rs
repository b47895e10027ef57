//! HTTP basic authentication (RFC 7617), and passwords that were verified a moment ago.

use std::{
    collections::HashMap,
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sftpgo_core::sync::lock;
use warp::http::{HeaderMap, header};

use super::salted::SaltedHashes;

/// A password is not verified again so soon: a client that sends it with each of a hundred requests would wait and have
/// the server work for seconds.
const FRESH: Duration = Duration::from_secs(60);
/// Remembered at once.
const MOST: usize = 256;

/// A name and a password as sent.
pub(crate) struct BasicCredentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl BasicCredentials {
    /// Returns the credentials of a request; none if it has none, or they cannot be read.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        Some(Self {
            username: username.to_owned(),
            password: password.to_owned(),
        })
    }
}

impl fmt::Debug for BasicCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicCredentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Which passwords were right a moment ago, for which state of their admin. Of a password only a hash with a random part of
/// the process is here.
#[derive(Default)]
pub(crate) struct VerifiedBasic {
    hashes: SaltedHashes,
    verified: Mutex<HashMap<Vec<u8>, (i64, Instant)>>,
}

impl VerifiedBasic {
    /// The `sessions_since` of the admin for whom these were right.
    pub(crate) fn get(&self, sent: &BasicCredentials) -> Option<i64> {
        let verified = lock(&self.verified);
        let (since, at) = verified.get(&self.key(sent))?;
        (at.elapsed() < FRESH).then_some(*since)
    }

    /// Remembers that these credentials were right.
    pub(crate) fn remember(&self, sent: &BasicCredentials, sessions_since: i64) {
        let mut verified = lock(&self.verified);
        if verified.len() >= MOST {
            verified.retain(|_, (_, at)| at.elapsed() < FRESH);
        }
        if verified.len() < MOST {
            verified.insert(self.key(sent), (sessions_since, Instant::now()));
        }
    }

    fn key(&self, sent: &BasicCredentials) -> Vec<u8> {
        self.hashes
            .of([sent.username.as_bytes(), sent.password.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        BasicCredentials::of(&headers).map(|sent| (sent.username, sent.password))
    }

    #[test]
    fn a_password_may_have_colons_and_a_name_may_not() {
        let expected = Some(("alice".to_owned(), "a:b".to_owned()));
        assert_eq!(of("Basic YWxpY2U6YTpi"), expected);
        assert_eq!(of("basic  YWxpY2U6YTpi"), expected);
        for other in [
            "Bearer YWxpY2U6YTpi",
            "Basic",
            "Basic ###",
            "Basic YWxpY2U=",
            "Basic /w==",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_was_verified_is_remembered() {
        let sent = |username: &str, password: &str| BasicCredentials {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        let verified = VerifiedBasic::default();
        verified.remember(&sent("ab", "c"), 7);
        assert_eq!(verified.get(&sent("ab", "c")), Some(7));
        assert_eq!(verified.get(&sent("a", "bc")), None);
        assert_eq!(verified.get(&sent("ab", "C")), None);
    }
}
