//! What happened, before it has a place in the chain.

use serde::Serialize;

use crate::{Digest, escape_unseen};

/// The event of a line that tells of a torn one before it.
pub(crate) const TORN: &str = "audit_torn";
/// The event of a line that tells that lines before it were cut off.
pub(crate) const CUT: &str = "audit_cut";
/// The event of a line that tells that the head was missing or broken.
pub(crate) const HEADLESS: &str = "audit_headless";
/// The event of a line that tells that there was no room for some.
pub(crate) const LOST: &str = "audit_lost";

/// Something that happened: a time, a kind, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Members of an object in JSON, each behind the comma before it.
    members: Vec<u8>,
}

impl Record {
    /// An event of this kind at this time, which is RFC 3339 in UTC.
    pub fn new(time: &str, event: &str) -> Self {
        let mut record = Self {
            members: Vec::with_capacity(512),
        };
        record.put("time", time);
        record.put("event", event);
        record
    }

    /// With this field too. Its name is a word that the line has not yet: not `seq`, `time`, `event`, `prev`, `hash` or
    /// `hmac`. What cannot be written as JSON is `null`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.put(name, value);
        self
    }

    /// Tells that the bytes before this line were torn by a crash.
    pub fn of_torn(time: &str, torn: &[u8]) -> Self {
        Self::new(time, TORN)
            .with("torn_bytes", torn.len())
            .with("torn_sha256", Digest::of(torn).to_string())
    }

    /// Tells that the log ended with the line `found`, though `expected` had been written: another hand has cut it.
    pub fn of_cut(time: &str, found: u64, expected: u64) -> Self {
        Self::new(time, CUT)
            .with("found", found)
            .with("expected", expected)
    }

    /// Tells that the file had lines and no head that could be used: what was cut off before this line does not show.
    pub fn of_headless(time: &str) -> Self {
        Self::new(time, HEADLESS)
    }

    /// Tells that so many records since a time are not in the log, because they could not be written.
    pub fn of_lost(time: &str, lines: u64, since: &str) -> Self {
        Self::new(time, LOST)
            .with("lost_lines", lines)
            .with("since", since)
    }

    /// Bytes that it takes up, without its place in the chain.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn members(&self) -> &[u8] {
        &self.members
    }

    fn put(&mut self, name: &str, value: impl Serialize) {
        for part in [",\"", name, "\":"] {
            self.members.extend_from_slice(part.as_bytes());
        }
        let start = self.members.len();
        if serde_json::to_writer(&mut self.members, &value).is_err() {
            self.members.truncate(start);
            self.members.extend_from_slice(b"null");
        }
        let written = self.members.get(start..).unwrap_or_default();
        if written.iter().any(|byte| *byte >= 0x7f) {
            let escaped = escape_unseen(&String::from_utf8_lossy(written));
            self.members.truncate(start);
            self.members.extend_from_slice(escaped.as_bytes());
        }
    }
}
