//! System calls, by strace.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use sftpgo_e2e::{Server, wait_for};
use tempfile::NamedTempFile;

use crate::{
    allocations,
    work::{self, Work},
};

const SUMMARY: &str = "strace";
const MESSAGES: &str = "strace-messages";

/// Why the kernel does not let us trace: containers may forbid it.
pub(crate) fn may_trace() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let tried = tried.expect("strace is missing: run ./test, which installs it");
    if tried.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&tried.stderr).into_owned())
}

pub(crate) fn each(work: Work) -> f64 {
    let unused = NamedTempFile::new().unwrap();
    let server = allocations::start(&unused, work);
    work::add_user(&server);
    work.each(&server, |act| {
        let tracer = attach(&server);
        act();
        let summary = detach(&server, tracer);
        println!("{}", summary.trim_end());
        total(&summary)
    })
}

/// strace on all threads of the server; it counts when this returns.
fn attach(server: &Server) -> Child {
    let tracer = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(server.path(SUMMARY))
        .args(["-p", &server.pid().to_string()])
        .stdin(Stdio::null())
        .stderr(File::create(server.path(MESSAGES)).unwrap())
        .spawn()
        .unwrap();
    wait_for("strace to attach to the server", || {
        server.read(MESSAGES).contains("attached")
    });
    tracer
}

/// Ends strace, not the server, and answers its summary.
fn detach(server: &Server, mut tracer: Child) -> String {
    let asked = Command::new("kill")
        .args(["-s", "INT", &tracer.id().to_string()])
        .status();
    assert!(asked.unwrap().success());
    tracer.wait().unwrap();
    server.read(SUMMARY)
}

/// The calls in the last line: `100.00    0.004321           4      1080        12 total`.
fn total(summary: &str) -> u64 {
    let line = summary.lines().find(|line| line.ends_with(" total"));
    let calls = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    calls.unwrap_or_else(|| panic!("strace counted nothing: {summary}"))
}
