//! To the client: packets, written and sealed in one buffer.

use super::{HEAD, LENGTH, Usage};
use crate::{
    Random,
    cipher::{SealFailed, Sealer},
    compress::Deflater,
};

/// Random bytes for padding that are taken from the source at once.
const POOL: usize = 240;
/// An empty buffer that is larger than this is given back.
const KEEP: usize = 4096;

pub(crate) struct Outbound {
    sealer: Sealer,
    is_cbc: bool,
    sequence: u32,
    usage: Usage,
    buffer: Vec<u8>,
    sent: usize,
    deflater: Option<Deflater>,
    /// A payload before it is compressed.
    plain: Vec<u8>,
    random: Box<dyn Random>,
    pool: [u8; POOL],
    /// Bytes of the pool that were not used.
    fresh: usize,
}

impl Outbound {
    pub(crate) fn clear(random: Box<dyn Random>) -> Self {
        Self {
            sealer: Sealer::clear(),
            is_cbc: false,
            sequence: 0,
            usage: Usage::default(),
            buffer: Vec::new(),
            sent: 0,
            deflater: None,
            plain: Vec::new(),
            random,
            pool: [0; POOL],
            fresh: 0,
        }
    }

    pub(crate) fn random(&mut self) -> &mut dyn Random {
        &mut *self.random
    }

    /// From here on packets go under new keys.
    pub(crate) fn change(&mut self, sealer: Sealer, is_cbc: bool, deflater: Option<Deflater>) {
        self.sealer = sealer;
        self.is_cbc = is_cbc;
        self.deflater = deflater;
        self.usage = Usage::default();
    }

    /// Strict key exchange counts packets anew.
    pub(crate) fn reset_sequence(&mut self) {
        self.sequence = 0;
    }

    /// From here on payloads are compressed.
    pub(crate) fn compress(&mut self, deflater: Option<Deflater>) {
        self.deflater = deflater;
    }

    /// Are new keys due?
    pub(crate) fn is_due(&self, most: Option<u64>) -> bool {
        self.usage.is_due(self.is_cbc, most)
    }

    /// Bytes that are no packet: the identification line.
    pub(crate) fn plain(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// What was not sent yet.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.sent..).unwrap_or_default()
    }

    pub(crate) fn waiting_len(&self) -> usize {
        self.buffer.len().saturating_sub(self.sent)
    }

    pub(crate) fn sent(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count);
        if self.sent >= self.buffer.len() {
            self.sent = 0;
            self.buffer.clear();
        }
    }

    /// Adds a packet whose payload `write` puts at the end of the buffer; it is at most `hint` bytes, mostly.
    pub(crate) fn packet(
        &mut self,
        hint: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), SealFailed> {
        self.make_room(hint.saturating_add(HEAD + 256));
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; HEAD]);
        let payload = self.buffer.len();
        match &mut self.deflater {
            None => write(&mut self.buffer),
            Some(deflater) => {
                self.plain.clear();
                write(&mut self.plain);
                deflater
                    .compress(&self.plain, &mut self.buffer)
                    .map_err(|_| SealFailed)?;
            }
        }
        let padding = self.sealer.padding_len(self.buffer.len() - payload);
        self.pad(usize::from(padding))?;
        let length = self.buffer.len() - start - LENGTH;
        let tag = self.buffer.len() + self.sealer.tag_len();
        self.buffer.resize(tag, 0);
        let packet = self.buffer.get_mut(start..).ok_or(SealFailed)?;
        let (head, _) = packet.split_at_mut_checked(HEAD).ok_or(SealFailed)?;
        let length = u32::try_from(length).map_err(|_| SealFailed)?;
        let [a, b, c, d] = length.to_be_bytes();
        head.copy_from_slice(&[a, b, c, d, padding]);
        self.sealer.seal(self.sequence, packet)?;
        self.usage.add(packet.len());
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }

    /// What was sent makes room before the buffer grows.
    fn make_room(&mut self, more: usize) {
        let is_full = self.buffer.len().saturating_add(more) > self.buffer.capacity();
        if self.sent > 0 && is_full {
            self.buffer.drain(..self.sent);
            self.sent = 0;
        }
        self.buffer.reserve(more);
    }

    fn pad(&mut self, count: usize) -> Result<(), SealFailed> {
        if self.fresh < count {
            self.random.fill(&mut self.pool).map_err(|_| SealFailed)?;
            self.fresh = POOL;
        }
        let start = self.fresh.checked_sub(count).ok_or(SealFailed)?;
        let bytes = self.pool.get(start..self.fresh).ok_or(SealFailed)?;
        self.buffer.extend_from_slice(bytes);
        self.fresh = start;
        Ok(())
    }

    /// Gives back what only a busy connection needs.
    pub(crate) fn shrink(&mut self) {
        self.plain = Vec::new();
        if self.waiting_len() == 0 && self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
            self.sent = 0;
        }
    }
}
