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
        Self(Compress::new(Compression::default(), true))
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
            let (read, made) = (self.0.total_in(), self.0.total_out());
            let status = self.0.decompress(rest, &mut chunk, FlushDecompress::Sync);
            if !matches!(status, Ok(Status::Ok | Status::BufError)) {
                return Err(BadCompression);
            }
            rest = behind(rest, read, self.0.total_in())?;
            let made = self.0.total_out().checked_sub(made).ok_or(BadCompression)?;
            let made = usize::try_from(made).map_err(|_| BadCompression)?;
            left = left.checked_sub(made).ok_or(BadCompression)?;
            let made = chunk.get(..made).ok_or(BadCompression)?;
            if out.capacity() - out.len() < made.len() {
                // Twice as much, but nothing beyond what may still come.
                out.reserve_exact(out.len().max(STEP).min(made.len().saturating_add(left)));
            }
            out.extend_from_slice(made);
            if made.len() < chunk.len() {
                return if rest.is_empty() {
                    Ok(())
                } else {
                    Err(BadCompression)
                };
            }
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
