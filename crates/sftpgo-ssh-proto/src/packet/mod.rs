//! The binary packet protocol (RFC 4253 section 6): one direction each.

mod inbound;
mod outbound;

pub(crate) use self::{
    inbound::{BadPacket, Inbound, NewInbound},
    outbound::Outbound,
};

/// Field of the length of a packet.
const LENGTH: usize = 4;
/// That and the field of the padding's length.
const HEAD: usize = LENGTH + 1;
/// The longest packet while nobody is logged in: what every implementation has to take (RFC 4253 section 6.1).
pub(crate) const LONGEST_BEFORE_LOGIN: u32 = 35_000;
/// The longest packet afterwards, and the longest payload that is inflated; OpenSSH has the same.
pub(crate) const LONGEST: u32 = 256 * 1024;
/// New keys are due after this many packets of one direction (RFC 4344 section 3.1).
const PACKETS: u64 = 1 << 31;
/// New keys are due after this many bytes: 2^32 blocks of 128 bits (RFC 4344 section 3.2).
const BYTES: u64 = 16 << 32;
/// CBC shows more of what it hides with each block.
const CBC_BYTES: u64 = 1 << 30;

/// How much has passed under the keys of one direction.
#[derive(Debug, Default, Clone, Copy)]
struct Usage {
    packets: u64,
    bytes: u64,
}

impl Usage {
    fn add(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Are new keys due? `most` is what the operator allows besides, in bytes.
    fn is_due(&self, is_cbc: bool, most: Option<u64>) -> bool {
        self.packets >= PACKETS
            || self.bytes >= BYTES
            || (is_cbc && self.bytes >= CBC_BYTES)
            || most.is_some_and(|most| self.bytes >= most)
    }
}
