//! Compression of payloads: `zlib@openssh.com`, zlib (RFC 1950) with a partial flush behind each payload (RFC 4253 section 6.2).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// How much a buffer grows by at a time.
const STEP: usize = 4 * 1_024;

/// The payload cannot be inflated, gives more than is allowed, or does not end where a payload has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadCompression;

/// Compresses one direction's payloads; what was sent before helps to shorten what comes.
pub(crate) struct Deflater(Compress);

impl Deflater {
    pub(crate) fn new() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }

    /// Puts the compressed payload behind what `out` has.
    ///
    /// # Errors
    /// The library failed; the connection ends.
    pub(crate) fn compress(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BadCompression> {
        let mut rest = payload;
        loop {
            out.reserve(rest.len().saturating_add(STEP));
            let before = self.0.total_in();
            let status = self.0.compress_vec(rest, out, FlushCompress::Partial);
            if !matches!(status, Ok(Status::Ok | Status::BufError)) {
                return Err(BadCompression);
            }
            rest = behind(rest, before, self.0.total_in())?;
            // Room that was left over says that the flush is complete.
            if out.len() < out.capacity() {
                return if rest.is_empty() {
                    Ok(())
                } else {
                    Err(BadCompression)
                };
            }
        }
    }
}

/// Inflates one direction's payloads.
pub(crate) struct Inflater(Decompress);

impl Inflater {
    pub(crate) fn new() -> Self {
        Self(Decompress::new(true))
    }

    /// Puts the payload behind what `out` has: `most` bytes at most, and no room beyond them.
    ///
    /// # Errors
    /// The bytes are not zlib's, the stream ends in them, or they give more than `most`. The context is not to be used then.
    pub(crate) fn inflate(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), BadCompression> {
        let mut rest = payload;
        let mut left = most;
        let mut chunk = [0; STEP];
        loop {
            let (before, had) = (self.0.total_in(), self.0.total_out());
            let status = self.0.decompress(rest, &mut chunk, FlushDecompress::Sync);
            if !matches!(status, Ok(Status::Ok | Status::BufError)) {
                return Err(BadCompression);
            }
            let reached = behind(rest, before, self.0.total_in())?;
            let made = usize::try_from(self.0.total_out().saturating_sub(had));
            let made = chunk
                .get(..made.map_err(|_| BadCompression)?)
                .ok_or(BadCompression)?;
            // Some libraries hold text back although they read everything, so the end is where nothing happens any more.
            if made.is_empty() && reached.len() == rest.len() {
                return if rest.is_empty() {
                    Ok(())
                } else {
                    Err(BadCompression)
                };
            }
            rest = reached;
            left = left.checked_sub(made.len()).ok_or(BadCompression)?;
            if out.capacity() - out.len() < made.len() {
                // Twice as much, but nothing beyond what may still come.
                out.reserve_exact(out.len().max(STEP).min(made.len().saturating_add(left)));
            }
            out.extend_from_slice(made);
        }
    }
}

/// What the library did not read yet.
fn behind(bytes: &[u8], before: u64, after: u64) -> Result<&[u8], BadCompression> {
    after
        .checked_sub(before)
        .and_then(|read| usize::try_from(read).ok())
        .and_then(|read| bytes.get(read..))
        .ok_or(BadCompression)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::test_support::hex;

    /// As much as a packet may hold.
    const MOST: usize = 256 * 1_024;

    fn inflate(
        inflater: &mut Inflater,
        bytes: &[u8],
        most: usize,
    ) -> Result<Vec<u8>, BadCompression> {
        let mut out = Vec::new();
        inflater.inflate(bytes, &mut out, most)?;
        Ok(out)
    }

    /// Made with zlib itself and `Z_PARTIAL_FLUSH`, as OpenSSH does it: packets end in the middle of a byte's bits, and the
    /// second one leans on the first.
    #[test]
    fn what_zlib_compressed_is_inflated() {
        let mut inflater = Inflater::new();
        let payload = b"\x5e\0\0\0\0\0\0\0\x05hello";
        for bytes in ["789c8a638000d68cd49c9c7c8000", "8a43e10104"] {
            assert_eq!(
                inflate(&mut inflater, &hex(bytes), MOST),
                Ok(payload.to_vec())
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_compressed_is_inflated_payload_by_payload(
            payloads in vec(
                prop_oneof![
                    vec(any::<u8>(), 1..9_000),
                    vec(0..3_u8, 1..9_000),
                    (1..140_000_usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
                ],
                1..6,
            ),
        ) {
            let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
            for payload in payloads {
                let mut bytes = b"before".to_vec();
                deflater.compress(&payload, &mut bytes).unwrap();
                let (before, bytes) = bytes.split_at(6);
                prop_assert_eq!(before, b"before");
                prop_assert_eq!(inflate(&mut inflater, bytes, MOST), Ok(payload));
            }
        }

        #[test]
        fn what_nobody_compressed_does_no_harm(bytes in vec(any::<u8>(), 0..400), most in 0..600_usize) {
            let mut out = Vec::new();
            let _ = Inflater::new().inflate(&bytes, &mut out, most);
            prop_assert!(out.len() <= most && out.capacity() <= most.max(8));
            // With a header it comes further.
            let mut out = Vec::new();
            let headed = [&[0x78, 0x9c], bytes.as_slice()].concat();
            let _ = Inflater::new().inflate(&headed, &mut out, most);
            prop_assert!(out.len() <= most && out.capacity() <= most.max(8));
        }
    }

    #[test]
    fn what_repeats_becomes_small_within_a_payload_and_across() {
        let (mut deflater, mut first, mut second) = (Deflater::new(), Vec::new(), Vec::new());
        let text: Vec<u8> = (0..2_000_u32)
            .flat_map(|number| (number * number).to_be_bytes())
            .collect();
        deflater.compress(&text, &mut first).unwrap();
        deflater.compress(&text, &mut second).unwrap();
        assert!(
            second.len() * 4 < first.len(),
            "{} {}",
            first.len(),
            second.len()
        );
    }

    #[test]
    fn a_payload_may_be_as_long_as_allowed_and_not_longer() {
        for len in [1, STEP - 1, STEP, STEP + 1, MOST] {
            let payload = vec![0; len];
            let mut bytes = Vec::new();
            Deflater::new().compress(&payload, &mut bytes).unwrap();
            assert_eq!(inflate(&mut Inflater::new(), &bytes, len), Ok(payload));
            assert_eq!(
                inflate(&mut Inflater::new(), &bytes, len - 1),
                Err(BadCompression)
            );
        }
    }

    /// 35,000 bytes that would become 35 MB.
    #[test]
    fn a_bomb_takes_no_more_room_than_a_payload() {
        let mut bytes = Vec::new();
        Deflater::new()
            .compress(&vec![0; 36_000_000], &mut bytes)
            .unwrap();
        assert!(bytes.len() > 35_000 && bytes.len() < MOST);
        let mut out = Vec::new();
        assert_eq!(
            Inflater::new().inflate(&bytes, &mut out, MOST),
            Err(BadCompression)
        );
        assert!(out.capacity() <= MOST);
    }

    #[test]
    fn a_stream_that_ends_or_goes_wrong_is_refused() {
        // An end of the stream (zlib's Z_FINISH of "hello"), with and without bytes behind it.
        let ended = hex("789ccb48cdc9c90700062c0215");
        assert_eq!(
            inflate(&mut Inflater::new(), &ended, MOST),
            Err(BadCompression)
        );
        let behind = [ended.as_slice(), b"more"].concat();
        assert_eq!(
            inflate(&mut Inflater::new(), &behind, MOST),
            Err(BadCompression)
        );
        // No header, and a type of block that does not exist.
        assert_eq!(
            inflate(&mut Inflater::new(), b"plain", MOST),
            Err(BadCompression)
        );
        assert_eq!(
            inflate(&mut Inflater::new(), &hex("789cffff"), MOST),
            Err(BadCompression)
        );
        // A dictionary that we do not have.
        assert_eq!(
            inflate(&mut Inflater::new(), &hex("78bb00000000"), MOST),
            Err(BadCompression)
        );
    }
}
