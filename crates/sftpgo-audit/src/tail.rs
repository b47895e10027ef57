//! The end of a file, where a chain goes on.

use crate::{
    Link,
    line::{Line, Seal},
};

/// What a file ends with.
#[derive(Debug, PartialEq, Eq)]
pub struct Tail<'a> {
    /// The last line of the chain.
    pub last: Link,
    /// What stands behind it: nothing, or what a crash tore or another hand put there.
    pub rest: &'a [u8],
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
            let is_good = |line: &Line<'_>| match line.sealed.seal {
                Seal::Hash(_) => line.sealed.fits(None),
                Seal::Hmac(_) => true,
            };
            if let Some(line) = line.filter(is_good) {
                return Some(Self {
                    last: line.link,
                    rest: bytes.get(end + 1..)?,
                });
            }
        }
    }
}
