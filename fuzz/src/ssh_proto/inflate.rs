use flate2::{Decompress, FlushDecompress, Status};
use sftpgo_ssh_proto::fuzzing::inflate;

use super::messages;

/// No payload of a test gives more.
const MOST: usize = 64 * 1024;

/// Payloads of one direction: what is inflated is what the library says, and never more than may be.
pub fn ssh_inflate(data: &[u8]) {
    let mut reference = Decompress::new(true);
    let payloads = inflate(messages(data), MOST).unwrap_or_default();
    for (payload, packed) in payloads.iter().zip(messages(data)) {
        assert!(payload.len() <= MOST);
        let out = whole(&mut reference, packed);
        let lengths = (payload.len(), out.len());
        assert!(&out == payload, "{lengths:?} bytes");
    }
}

/// The library stops where its window wraps, whatever is left.
fn whole(reference: &mut Decompress, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(MOST + 1);
    let start = reference.total_in();
    loop {
        let length = out.len();
        let read = usize::try_from(reference.total_in() - start).unwrap();
        let status = reference.decompress_vec(&packed[read..], &mut out, FlushDecompress::Sync);
        assert!(matches!(status, Ok(Status::Ok | Status::BufError)));
        let now = usize::try_from(reference.total_in() - start).unwrap();
        if out.len() == length && now == read {
            assert_eq!(read, packed.len());
            return out;
        }
    }
}
