//! The head of a file: which lines were in it when the head was written.

use std::{fmt, io::Write};

use serde::Deserialize;

use crate::{
    Digest, Key, Link,
    line::{Sealed, seal},
};

/// The anchor of a file's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the file's first line, whether it is written yet or not.
    pub first: u64,
    /// The last line; the one before the first where there is none yet.
    pub last: Link,
}

/// Why a head is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadHead {
    /// It is not written as a head is.
    Malformed,
    /// Its hash or HMAC is not that of what it says.
    Changed,
    /// It has no HMAC, though the lines have.
    WithoutKey,
}

impl fmt::Display for BadHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is not written as a head is",
            Self::Changed => "its hash or HMAC is not that of what it says",
            Self::WithoutKey => "it has no HMAC",
        })
    }
}

#[derive(Deserialize)]
struct Members {
    first: u64,
    last: u64,
    digest: String,
}

impl Head {
    /// It was written before any line of the file.
    pub fn is_of_empty_file(&self) -> bool {
        self.last.number.saturating_add(1) == self.first
    }

    /// The bytes of its file, sealed with `key`, or by their hash alone.
    pub fn to_bytes(&self, key: Option<&Key>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        // Writing to a Vec does not fail.
        let _ = write!(
            bytes,
            "{{\"first\":{},\"last\":{},\"digest\":\"{}\"",
            self.first, self.last.number, self.last.digest
        );
        seal(&mut bytes, 0, key);
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Head::to_bytes`] made with one of `keys` or with none, and says whether it has an HMAC. Where there are
    /// no keys, an HMAC is not compared.
    ///
    /// # Errors
    /// Why it is no head.
    pub fn parse(bytes: &[u8], keys: &[Key]) -> Result<(Self, bool), BadHead> {
        let object = bytes.strip_suffix(b"\n").ok_or(BadHead::Malformed)?;
        let sealed = Sealed::split(object).ok_or(BadHead::Malformed)?;
        let is_good = match (sealed.has_key(), keys) {
            (false, _) => sealed.fits(None),
            (true, []) => true,
            (true, keys) => keys.iter().any(|key| sealed.fits(Some(key))),
        };
        if !is_good {
            return Err(BadHead::Changed);
        }
        let members: Members = serde_json::from_slice(object).map_err(|_| BadHead::Malformed)?;
        let digest = Digest::parse(members.digest.as_bytes()).ok_or(BadHead::Malformed)?;
        let head = Self {
            first: members.first,
            last: Link {
                number: members.last,
                digest,
            },
        };
        Ok((head, sealed.has_key()))
    }
}
