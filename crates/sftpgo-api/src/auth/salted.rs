//! Hashes of credentials, by which one that comes again is known while nothing that was sent is kept.

use ring::digest;
use sftpgo_core::random;

/// Hashes with a random part of the process.
pub(super) struct SaltedHashes([u8; 32]);

impl Default for SaltedHashes {
    fn default() -> Self {
        let mut salt = [0; 32];
        random::fill(&mut salt);
        Self(salt)
    }
}

impl SaltedHashes {
    /// The hash of these parts: no others have it, however they are cut.
    pub(super) fn of<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    }
}
