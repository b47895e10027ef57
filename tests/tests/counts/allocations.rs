//! Allocations, by the library that is preloaded into the server (`tests/preload/`).

use std::fs;

use sftpgo_e2e::{Server, binary};
use tempfile::NamedTempFile;

use crate::work::{self, Work};

/// Allocations and bytes, each a number of eight bytes.
const NONE: [u8; 16] = [0; 16];

pub(crate) fn each(work: Work) -> f64 {
    let counts = NamedTempFile::new().unwrap();
    let server = start(&counts, work);
    let so_far = || {
        let counts = fs::read(counts.path()).unwrap();
        u64::from_ne_bytes(counts[..8].try_into().unwrap())
    };
    assert!(so_far() > 0, "the server's allocations are not counted");
    work::add_user(&server);
    work.each(&server, |act| {
        let before = so_far();
        act();
        so_far() - before
    })
}

/// A server for this work with the library in it, which counts into this file and lets strace attach to the server.
pub(crate) fn start(counts: &NamedTempFile, work: Work) -> Server {
    fs::write(counts, NONE).unwrap();
    let library = binary("examples/libcount_allocations.so");
    let counting = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("COUNT_ALLOCATIONS_INTO", counts.path().to_str().unwrap()),
    ];
    Server::start_with(&[&counting, work.settings()].concat())
}
