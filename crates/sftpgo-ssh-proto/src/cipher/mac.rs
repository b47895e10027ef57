//! HMAC over a sequence number and a packet.

use ring::hmac;
use subtle::ConstantTimeEq;

use super::{BadKey, Mac};

/// A MAC with its key.
pub(super) struct Authenticator {
    key: hmac::Key,
}

impl Authenticator {
    pub(super) fn new(mac: Mac, key: &[u8]) -> Result<Self, BadKey> {
        if key.len() != mac.key_len() {
            return Err(BadKey);
        }
        let algorithm = match mac {
            Mac::Sha256Etm | Mac::Sha256 => hmac::HMAC_SHA256,
            Mac::Sha512Etm | Mac::Sha512 => hmac::HMAC_SHA512,
            Mac::Sha1Etm | Mac::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        };
        Ok(Self {
            key: hmac::Key::new(algorithm, key),
        })
    }

    /// The tag of a packet without its tag (RFC 4253 section 6.4).
    pub(super) fn tag(&self, seq: u32, packet: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&seq.to_be_bytes());
        context.update(packet);
        context.sign()
    }

    /// Takes as long as the tag of `count` more bytes would.
    pub(super) fn spend(&self, count: usize) {
        let mut context = hmac::Context::with_key(&self.key);
        let block = [0; 1024];
        let mut left = count;
        while left > 0 {
            let bytes = block.get(..left).unwrap_or(&block);
            context.update(bytes);
            left -= bytes.len();
        }
        std::hint::black_box(context.sign());
    }

    /// Whether `tag` is the packet's; how long that takes does not depend on the bytes.
    pub(super) fn is_tag(&self, seq: u32, packet: &[u8], tag: &[u8]) -> bool {
        self.tag(seq, packet).as_ref().ct_eq(tag).into()
    }
}
