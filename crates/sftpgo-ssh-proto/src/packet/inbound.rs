//! From the client: the bytes of one packet, decrypted where they lie.

use super::{HEAD, LENGTH, LONGEST, LONGEST_BEFORE_LOGIN, MOST_PACKETS, Usage};
use crate::{cipher::Opener, compress::Inflater};

/// A packet that was forged, broken, or is of no length that may be. Which of these is told nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPacket;

pub(crate) struct Inbound {
    opener: Opener,
    is_cbc: bool,
    /// Of the next packet.
    sequence: u32,
    /// The length of the packet that has begun, once it is known.
    length: Option<u32>,
    longest: u32,
    usage: Usage,
    inflater: Option<Inflater>,
    inflated: Vec<u8>,
    /// A packet was bad; so many bytes are read before that is shown (CVE-2008-5161).
    hiding: Option<usize>,
}

/// A packet that was opened.
pub(crate) struct Opened<'a> {
    /// Bytes of the input that it took.
    pub(crate) consumed: usize,
    pub(crate) payload: &'a [u8],
    pub(crate) sequence: u32,
}

impl Inbound {
    pub(crate) fn clear() -> Self {
        Self {
            opener: Opener::clear(),
            is_cbc: false,
            sequence: 0,
            length: None,
            longest: LONGEST_BEFORE_LOGIN,
            usage: Usage::default(),
            inflater: None,
            inflated: Vec::new(),
            hiding: None,
        }
    }

    /// From here on packets come under new keys.
    pub(crate) fn change(&mut self, keys: NewInbound) {
        self.opener = keys.opener;
        self.is_cbc = keys.is_cbc;
        self.inflater = keys.inflater;
        self.usage = Usage::default();
        if keys.resets_sequence {
            self.sequence = 0;
        }
    }

    /// The client is logged in: it may send long packets, and those may be compressed.
    pub(crate) fn log_in(&mut self, inflater: Option<Inflater>) {
        self.longest = LONGEST;
        self.inflater = inflater;
    }

    /// Are new keys due?
    pub(crate) fn is_due(&self, most: Option<u64>) -> bool {
        self.usage.is_due(16, self.is_cbc, most)
    }

    /// Bytes that the packet which has begun takes, as far as that is known.
    pub(crate) fn wanted(&self) -> usize {
        match self.length {
            Some(length) => self.whole(length),
            None => self.opener.head_len(),
        }
    }

    fn whole(&self, length: u32) -> usize {
        usize::try_from(length)
            .unwrap_or(usize::MAX)
            .saturating_add(LENGTH + self.opener.tag_len())
    }

    /// Opens the packet that the input begins with; none if it is not whole yet.
    pub(crate) fn open<'a>(
        &'a mut self,
        input: &'a mut [u8],
    ) -> Result<Option<Opened<'a>>, BadPacket> {
        let opened = match self.open_in_place(input) {
            Ok(None) => return Ok(None),
            Ok(Some(opened)) => opened,
            Err(BadPacket) if self.opener.hides_failures() => {
                self.hiding = Some(usize::try_from(LONGEST).unwrap_or(usize::MAX));
                return Ok(None);
            }
            Err(BadPacket) => return Err(BadPacket),
        };
        let (consumed, start, end) = opened;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let payload = input.get(start..end).ok_or(BadPacket)?;
        let payload = match &mut self.inflater {
            None => payload,
            Some(inflater) => {
                self.inflated.clear();
                let most = usize::try_from(LONGEST).unwrap_or(usize::MAX);
                inflater
                    .inflate(payload, &mut self.inflated, most)
                    .map_err(|_| BadPacket)?;
                self.inflated.as_slice()
            }
        };
        Ok(Some(Opened {
            consumed,
            payload,
            sequence,
        }))
    }

    /// The packet's end, and where its payload lies.
    fn open_in_place(
        &mut self,
        input: &mut [u8],
    ) -> Result<Option<(usize, usize, usize)>, BadPacket> {
        let length = match self.length {
            Some(length) => length,
            None => {
                let Some(head) = input.get_mut(..self.opener.head_len()) else {
                    return Ok(None);
                };
                let length = self.opener.length(self.sequence, head);
                let is_possible = (5..=self.longest).contains(&length);
                if !is_possible || !self.opener.is_aligned(length) {
                    return Err(BadPacket);
                }
                *self.length.insert(length)
            }
        };
        let Some(packet) = input.get_mut(..self.whole(length)) else {
            return Ok(None);
        };
        if self.usage.packets >= MOST_PACKETS {
            return Err(BadPacket);
        }
        self.opener
            .open(self.sequence, packet)
            .map_err(|_| BadPacket)?;
        self.length = None;
        self.usage.add(packet.len());
        let end = packet.len() - self.opener.tag_len();
        let padding = usize::from(*packet.get(LENGTH).ok_or(BadPacket)?);
        match end.checked_sub(padding) {
            Some(end) if padding >= 4 && end > HEAD => Ok(Some((packet.len(), HEAD, end))),
            _ => Err(BadPacket),
        }
    }

    /// Is the input of a bad packet read on, so that where it was bad does not show?
    pub(crate) fn is_hiding(&self) -> bool {
        self.hiding.is_some()
    }

    /// Takes what came after a bad packet.
    ///
    /// # Errors
    /// It was enough.
    pub(crate) fn hide(&mut self, count: usize) -> Result<(), BadPacket> {
        let left = self.hiding.unwrap_or(0);
        match left.checked_sub(count) {
            Some(left) if left > 0 => {
                self.hiding = Some(left);
                Ok(())
            }
            _ => Err(BadPacket),
        }
    }

    /// Gives back what only a busy connection needs.
    pub(crate) fn shrink(&mut self) {
        self.inflated = Vec::new();
    }
}

/// What the client's next NEWKEYS puts in use.
pub(crate) struct NewInbound {
    pub(crate) opener: Opener,
    pub(crate) is_cbc: bool,
    pub(crate) inflater: Option<Inflater>,
    /// Strict key exchange counts packets anew.
    pub(crate) resets_sequence: bool,
    /// Of the connection's first exchange.
    pub(crate) is_first: bool,
}
