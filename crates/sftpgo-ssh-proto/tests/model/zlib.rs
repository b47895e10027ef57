//! Compression of payloads: one zlib stream for a direction, flushed behind each payload (RFC 4253 section 6.2).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

pub(crate) struct Deflate(Compress);

impl Deflate {
    pub(crate) fn new() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }

    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() * 2 + 1024);
        self.0
            .compress_vec(payload, &mut out, FlushCompress::Partial)
            .unwrap();
        assert!(out.len() < out.capacity());
        out
    }
}

pub(crate) struct Inflate(Decompress);

impl Inflate {
    pub(crate) fn new() -> Self {
        Self(Decompress::new(true))
    }

    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 * 1024);
        let start = self.0.total_in();
        loop {
            let length = out.len();
            let read = usize::try_from(self.0.total_in() - start).unwrap();
            self.0
                .decompress_vec(&payload[read..], &mut out, FlushDecompress::Sync)
                .unwrap();
            // The library stops where its window wraps, whatever is left.
            if out.len() == length && read == payload.len() {
                return out;
            }
        }
    }
}
