//! Fields of a packet, borrowed from it: nothing is allocated for what a client sends.

/// The packet does not follow the protocol; the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The unread rest of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Reads `packet` from its start.
    pub fn new(packet: &'a [u8]) -> Self {
        Self(packet)
    }

    /// The next `N` bytes.
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    /// `byte` of RFC 4251 section 5.
    ///
    /// # Errors
    /// The packet ends before it, here and below.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.take::<1>().map(|[byte]| byte)
    }

    /// `uint32`.
    ///
    /// # Errors
    /// As [`Decoder::u8`].
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_be_bytes)
    }

    /// `uint64`.
    ///
    /// # Errors
    /// As [`Decoder::u8`].
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.take().map(u64::from_be_bytes)
    }

    /// `string`: a length, then that many bytes.
    ///
    /// # Errors
    /// As [`Decoder::u8`].
    pub fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        let (head, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    /// Is everything read?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_turn() {
        let mut decoder =
            Decoder::new(b"\x05\x00\x00\x01\x00\x00\x00\x00\x02hi\x00\x00\x00\x01\x00\x00\x00\x02");
        assert_eq!(decoder.u8(), Ok(5));
        assert_eq!(decoder.u32(), Ok(256));
        assert_eq!(decoder.string(), Ok(&b"hi"[..]));
        assert_eq!(decoder.u64(), Ok(0x1_0000_0002));
        assert!(decoder.is_empty());
        assert_eq!(decoder.u8(), Err(Malformed));
    }

    #[test]
    fn a_length_past_the_end_is_malformed() {
        assert_eq!(
            Decoder::new(b"\xff\xff\xff\xffabc").string(),
            Err(Malformed)
        );
        assert_eq!(
            Decoder::new(b"\x00\x00\x00\x04abc").string(),
            Err(Malformed)
        );
        assert_eq!(Decoder::new(b"\x00\x00").u32(), Err(Malformed));
    }
}
