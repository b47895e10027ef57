//! AES-GCM with the nonces of SSH.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey};

use super::{BadKey, Cipher, LENGTH_LEN};

/// The tag of AES-GCM and of chacha20-poly1305.
pub(super) const TAG_LEN: usize = 16;

/// One direction of AES-GCM.
pub(super) struct Gcm {
    key: LessSafeKey,
    /// Stays for the life of the key (RFC 5647 section 7.1).
    fixed: [u8; 4],
    /// One more with each packet. It starts anywhere, so it may pass its highest value, as in OpenSSH; no nonce comes again
    /// because a key ends long before 2^64 packets.
    invocation: u64,
}

impl Gcm {
    pub(super) fn new(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Self, BadKey> {
        let algorithm = match cipher {
            Cipher::Aes128Gcm => &AES_128_GCM,
            Cipher::Aes256Gcm => &AES_256_GCM,
            _ => return Err(BadKey),
        };
        let key = UnboundKey::new(algorithm, key).map_err(|_| BadKey)?;
        let (fixed, invocation) = iv.split_first_chunk().ok_or(BadKey)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            fixed: *fixed,
            invocation: u64::from_be_bytes(invocation.try_into().map_err(|_| BadKey)?),
        })
    }

    fn next_nonce(&mut self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        let (fixed, invocation) = nonce.split_at_mut(self.fixed.len());
        fixed.copy_from_slice(&self.fixed);
        invocation.copy_from_slice(&self.invocation.to_be_bytes());
        self.invocation = self.invocation.wrapping_add(1);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Encrypts what is behind the length field.
    pub(super) fn seal(&mut self, packet: &mut [u8], tag: &mut [u8]) -> Option<()> {
        let (length, text) = packet.split_first_chunk_mut::<LENGTH_LEN>()?;
        let nonce = self.next_nonce();
        let made = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(*length), text)
            .ok()?;
        let tag: &mut [u8; TAG_LEN] = tag.try_into().ok()?;
        tag.copy_from_slice(made.as_ref());
        Some(())
    }

    /// Decrypts what is behind the length field.
    pub(super) fn open(&mut self, packet: &mut [u8], tag: &[u8]) -> Option<()> {
        let (length, text) = packet.split_first_chunk_mut::<LENGTH_LEN>()?;
        let nonce = self.next_nonce();
        let tag = Tag::try_from(tag).ok()?;
        self.key
            .open_in_place_separate_tag(nonce, Aad::from(*length), tag, text, 0..)
            .ok()?;
        Some(())
    }
}
