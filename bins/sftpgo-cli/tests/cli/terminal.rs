//! A terminal for the binary, made by `script` of util-linux.

use std::{
    fs,
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::fake::Fake;

/// Long enough for any machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary at a terminal.
pub(crate) struct Terminal {
    files: TempDir,
    process: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    /// Runs the binary against `fake`; `arguments` are for a shell.
    pub(crate) fn run(fake: &Fake, arguments: &str) -> Self {
        let files = TempDir::new().unwrap();
        let name = files.path().join("tty");
        let command = format!(
            "tty > '{}'; exec '{}' {arguments}",
            name.display(),
            env!("CARGO_BIN_EXE_sftpgo-cli")
        );
        let mut process = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("SFTPGO_URL", &fake.url)
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            files,
            keyboard: process.stdin.take().unwrap(),
            screen: process.stdout.take().unwrap(),
            process,
            shown: String::new(),
        }
    }

    /// Waits until the screen shows `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let mut bytes = [0; 1024];
            let count = self.screen.read(&mut bytes).unwrap();
            assert!(count > 0, "no {text} in {}", self.shown);
            self.shown
                .push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    }

    /// Waits until what is typed does not show: a prompt comes just before.
    pub(crate) fn wait_until_hidden(&self) {
        let name = fs::read_to_string(self.files.path().join("tty")).unwrap();
        let start = Instant::now();
        loop {
            let settings = Command::new("stty")
                .args(["-a", "-F", name.trim()])
                .output()
                .unwrap();
            let settings = String::from_utf8(settings.stdout).unwrap();
            if settings.split_whitespace().any(|word| word == "-echo") {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "echo stays on: {settings}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// The exit code, and all that the screen has shown.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).unwrap();
        let code = self.process.wait().unwrap().code();
        (code, self.shown + &rest)
    }
}
