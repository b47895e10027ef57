//! Lists of what passes no more (OpenSSH PROTOCOL.krl): certificates by their authority and number or key id, and keys.

use std::{collections::HashSet, fmt, ops::RangeInclusive};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::{certificate::Certificate, public::PublicKey};
use crate::wire::{Malformed, Reader};

const MAGIC: &[u8] = b"SSHKRL\n\0";
const VERSION: u32 = 1;

/// Sections of a list.
mod section {
    pub(super) const CERTIFICATES: u8 = 1;
    pub(super) const KEYS: u8 = 2;
    pub(super) const SHA1: u8 = 3;
    pub(super) const SIGNATURE: u8 = 4;
    pub(super) const SHA256: u8 = 5;
    pub(super) const EXTENSION: u8 = 255;
}

/// Sections about the certificates of one authority.
mod certificates {
    pub(super) const SERIALS: u8 = 0x20;
    pub(super) const RANGE: u8 = 0x21;
    pub(super) const BITMAP: u8 = 0x22;
    pub(super) const KEY_IDS: u8 = 0x23;
    pub(super) const EXTENSION: u8 = 0x39;
}

/// Keys and certificates that were revoked.
#[derive(Debug, Clone, Default)]
pub struct RevocationList {
    certificates: Vec<OfAuthority>,
    /// Blobs of plain keys.
    keys: HashSet<Vec<u8>>,
    /// Hashes of such blobs.
    sha1: HashSet<Vec<u8>>,
    sha256: HashSet<Vec<u8>>,
}

/// What is revoked of the certificates that one authority signed.
#[derive(Debug, Clone, Default)]
struct OfAuthority {
    /// The blob of its key; empty for every authority.
    authority: Vec<u8>,
    /// In order, and none touches the next.
    serials: Vec<RangeInclusive<u64>>,
    bitmaps: Vec<Bitmap>,
    key_ids: HashSet<Vec<u8>>,
}

/// Serial numbers from `first` on, a bit for each, the lowest in the last byte.
#[derive(Debug, Clone)]
struct Bitmap {
    first: u64,
    bits: Vec<u8>,
}

/// Why bytes are no list that can be kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRevocationList {
    /// They do not begin as a list does.
    NotAList,
    /// They are no list of the format's version 1.
    Malformed,
    /// They hold what is not known here, so that what it revokes is not known either.
    Unsupported,
}

impl fmt::Display for BadRevocationList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotAList => "it is not a key revocation list of OpenSSH",
            Self::Malformed => "the key revocation list is damaged",
            Self::Unsupported => {
                "the key revocation list is signed or has critical extensions, which are not known here"
            }
        })
    }
}

impl std::error::Error for BadRevocationList {}

impl From<Malformed> for BadRevocationList {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl RevocationList {
    /// Do these bytes begin as a list does?
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads a list as `ssh-keygen -k` writes it.
    ///
    /// # Errors
    /// It cannot be kept to.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadRevocationList> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or(BadRevocationList::NotAList)?;
        let mut reader = Reader::new(rest);
        if reader.u32()? != VERSION {
            return Err(BadRevocationList::Malformed);
        }
        let _number = reader.u64()?;
        let _made = reader.u64()?;
        let _flags = reader.u64()?;
        let _reserved = reader.string()?;
        let _comment = reader.string()?;
        let mut list = Self::default();
        while !reader.rest().is_empty() {
            let kind = reader.u8()?;
            list.add(kind, reader.string()?)?;
        }
        Ok(list)
    }

    /// A list of keys by the SHA-256 hashes of their blobs.
    pub fn of_fingerprints(fingerprints: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self {
            sha256: fingerprints.into_iter().map(Vec::from).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, kind: u8, content: &[u8]) -> Result<(), BadRevocationList> {
        let mut reader = Reader::new(content);
        match kind {
            section::CERTIFICATES => self.certificates.push(OfAuthority::read(reader)?),
            section::KEYS => {
                while !reader.rest().is_empty() {
                    let blob = reader.string()?;
                    // Of a key that cannot be read no certificate and no login is either.
                    self.keys.insert(match PublicKey::parse(blob) {
                        Ok(key) => key.plain_blob().into_owned(),
                        Err(_) => blob.to_vec(),
                    });
                }
            }
            section::SHA1 => hashes(reader, 20, &mut self.sha1)?,
            section::SHA256 => hashes(reader, 32, &mut self.sha256)?,
            section::EXTENSION => extension(reader)?,
            section::SIGNATURE => return Err(BadRevocationList::Unsupported),
            _ => return Err(BadRevocationList::Malformed),
        }
        Ok(())
    }

    /// Is this key revoked, or the certificate that it comes in, or the authority that signed that?
    pub fn revokes(&self, key: &PublicKey<'_>) -> bool {
        if self.has_key(&key.plain_blob()) {
            return true;
        }
        key.certificate().is_some_and(|certificate| {
            self.has_key(certificate.authority())
                || self.certificates.iter().any(|of| of.revokes(certificate))
        })
    }

    fn has_key(&self, blob: &[u8]) -> bool {
        let has = |hashes: &HashSet<Vec<u8>>, algorithm| {
            !hashes.is_empty() && hashes.contains(digest(algorithm, blob).as_ref())
        };
        self.keys.contains(blob)
            || has(&self.sha256, &SHA256)
            || has(&self.sha1, &SHA1_FOR_LEGACY_USE_ONLY)
    }
}

impl OfAuthority {
    fn read(mut reader: Reader<'_>) -> Result<Self, BadRevocationList> {
        let mut found = Self {
            authority: reader.string()?.to_vec(),
            ..Self::default()
        };
        let _reserved = reader.string()?;
        while !reader.rest().is_empty() {
            let kind = reader.u8()?;
            found.add(kind, Reader::new(reader.string()?))?;
        }
        found.serials = merged(found.serials);
        Ok(found)
    }

    fn add(&mut self, kind: u8, mut reader: Reader<'_>) -> Result<(), BadRevocationList> {
        match kind {
            certificates::SERIALS => {
                while !reader.rest().is_empty() {
                    let serial = reader.u64()?;
                    self.serials.push(serial..=serial);
                }
            }
            certificates::RANGE => {
                self.serials.push(reader.u64()?..=reader.u64()?);
                reader.end()?;
            }
            certificates::BITMAP => {
                let first = reader.u64()?;
                let bits = reader.mpint()?.to_vec();
                reader.end()?;
                self.bitmaps.push(Bitmap { first, bits });
            }
            certificates::KEY_IDS => {
                while !reader.rest().is_empty() {
                    self.key_ids.insert(reader.string()?.to_vec());
                }
            }
            certificates::EXTENSION => extension(reader)?,
            _ => return Err(BadRevocationList::Malformed),
        }
        Ok(())
    }

    fn revokes(&self, certificate: &Certificate<'_>) -> bool {
        let is_of = self.authority.is_empty() || self.authority == certificate.authority();
        is_of
            && (self.key_ids.contains(certificate.key_id())
                || self.has_serial(certificate.serial()))
    }

    /// 0 is the number of certificates that were given none.
    fn has_serial(&self, serial: u64) -> bool {
        let before = self
            .serials
            .partition_point(|range| *range.start() <= serial);
        let range = before.checked_sub(1).and_then(|at| self.serials.get(at));
        serial != 0
            && (range.is_some_and(|range| range.contains(&serial))
                || self.bitmaps.iter().any(|bitmap| bitmap.has(serial)))
    }
}

impl Bitmap {
    fn has(&self, serial: u64) -> bool {
        let bit = |serial: u64| {
            let at = serial.checked_sub(self.first)?;
            let from_end = usize::try_from(at / 8).ok()?.checked_add(1)?;
            let byte = self.bits.get(self.bits.len().checked_sub(from_end)?)?;
            Some(byte >> (at % 8) & 1 == 1)
        };
        bit(serial).unwrap_or(false)
    }
}

fn hashes(
    mut reader: Reader<'_>,
    length: usize,
    into: &mut HashSet<Vec<u8>>,
) -> Result<(), BadRevocationList> {
    while !reader.rest().is_empty() {
        let hash = reader.string()?;
        if hash.len() != length {
            return Err(BadRevocationList::Malformed);
        }
        into.insert(hash.to_vec());
    }
    Ok(())
}

/// One that is not critical may be passed over.
fn extension(mut reader: Reader<'_>) -> Result<(), BadRevocationList> {
    let _name = reader.string()?;
    let is_critical = reader.bool()?;
    let _content = reader.string()?;
    reader.end()?;
    match is_critical {
        true => Err(BadRevocationList::Unsupported),
        false => Ok(()),
    }
}

/// The same numbers in order, in as few ranges as there can be.
fn merged(mut ranges: Vec<RangeInclusive<u64>>) -> Vec<RangeInclusive<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| *range.start());
    let mut merged: Vec<RangeInclusive<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => merged.push(range),
        }
    }
    merged
}
