//! SHA-256, plain and with a key.

use std::fmt::{self, Write};

use ring::{digest, hmac};

/// Bytes of a key at the least: as many as the HMAC has (RFC 2104, section 3).
const SHORTEST_KEY: usize = 32;

/// A SHA-256, or an HMAC with it. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_ring(digest::digest(&digest::SHA256, bytes).as_ref())
    }

    /// Of these bytes and a key.
    pub(crate) fn with_key(key: &Key, bytes: &[u8]) -> Self {
        Self::from_ring(hmac::sign(&key.0, bytes).as_ref())
    }

    /// What is shown as this text, which has no capitals.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (pairs, []) = text.as_chunks::<2>() else {
            return None;
        };
        let pairs: &[_; 32] = pairs.try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// Both algorithms of this crate make 32 bytes.
    fn from_ring(made: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (byte, made) in bytes.iter_mut().zip(made) {
            *byte = *made;
        }
        Self(bytes)
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        let nibbles = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for nibble in nibbles {
            // A nibble is below 16.
            let digit = DIGITS.get(usize::from(nibble)).copied();
            f.write_char(digit.unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What lines are sealed with, so that nobody without it can make one.
// No Debug: it is a secret.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    /// The key of these bytes; none where they are fewer than 32.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= SHORTEST_KEY).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }
}
