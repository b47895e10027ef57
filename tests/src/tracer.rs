//! strace, attached to a running server.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use crate::{Server, wait_for};

/// What strace says itself, in the server's directory.
const MESSAGES: &str = "strace-messages";

/// Why the kernel does not let us trace: containers may forbid it.
///
/// # Errors
/// What strace said.
pub fn may_trace() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let tried = tried.expect("strace is missing: run ./test, which installs it");
    if tried.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&tried.stderr).into_owned())
}

/// strace on all threads of a server. It ends when this is dropped, and the server goes on.
pub struct Tracer(Child);

impl Tracer {
    /// Attaches it with these arguments, and waits until it traces. What it traces goes to `output` in the server's directory.
    pub fn attach(server: &Server, output: &str, arguments: &[&str]) -> Self {
        let tracer = Command::new("strace")
            .args(["-f", "-o"])
            .arg(server.path(output))
            .args(arguments)
            .args(["-p", &server.pid().to_string()])
            .stdin(Stdio::null())
            .stderr(File::create(server.path(MESSAGES)).unwrap())
            .spawn()
            .unwrap();
        let tracer = Self(tracer);
        wait_for("strace to attach to the server", || {
            server.read(MESSAGES).contains("attached")
        });
        tracer
    }

    /// Ends it as a person does: it lets the server go and writes its last lines.
    pub fn detach(mut self) {
        let asked = Command::new("kill")
            .args(["-s", "INT", &self.0.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
