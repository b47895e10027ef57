//! The end of a file of the audit log, and its first line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
};

use sftpgo_audit::{Key, Link, Tail, first_number};

/// Read from the end of a file at first; a line is shorter.
const TAIL: u64 = 64 * 1024;
/// Read from the end of a file at the most, to find a line there.
pub(super) const LONGEST_TAIL: u64 = 32 * 1024 * 1024;
/// No first line is longer.
const LONGEST_LINE: u64 = 256 * 1024;

/// What a file ends with.
pub(super) struct End {
    /// The last line of the chain that has a line end.
    pub(super) last: Option<Link>,
    /// It has an HMAC with the key that was asked for.
    pub(super) is_of_key: bool,
    /// What stands behind it.
    pub(super) rest: Vec<u8>,
}

impl End {
    pub(super) fn of(file: &File, size: u64, key: Option<&Key>) -> io::Result<Self> {
        let mut length = TAIL;
        loop {
            let from = size.saturating_sub(length);
            let mut bytes = vec![0; usize::try_from(size - from).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, from)?;
            if let Some(tail) = Tail::of(&bytes) {
                return Ok(Self {
                    last: Some(tail.last),
                    is_of_key: key.is_some_and(|key| tail.is_sealed_with(key)),
                    rest: tail.rest.to_vec(),
                });
            }
            if from == 0 || length >= LONGEST_TAIL {
                return Ok(Self {
                    last: None,
                    is_of_key: false,
                    rest: bytes,
                });
            }
            length = length.saturating_mul(8).min(LONGEST_TAIL);
        }
    }
}

/// The number of the first line of the chain; none where the file does not begin with one.
pub(super) fn first_line(mut file: &File) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST_LINE)).read_until(b'\n', &mut line)?;
    Ok(first_number(line.strip_suffix(b"\n").unwrap_or(&line)))
}
