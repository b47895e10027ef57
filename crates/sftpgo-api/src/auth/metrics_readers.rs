//! Who may read the metrics while the store, which the admins are in, does not answer: monitoring needs them most then.
//!
//! Whoever was verified a moment ago reads on, with the same credential from the same address, and reads nothing but the
//! metrics. Of a credential only a hash with a random part of the process is kept.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use sftpgo_core::{sync::lock, user::now_ms};
use warp::http::{HeaderMap, header};

use super::{API_KEY, salted::SaltedHashes};

/// The store is not waited for longer than this by who may read without it: Prometheus gives up after ten seconds.
pub(crate) const STORE_PATIENCE: Duration = Duration::from_secs(3);
/// So long after the store was asked last: some twenty readings of Prometheus's.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);
/// Remembered at once.
const MOST: usize = 256;

/// A credential and the address that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proof(Vec<u8>);

struct Verified {
    at: Instant,
    /// Of the credential, in Unix milliseconds; 0 is never.
    expires_at: i64,
    /// See [`Admins::changes`](sftpgo_core::admin::Admins::changes): of when it was verified.
    changes: u64,
}

/// Those who were verified.
#[derive(Default)]
pub(crate) struct MetricsReaders {
    hashes: SaltedHashes,
    verified: Mutex<HashMap<Proof, Verified>>,
}

impl MetricsReaders {
    /// What a request brings to prove who sends it.
    pub(crate) fn proof(&self, headers: &HeaderMap, client: IpAddr) -> Proof {
        let (client, names) = (client.to_string(), [API_KEY, header::AUTHORIZATION]);
        let mut parts = vec![client.as_bytes()];
        for name in &names {
            parts.push(name.as_str().as_bytes());
            parts.extend(headers.get_all(name).iter().map(|value| value.as_bytes()));
        }
        Proof(self.hashes.of(parts))
    }

    /// The store has said that this is an admin, who may read the metrics, when so many changes of admins had been made.
    /// `expires_at` is of the credential.
    pub(crate) fn remember(&self, proof: Proof, expires_at: i64, changes: u64) {
        let mut verified = lock(&self.verified);
        if verified.len() >= MOST {
            verified.retain(|_, known| known.at.elapsed() < REMEMBERED);
        }
        if verified.len() < MOST || verified.contains_key(&proof) {
            verified.insert(
                proof,
                Verified {
                    at: Instant::now(),
                    expires_at,
                    changes,
                },
            );
        }
    }

    /// The store has said something else.
    pub(crate) fn forget(&self, proof: &Proof) {
        lock(&self.verified).remove(proof);
    }

    /// Was this verified a moment ago, and has no admin been changed here since?
    pub(crate) fn knows(&self, proof: &Proof, changes: u64) -> bool {
        let verified = lock(&self.verified);
        verified.get(proof).is_some_and(|known| {
            known.at.elapsed() < REMEMBERED
                && known.changes == changes
                && (known.expires_at == 0 || known.expires_at > now_ms())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn only_the_same_credential_from_the_same_address_is_known_until_an_admin_changes() {
        let readers = MetricsReaders::default();
        let sent = headers("authorization", "Basic YTpi");
        let proof = |headers: &HeaderMap, client| readers.proof(headers, client);
        assert!(!readers.knows(&proof(&sent, CLIENT), 1));
        readers.remember(proof(&sent, CLIENT), 0, 1);
        assert!(readers.knows(&proof(&sent, CLIENT), 1));
        assert!(!readers.knows(&proof(&sent, CLIENT), 2));
        assert!(!readers.knows(&proof(&sent, [192, 0, 2, 1].into()), 1));
        for other in [
            headers("authorization", "Basic YTpj"),
            headers("x-sftpgo-api-key", "Basic YTpi"),
        ] {
            assert!(!readers.knows(&proof(&other, CLIENT), 1));
        }
        readers.forget(&proof(&sent, CLIENT));
        assert!(!readers.knows(&proof(&sent, CLIENT), 1));
    }

    #[test]
    fn a_key_that_has_expired_meanwhile_is_not_known() {
        let readers = MetricsReaders::default();
        let proof = readers.proof(&headers("x-sftpgo-api-key", "a.b"), CLIENT);
        for (expires_at, known) in [(0, true), (now_ms() + 60_000, true), (now_ms() - 1, false)] {
            readers.remember(proof.clone(), expires_at, 1);
            assert_eq!(readers.knows(&proof, 1), known);
        }
    }
}
