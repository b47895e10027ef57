//! Keys that were accepted and not used yet.
//!
//! The library asks whether a key is accepted, verifies the signature by itself, and tells of it only when it is valid. So
//! a signature that is wrong is known by what comes next: another attempt or the end, and no valid one.

use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub(super) struct Unsigned(Mutex<Option<Accepted>>);

/// A key of a user, and how often it was accepted.
struct Accepted {
    username: String,
    blob: Vec<u8>,
    times: usize,
}

impl Unsigned {
    /// The key may log the user in, as soon as there is a signature by it.
    pub(super) fn accepted(&self, username: &str, blob: Vec<u8>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_mut() {
            Some(last) if last.is(username, &blob) => last.times += 1,
            _ => {
                *last = Some(Accepted {
                    username: username.to_owned(),
                    blob,
                    times: 1,
                });
            }
        }
    }

    /// Is it the key that was accepted last? A client may show it again with another algorithm before it signs, so only
    /// what comes afterwards tells.
    pub(super) fn is_another_try(&self, username: &str, blob: &[u8]) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|last| last.is(username, blob))
    }

    /// A valid signature came.
    pub(super) fn signed(&self) {
        self.take();
    }

    /// Whose keys were accepted in vain, a name for each time.
    pub(super) fn take(&self) -> Vec<String> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.map_or_else(Vec::new, |last| vec![last.username; last.times])
    }
}

impl Accepted {
    fn is(&self, username: &str, blob: &[u8]) -> bool {
        self.username == username && self.blob == blob
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_without_a_valid_signature_counts() {
        let unsigned = Unsigned::default();
        assert!(unsigned.take().is_empty());
        for _ in 0..3 {
            unsigned.accepted("bob", b"key".to_vec());
            assert!(unsigned.is_another_try("bob", b"key"));
        }
        assert!(!unsigned.is_another_try("bob", b"other"));
        assert!(!unsigned.is_another_try("eve", b"key"));
        assert_eq!(unsigned.take(), ["bob", "bob", "bob"]);
        assert!(unsigned.take().is_empty());
    }

    #[test]
    fn a_key_that_is_shown_twice_and_then_signs_has_not_failed() {
        let unsigned = Unsigned::default();
        unsigned.accepted("bob", b"key".to_vec());
        unsigned.accepted("bob", b"key".to_vec());
        unsigned.signed();
        assert!(unsigned.take().is_empty());
    }
}
