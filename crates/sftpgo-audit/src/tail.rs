//! The end of a file, where a chain goes on.

use crate::{
    Key, Link,
    line::{Line, Sealed},
};

/// What a file ends with.
#[derive(Debug, PartialEq, Eq)]
pub struct Tail<'a> {
    /// The last line of the chain.
    pub last: Link,
    /// What stands behind it: nothing, or what a crash tore or another hand put there.
    pub rest: &'a [u8],
    sealed: Sealed<'a>,
}

impl<'a> Tail<'a> {
    /// Finds the last line of the chain in the last bytes of a file. None where none of them is one; what they begin with
    /// may be a part of a line. An HMAC is not compared, as the key may have been another one.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut end = bytes.len();
        loop {
            end = bytes.get(..end)?.iter().rposition(|byte| *byte == b'\n')?;
            let before = bytes.get(..end)?;
            let start = before
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |newline| newline + 1);
            let line = Line::parse(before.get(start..)?);
            if let Some(line) = line.filter(is_good) {
                return Some(Self {
                    last: line.link,
                    rest: bytes.get(end + 1..)?,
                    sealed: line.sealed,
                });
            }
        }
    }

    /// Was the last line sealed with this key?
    pub fn is_sealed_with(&self, key: &Key) -> bool {
        self.sealed.fits(Some(key))
    }
}

impl Link {
    /// The line behind this one, where these are all of its bytes but the line end. An HMAC is not compared.
    pub fn whole_next(&self, bytes: &[u8]) -> Option<Self> {
        let line = Line::parse(bytes).filter(is_good)?;
        let follows =
            line.prev == self.digest && Some(line.link.number) == self.number.checked_add(1);
        follows.then_some(line.link)
    }
}

fn is_good(line: &Line<'_>) -> bool {
    line.sealed.has_key() || line.sealed.fits(None)
}
