//! AES by whole blocks, in counter mode (RFC 4344 section 4) and in CBC mode. The state goes on from packet to packet.

use aes::{
    Aes128, Aes192, Aes256, Block,
    cipher::{
        BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, StreamCipherCore, common::array::Array,
    },
};
use ctr::{CtrCore, flavors::Ctr128BE};

use super::{BadKey, Cipher};

/// One direction of a cipher without a MAC of its own.
pub(super) trait Blocks: Send + Sync {
    /// Encrypts or decrypts whole blocks in place.
    fn apply(&mut self, blocks: &mut [Block]);
}

struct Counter<C: aes::cipher::BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>>(
    CtrCore<C, Ctr128BE>,
);

struct Encrypting<M>(M);

struct Decrypting<M>(M);

impl<C> Blocks for Counter<C>
where
    C: aes::cipher::BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16> + Send + Sync,
{
    fn apply(&mut self, blocks: &mut [Block]) {
        self.0.apply_keystream_blocks(blocks);
    }
}

impl<M: BlockModeEncrypt<BlockSize = aes::cipher::consts::U16> + Send + Sync> Blocks
    for Encrypting<M>
{
    fn apply(&mut self, blocks: &mut [Block]) {
        self.0.encrypt_blocks(blocks);
    }
}

impl<M: BlockModeDecrypt<BlockSize = aes::cipher::consts::U16> + Send + Sync> Blocks
    for Decrypting<M>
{
    fn apply(&mut self, blocks: &mut [Block]) {
        self.0.decrypt_blocks(blocks);
    }
}

fn keyed<M: KeyIvInit>(key: &[u8], iv: &[u8]) -> Result<M, BadKey> {
    M::new_from_slices(key, iv).map_err(|_| BadKey)
}

fn counter(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Box<dyn Blocks>, BadKey> {
    Ok(match cipher {
        Cipher::Aes128Ctr => Box::new(Counter::<Aes128>(keyed(key, iv)?)),
        Cipher::Aes192Ctr => Box::new(Counter::<Aes192>(keyed(key, iv)?)),
        Cipher::Aes256Ctr => Box::new(Counter::<Aes256>(keyed(key, iv)?)),
        _ => return Err(BadKey),
    })
}

/// Encrypts what is sent.
pub(super) fn encrypting(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Box<dyn Blocks>, BadKey> {
    Ok(match cipher {
        Cipher::Aes128Cbc => Box::new(Encrypting(keyed::<cbc::Encryptor<Aes128>>(key, iv)?)),
        Cipher::Aes192Cbc => Box::new(Encrypting(keyed::<cbc::Encryptor<Aes192>>(key, iv)?)),
        Cipher::Aes256Cbc => Box::new(Encrypting(keyed::<cbc::Encryptor<Aes256>>(key, iv)?)),
        _ => counter(cipher, key, iv)?,
    })
}

/// Decrypts what came.
pub(super) fn decrypting(cipher: Cipher, key: &[u8], iv: &[u8]) -> Result<Box<dyn Blocks>, BadKey> {
    Ok(match cipher {
        Cipher::Aes128Cbc => Box::new(Decrypting(keyed::<cbc::Decryptor<Aes128>>(key, iv)?)),
        Cipher::Aes192Cbc => Box::new(Decrypting(keyed::<cbc::Decryptor<Aes192>>(key, iv)?)),
        Cipher::Aes256Cbc => Box::new(Decrypting(keyed::<cbc::Decryptor<Aes256>>(key, iv)?)),
        _ => counter(cipher, key, iv)?,
    })
}

/// Applies a cipher to bytes that are whole blocks; those behind the last whole one stay as they are.
pub(super) fn apply(cipher: &mut dyn Blocks, bytes: &mut [u8]) {
    let (blocks, _) = Array::slice_as_chunks_mut(bytes);
    cipher.apply(blocks);
}
