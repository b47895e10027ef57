//! Encryption and authentication of packets, one direction at a time.
//!
//! An [`Opener`] and a [`Sealer`] work in the buffer that the packet lies in; nothing is allocated for a packet.

mod aead;
mod blocks;
mod mac;
mod mode;
mod names;
mod opener;
mod sealer;

pub use self::names::{Cipher, Mac};
pub(crate) use self::{opener::Opener, sealer::Sealer};

/// The length field of a packet.
const LENGTH_LEN: usize = 4;

/// The block of a direction without a cipher (RFC 4253 section 6).
const CLEAR_BLOCK_LEN: usize = 8;

/// Packets that one key is used for at most: sequence numbers, which nonces are made of, come again after these (RFC 4344
/// section 3.1).
const MAX_PACKETS: u64 = 1 << 32;

/// The key, the IV or the MAC's key has a length that the algorithm does not have, or a MAC is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadKey;

/// A packet that the peer did not seal, or not so. Why it was refused is not said: the difference would help a forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// A packet could not be made, and the connection cannot go on: it is not whole blocks with room for a tag, the key has been used
/// as often as it may be, or there is nothing to pad it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealFailed;

/// What of a packet is encrypted, and what has to be whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// What the packet is a multiple of.
    block_len: usize,
    /// The length field is encrypted with the rest, and counts among the whole blocks.
    with_length: bool,
    tag_len: usize,
}

impl Shape {
    const CLEAR: Self = Self {
        block_len: CLEAR_BLOCK_LEN,
        with_length: true,
        tag_len: 0,
    };

    fn new(cipher: Cipher, mac: Option<Mac>) -> Self {
        Self {
            block_len: cipher.block_len(),
            with_length: !cipher.has_own_mac() && !mac.is_some_and(Mac::is_etm),
            tag_len: mac.map_or(aead::TAG_LEN, Mac::tag_len),
        }
    }

    /// Of a packet, the bytes in front of what has to be whole blocks.
    fn outside(self) -> usize {
        if self.with_length { 0 } else { LENGTH_LEN }
    }

    fn is_aligned(self, length: u32) -> bool {
        usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_add(LENGTH_LEN - self.outside()))
            .is_some_and(|count| count.is_multiple_of(self.block_len))
    }

    /// Cuts a packet into what is encrypted or authenticated, with the length field, and the tag. There is at least one block.
    fn split(self, packet: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
        let end = packet.len().checked_sub(self.tag_len)?;
        let count = end.checked_sub(self.outside())?;
        if count < self.block_len || !count.is_multiple_of(self.block_len) {
            return None;
        }
        packet.split_at_mut_checked(end)
    }

    /// At least 4 bytes that make the packet whole blocks, and 16 bytes in all (RFC 4253 section 6).
    fn padding_len(self, payload_len: usize) -> u8 {
        const LEAST: usize = 4;
        const LEAST_PACKET: usize = 16;
        let head = LENGTH_LEN + 1;
        let least = LEAST_PACKET
            .saturating_sub(payload_len.saturating_add(head))
            .max(LEAST);
        let counted = (payload_len % self.block_len) + head - self.outside() + least;
        let padding = least + (counted.next_multiple_of(self.block_len) - counted);
        u8::try_from(padding).unwrap_or(u8::MAX)
    }
}

/// How many packets a key was used for.
#[derive(Debug, Default)]
struct Uses(u64);

impl Uses {
    /// Counts one more packet. `None`: the key is used up.
    fn one_more(&mut self) -> Option<()> {
        self.0 = self.0.checked_add(1).filter(|uses| *uses <= MAX_PACKETS)?;
        Some(())
    }
}

#[cfg(test)]
mod tests;
