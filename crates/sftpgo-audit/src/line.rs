//! A line of the chain: how it is made, and how it is read.

use std::{borrow::Cow, io::Write};

use serde::Deserialize;

use crate::{
    Digest, Key, Record,
    record::{CUT, HEADLESS, LOST, TORN},
};

const HASH: &[u8] = b",\"hash\":\"";
const HMAC: &[u8] = b",\"hmac\":\"";
const PREV: &[u8] = b",\"prev\":\"";
const END: &[u8] = b"\"}";
const HEX: usize = 64;

/// A line, by what the next one needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its number, from 1.
    pub number: u64,
    /// The SHA-256 of the line.
    pub digest: Digest,
}

impl Link {
    /// What the first line of a log follows.
    pub fn start() -> Self {
        Self {
            number: 0,
            digest: Digest::of(b""),
        }
    }
}

/// The end of a chain, where lines are added.
#[derive(Clone)]
pub struct Chain {
    last: Link,
    key: Option<Key>,
}

impl Chain {
    /// Goes on behind `last`; lines are sealed with `key`, or by their hash alone.
    pub fn after(last: Link, key: Option<Key>) -> Self {
        Self { last, key }
    }

    /// The last line.
    pub fn last(&self) -> Link {
        self.last
    }

    /// Its key.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Adds the line of `record` to `out`, with its line end.
    pub fn append(&mut self, record: &Record, out: &mut Vec<u8>) {
        let start = out.len();
        let number = self.last.number.saturating_add(1);
        // Writing to a Vec does not fail.
        let _ = write!(out, "{{\"seq\":{number}");
        out.extend_from_slice(record.members());
        let _ = write!(out, ",\"prev\":\"{}\"", self.last.digest);
        seal(out, start, self.key.as_ref());
        let line = out.get(start..).unwrap_or_default();
        self.last = Link {
            number,
            digest: Digest::of(line),
        };
        out.push(b'\n');
    }
}

/// Ends the object that begins at `start` with what proves it.
pub(crate) fn seal(out: &mut Vec<u8>, start: usize, key: Option<&Key>) {
    let body = out.get(start..).unwrap_or_default();
    let (name, digest) = match key {
        None => (HASH, Digest::of(body)),
        Some(key) => (HMAC, Digest::with_key(key, body)),
    };
    out.extend_from_slice(name);
    let _ = write!(out, "{digest}");
    out.extend_from_slice(END);
}

/// What an object that was sealed ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seal {
    Hash(Digest),
    Hmac(Digest),
}

/// An object and its seal, not compared yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    /// What the seal is of.
    pub(crate) body: &'a [u8],
    pub(crate) seal: Seal,
}

impl<'a> Sealed<'a> {
    pub(crate) fn split(object: &'a [u8]) -> Option<Self> {
        let rest = object.strip_suffix(END)?;
        let (rest, digest) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
        let digest = Digest::parse(digest)?;
        if let Some(body) = rest.strip_suffix(HASH) {
            return Some(Self {
                body,
                seal: Seal::Hash(digest),
            });
        }
        let body = rest.strip_suffix(HMAC)?;
        Some(Self {
            body,
            seal: Seal::Hmac(digest),
        })
    }

    /// Is the body what was sealed with `key`, or with none?
    pub(crate) fn fits(&self, key: Option<&Key>) -> bool {
        match (self.seal, key) {
            (Seal::Hash(digest), None) => digest == Digest::of(self.body),
            (Seal::Hmac(digest), Some(key)) => digest == Digest::with_key(key, self.body),
            _ => false,
        }
    }

    pub(crate) fn has_key(&self) -> bool {
        matches!(self.seal, Seal::Hmac(_))
    }
}

/// A line as it is read; its seal is not compared yet.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) link: Link,
    pub(crate) prev: Digest,
    pub(crate) sealed: Sealed<'a>,
    pub(crate) tells: Tells,
}

/// What a line says of the log itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    Nothing,
    /// So many bytes before it were torn.
    Torn {
        bytes: u64,
        digest: Digest,
    },
    /// The log ended with one line and should have ended with another.
    Cut {
        found: u64,
        expected: u64,
    },
    /// There was no head that could be used.
    Headless,
    /// So many lines were lost.
    Lost {
        lines: u64,
    },
}

#[derive(Deserialize)]
struct Members<'a> {
    seq: u64,
    #[serde(borrow)]
    event: Cow<'a, str>,
    torn_bytes: Option<u64>,
    #[serde(borrow)]
    torn_sha256: Option<Cow<'a, str>>,
    found: Option<u64>,
    expected: Option<u64>,
    lost_lines: Option<u64>,
}

impl Members<'_> {
    /// None where a line says less than its event needs.
    fn tells(&self) -> Option<Tells> {
        Some(match &*self.event {
            TORN => Tells::Torn {
                bytes: self.torn_bytes?,
                digest: Digest::parse(self.torn_sha256.as_ref()?.as_bytes())?,
            },
            CUT => Tells::Cut {
                found: self.found?,
                expected: self.expected?,
            },
            HEADLESS => Tells::Headless,
            LOST => Tells::Lost {
                lines: self.lost_lines?,
            },
            _ => Tells::Nothing,
        })
    }
}

impl<'a> Line<'a> {
    /// None where it is no line of an audit log.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let sealed = Sealed::split(line)?;
        let rest = sealed.body.strip_suffix(b"\"")?;
        let (rest, prev) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
        rest.strip_suffix(PREV)?;
        let members: Members<'a> = serde_json::from_slice(line).ok()?;
        Some(Self {
            link: Link {
                number: members.seq,
                digest: Digest::of(line),
            },
            prev: Digest::parse(prev)?,
            sealed,
            tells: members.tells()?,
        })
    }
}

/// The number of a line of an audit log; none where it is no such line.
pub fn first_number(line: &[u8]) -> Option<u64> {
    Some(Line::parse(line)?.link.number)
}
