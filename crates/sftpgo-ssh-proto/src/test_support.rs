//! What tests of several modules need.

use crate::{NoRandomBytes, Random};

/// Bytes written in hexadecimal; spaces and new lines between them do not matter.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).expect("a digit")).unwrap())
        .collect();
    assert!(digits.len().is_multiple_of(2));
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Random bytes that are given ahead. There are no others, and `drawn` counts what was taken.
pub(crate) struct Given<'a> {
    bytes: &'a [u8],
    pub(crate) drawn: usize,
}

impl<'a> Given<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, drawn: 0 }
    }
}

impl Random for Given<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomBytes> {
        let (next, rest) = self
            .bytes
            .split_at_checked(bytes.len())
            .ok_or(NoRandomBytes)?;
        bytes.copy_from_slice(next);
        self.bytes = rest;
        self.drawn += next.len();
        Ok(())
    }
}
