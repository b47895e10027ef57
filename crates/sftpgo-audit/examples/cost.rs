//! What a line costs: `cargo run --release -p sftpgo-audit --example cost`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example says what it found"
)]

use std::fs;

use sftpgo_audit::{Chain, Head, Key, Link, Record, Verifier};

const LINES: u64 = 500_000;

fn main() {
    for (what, key) in [("a hash", None), ("an HMAC", Key::of(&[7; 32]))] {
        let mut chain = Chain::after(Link::start(), key.clone());
        let mut bytes = Vec::new();
        let begun = processor_time();
        for number in 0..LINES {
            let record = Record::new("2026-01-31T12:00:00.000Z", "upload")
                .with("username", "alice")
                .with("file_path", "/srv/sftpgo/alice/reports/2026-01-31.csv")
                .with("size_bytes", 4096)
                .with("elapsed_ms", 12)
                .with("connection_id", format!("SFTP_{number}"))
                .with("protocol", "SFTP");
            chain.append(&record, &mut bytes);
        }
        let written = (processor_time() - begun) / LINES;
        let size = bytes.len() / LINES as usize;
        let head = Head {
            first: 1,
            last: chain.last(),
        };
        let head = head.to_bytes(chain.key());
        let begun = processor_time();
        let mut verifier = Verifier::new(key.into_iter().collect());
        let report = verifier.file(&bytes[..], Some(&head), false).unwrap();
        let verified = (processor_time() - begun) / LINES;
        println!(
            "a line of {size} bytes with {what}: {written} ns to make, {verified} ns to verify, good: {}",
            report.is_good()
        );
    }
}

/// Nanoseconds that this thread had a processor, as others may have it meanwhile.
fn processor_time() -> u64 {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    statistics.split(' ').next().unwrap().parse().unwrap()
}
