//! System calls, by strace.

use sftpgo_e2e::Tracer;
use tempfile::NamedTempFile;

use crate::{
    allocations,
    work::{self, Work},
};

const SUMMARY: &str = "strace";

pub(crate) fn each(work: Work) -> f64 {
    let unused = NamedTempFile::new().unwrap();
    let server = allocations::start(&unused, work);
    work::add_user(&server);
    work.each(&server, |act| {
        let tracer = Tracer::attach(&server, SUMMARY, &["-c"]);
        act();
        tracer.detach();
        let summary = server.read(SUMMARY);
        println!("{}", summary.trim_end());
        total(&summary)
    })
}

/// The calls in the last line: `100.00    0.004321           4      1080        12 total`.
fn total(summary: &str) -> u64 {
    let line = summary.lines().find(|line| line.ends_with(" total"));
    let calls = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    calls.unwrap_or_else(|| panic!("strace counted nothing: {summary}"))
}
