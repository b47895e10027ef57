//! Reading: each answer is a part of what came, and nothing is allocated.

/// The bytes do not hold what the protocol wants there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads one message from its start to its end.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_be_bytes)
    }

    /// Any value but zero is true.
    pub(crate) fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.u8()? != 0)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes a string or nothing: a length without its text is left where it is, for [`end`](Self::end) to find.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let mut ahead = self.clone();
        let count = usize::try_from(ahead.u32()?).map_err(|_| Malformed)?;
        let bytes = ahead.bytes(count)?;
        *self = ahead;
        Ok(bytes)
    }

    /// A number that is not negative: its bytes without leading zeros, high first.
    pub(crate) fn mpint(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return Err(Malformed);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(bytes.get(zeros..).unwrap_or_default())
    }

    /// There must be nothing more.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_is_refused_and_nothing_is_taken() {
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1, 2]);
        assert_eq!(reader.string(), Err(Malformed));
        assert_eq!(reader.rest(), [0xff, 0xff, 0xff, 0xff, 1, 2]);
        let mut reader = Reader::new(&[0, 0, 0, 1]);
        assert_eq!(reader.string(), Err(Malformed));
        assert_eq!(reader.end(), Err(Malformed));
        let mut reader = Reader::new(&[0, 0, 0, 2, 7, 8, 9]);
        assert_eq!(reader.string(), Ok(&[7, 8][..]));
        assert_eq!(reader.end(), Err(Malformed));
        assert_eq!(reader.u32(), Err(Malformed));
        assert_eq!(reader.u8(), Ok(9));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn numbers_lose_their_zeros_and_negative_ones_are_refused() {
        let number = |bytes: &'static [u8]| Reader::new(bytes).mpint();
        assert_eq!(number(&[0, 0, 0, 2, 0, 0x80]), Ok(&[0x80][..]));
        assert_eq!(number(&[0, 0, 0, 0]), Ok(&[][..]));
        assert_eq!(number(&[0, 0, 0, 1, 0x80]), Err(Malformed));
    }
}
