//! How one direction protects its packets.

use super::{BadKey, Cipher, Mac, aead::Gcm, blocks::Blocks, mac::Authenticator};

/// `C` is ring's key of chacha20 for the direction.
pub(super) enum Mode<C> {
    /// Before the first NEWKEYS: nothing is encrypted.
    Clear,
    Gcm(Box<Gcm>),
    ChaCha(Box<C>),
    EncryptThenMac(Box<dyn Blocks>, Box<Authenticator>),
    EncryptAndMac(Box<dyn Blocks>, Box<Authenticator>),
}

/// Makes what encrypts or decrypts blocks.
type MakeBlocks = fn(Cipher, &[u8], &[u8]) -> Result<Box<dyn Blocks>, BadKey>;

impl<C> Mode<C> {
    /// With the keys of an exchange: of the cipher, its IV, and of the MAC, which is there unless the cipher has its own.
    ///
    /// # Errors
    /// A key or the IV has a wrong length, or a MAC is missing.
    pub(super) fn new(
        cipher: Cipher,
        mac: Option<Mac>,
        [key, iv, mac_key]: [&[u8]; 3],
        chacha: fn(&[u8; 64]) -> C,
        blocks: MakeBlocks,
    ) -> Result<Self, BadKey> {
        Ok(match (cipher, mac) {
            (Cipher::Aes128Gcm | Cipher::Aes256Gcm, _) => {
                Self::Gcm(Box::new(Gcm::new(cipher, key, iv)?))
            }
            (Cipher::ChaCha20Poly1305, _) => {
                Self::ChaCha(Box::new(chacha(key.try_into().map_err(|_| BadKey)?)))
            }
            (_, Some(mac)) => {
                let blocks = blocks(cipher, key, iv)?;
                let authenticator = Box::new(Authenticator::new(mac, mac_key)?);
                match mac.is_etm() {
                    true => Self::EncryptThenMac(blocks, authenticator),
                    false => Self::EncryptAndMac(blocks, authenticator),
                }
            }
            (_, None) => return Err(BadKey),
        })
    }
}
