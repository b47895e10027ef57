//! From the client: the bytes of one packet, decrypted where they lie.

use super::{HEAD, LENGTH, LONGEST, LONGEST_BEFORE_LOGIN, Usage};
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
    /// A packet was bad, and more is read before that is shown.
    hiding: Option<Hiding>,
}

/// What is left to do before the end of a connection shows, so that it comes after as many bytes and as much time whether
/// the length of a packet was bad or its MAC (CVE-2008-5161).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hiding {
    to_read: usize,
    to_hash: usize,
}

impl Hiding {
    /// After `hashed` bytes were authenticated.
    fn new(hashed: usize) -> Self {
        let most = usize::try_from(LONGEST).unwrap_or(usize::MAX);
        Self {
            to_read: most,
            to_hash: most.saturating_sub(hashed),
        }
    }
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
        self.usage.is_due(self.is_cbc, most)
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
                let hashed = self.length.map_or(0, |length| {
                    self.whole(length).saturating_sub(self.opener.tag_len())
                });
                self.hiding = Some(Hiding::new(hashed));
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
        let hiding = self.hiding.as_mut().ok_or(BadPacket)?;
        hiding.to_read = hiding.to_read.saturating_sub(count);
        match hiding.to_read {
            0 => {
                self.opener.hash_on(hiding.to_hash);
                Err(BadPacket)
            }
            _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{Cipher, Mac};

    fn inbound(cipher: Cipher) -> Inbound {
        let (key, iv) = (vec![0; cipher.key_len()], vec![0; cipher.iv_len()]);
        let mac = Mac::Sha256;
        let mut inbound = Inbound::clear();
        inbound.change(NewInbound {
            opener: Opener::new(cipher, Some(mac), &key, &iv, &[0; 32]).unwrap(),
            is_cbc: cipher.is_cbc(),
            inflater: None,
            resets_sequence: false,
            is_first: false,
        });
        inbound
    }

    /// A packet of 32 bytes whose MAC is wrong.
    fn forged(cipher: Cipher) -> Vec<u8> {
        let (key, iv) = (vec![0; cipher.key_len()], vec![0; cipher.iv_len()]);
        let mut sealer =
            crate::cipher::Sealer::new(cipher, Some(Mac::Sha256), &key, &iv, &[1; 32]).unwrap();
        let mut packet = vec![0, 0, 0, 28, 4];
        packet.resize(32 + 32, 7);
        sealer.seal(0, &mut packet).unwrap();
        packet
    }

    #[test]
    fn with_cbc_all_failures_show_after_the_same_bytes_and_the_same_hashing() {
        let most = 256 * 1024;
        for (mut input, hashed) in [(vec![0x5a; 64], 0), (forged(Cipher::Aes128Cbc), 32)] {
            let mut inbound = inbound(Cipher::Aes128Cbc);
            assert!(matches!(inbound.open(&mut input), Ok(None)));
            let expected = Hiding {
                to_read: most,
                to_hash: most - hashed,
            };
            assert_eq!(inbound.hiding, Some(expected));
            assert_eq!(inbound.hide(input.len()), Ok(()));
            assert_eq!(inbound.hide(most - input.len() - 1), Ok(()));
            assert_eq!(inbound.hide(0), Ok(()));
            assert_eq!(inbound.hide(1), Err(BadPacket));
        }
    }

    #[test]
    fn with_ctr_a_failure_shows_at_once() {
        for mut input in [vec![0x5a; 64], forged(Cipher::Aes128Ctr)] {
            let mut inbound = inbound(Cipher::Aes128Ctr);
            assert!(inbound.open(&mut input).is_err());
            assert!(!inbound.is_hiding());
        }
    }
}
