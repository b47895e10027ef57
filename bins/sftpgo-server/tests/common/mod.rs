//! Runs the real program in a directory of its own.
#![allow(dead_code, reason = "every test program uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

pub(crate) mod certificates;

use std::{
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sftpgo_test_support::PATIENCE;
use tempfile::TempDir;

/// `sftpgo-server` without this environment's settings.
pub(crate) fn program(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = plain_program(arguments);
    command.arg("--config-dir").arg(directory);
    command
}

/// The same for a command that knows no configuration directory.
pub(crate) fn plain_program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sftpgo-server"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("SFTPGO_") || name.starts_with("CARGO") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// Runs to the end.
pub(crate) fn run(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let output = program(directory, arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Ended::from(output)
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A loopback address that no other test uses, with a port that is free now.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [high, low] = u16::try_from(std::process::id() % 65_536)
        .unwrap()
        .to_be_bytes();
    let last = NEXT.fetch_add(1, Ordering::Relaxed);
    let listener = TcpListener::bind((Ipv4Addr::new(127, high, low, last), 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A server that is ready; killed when dropped.
pub(crate) struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
    pub(crate) directory: TempDir,
    pub(crate) sftp: SocketAddr,
    pub(crate) rest: SocketAddr,
    /// All that it said when it was ready.
    pub(crate) welcome: String,
}

impl Server {
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), variables)
    }

    pub(crate) fn start_in(directory: TempDir, variables: &[(&str, &str)]) -> Self {
        let (sftp, rest) = (free_address(), free_address());
        let mut child = program(directory.path(), &["serve"])
            .env("SFTPGO_SFTPD__BIND_ADDRESS", sftp.ip().to_string())
            .env("SFTPGO_SFTPD__BIND_PORT", sftp.port().to_string())
            .env("SFTPGO_HTTPD__BIND_ADDRESS", rest.ip().to_string())
            .env("SFTPGO_HTTPD__BIND_PORT", rest.port().to_string())
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut welcome = String::new();
        // The last line.
        while !welcome.contains("  sftp -P ") {
            if stdout.read_line(&mut welcome).unwrap() == 0 {
                let mut said = String::new();
                stderr.read_to_string(&mut said).unwrap();
                panic!("the server did not start: {welcome}{said}");
            }
        }
        Self {
            child,
            stderr,
            directory,
            sftp,
            rest,
            welcome,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Reads what comes on standard error until a line contains `text`.
    pub(crate) fn wait_for_complaint(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            assert_ne!(self.stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        said
    }

    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.rest)
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut answer = ureq::get(self.url(path)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }

    pub(crate) fn add_user(&self, json: &Value) -> Value {
        let mut answer = ureq::post(self.url("/api/v1/user"))
            .send(json.to_string())
            .unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// The first line of the log that `is_it`, once it is there.
    pub(crate) fn wait_for_line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.iter().find(|line| is_it(line)) {
                return line.clone();
            }
            assert!(started.elapsed() < PATIENCE, "{log:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The log, line by line.
    pub(crate) fn log(&self) -> Vec<Value> {
        std::fs::read_to_string(self.directory.path().join("sftpgo.log"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
