//! A running server, its users, and its REST API.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{LazyLock, Mutex},
};

use serde_json::{Value, json};

use crate::{binary, wait_for};

/// Host keys of all test servers, kept beside the binaries: making an RSA key takes longer than most tests.
static HOST_KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
    let binaries = binary("sftpgo-server").parent().unwrap().to_owned();
    let directory = binaries.join("e2e-host-keys");
    if !directory.exists() {
        let new = tempfile::tempdir_in(binaries).unwrap();
        for kind in ["ed25519", "ecdsa", "rsa"] {
            make_key(kind, &new.path().join(format!("id_{kind}")));
        }
        // Another test may have been faster; then its keys stay.
        if fs::rename(new.path(), &directory).is_ok() {
            let _ = new.keep();
        }
    }
    directory
});

/// Makes a key pair without passphrase with OpenSSH's tool, and answers the public line.
///
/// The kind may tell the number of bits: `ecdsa-384`.
pub fn make_key(kind: &str, path: &Path) -> String {
    let mut command = Command::new("ssh-keygen");
    let (kind, bits) = kind.split_once('-').unwrap_or((kind, ""));
    if !bits.is_empty() {
        command.args(["-b", bits]);
    }
    let made = command
        .args(["-q", "-N", "", "-t", kind, "-f"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
    fs::read_to_string(path.with_extension("pub")).unwrap()
}

/// A server process in a directory of its own; killed when dropped.
pub struct Server {
    directory: tempfile::TempDir,
    environment: Vec<(String, String)>,
    /// What the process may have open.
    open_files: Option<u32>,
    process: Child,
    /// Processes that have followed it, the last one serving.
    followed_by: Mutex<Vec<u32>>,
    /// Where SFTP listens.
    pub sftp_port: u16,
    /// Where REST listens.
    pub http_port: u16,
}

impl Server {
    /// A server with the default settings.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with these settings in its environment, such as `SFTPGO_SFTPD__UPLOAD_MODE`.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_limited(None, settings)
    }

    /// The same server, which may have so many files open and no more.
    pub fn start_with_open_files(most: u32, settings: &[(&str, &str)]) -> Self {
        Self::start_limited(Some(most), settings)
    }

    fn start_limited(open_files: Option<u32>, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["id_ed25519", "id_ecdsa", "id_rsa"] {
            fs::copy(HOST_KEYS.join(name), directory.path().join(name)).unwrap();
        }
        let sftp_port = sftpgo_test_ports::reserve();
        // Where a test chooses it itself, others may have to know it before.
        let asked = settings
            .iter()
            .find(|(key, _)| *key == "SFTPGO_HTTPD__BIND_PORT");
        let http_port = asked.map_or_else(sftpgo_test_ports::reserve, |(_, port)| {
            port.parse().unwrap()
        });
        let own = [
            ("SFTPGO_SFTPD__BIND_PORT", sftp_port.to_string()),
            ("SFTPGO_SFTPD__BIND_ADDRESS", "127.0.0.1".to_owned()),
            ("SFTPGO_HTTPD__BIND_PORT", http_port.to_string()),
        ];
        let asked = settings
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()));
        let environment: Vec<_> = own
            .into_iter()
            .chain(asked)
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let process = spawn(directory.path(), &environment, open_files);
        let mut server = Self {
            directory,
            environment,
            open_files,
            process,
            followed_by: Mutex::default(),
            sftp_port,
            http_port,
        };
        server.wait_until_it_listens();
        server
    }

    /// Ends the server as a power cut would: nothing is closed, nothing is said.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Has the process that serves followed by another, and answers that one once it serves.
    pub fn hot_restart(&self) -> u32 {
        let mut followed_by = self.followed_by.lock().unwrap();
        let before = followed_by.last().copied();
        send(before.unwrap_or_else(|| self.pid()), "USR2");
        let count = followed_by.len() + 1;
        let mut next = None;
        wait_for("the next process to serve", || {
            let lines = self.log_lines("server");
            let numbers = lines.iter().filter_map(|line| {
                let said = line["message"].as_str()?.strip_prefix("process ")?;
                let (number, _) = said.split_once(" serves from here on")?;
                number.parse::<u32>().ok()
            });
            let numbers: Vec<_> = numbers.collect();
            next = numbers.get(count - 1).copied();
            next.is_some()
        });
        followed_by.extend(next);
        next.unwrap()
    }

    /// Starts a server that ended once more, in the same directory with the same settings.
    pub fn restart(&mut self) {
        self.process = spawn(self.directory.path(), &self.environment, self.open_files);
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&mut self) {
        wait_for("the server to listen", || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.read("stderr"));
            }
            [self.sftp_port, self.http_port]
                .iter()
                .all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
    }

    /// A path in the server's directory.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of the server's directory as text.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Calls the REST API and answers status and JSON.
    pub fn rest(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.rest_with(method, path, &[], body)
    }

    /// The same with headers.
    pub fn rest_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.http_port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body.map(Value::to_string).unwrap_or_default())
            .unwrap();
        let mut response = agent.run(request).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (response.status().as_u16(), value)
    }

    /// Adds a user with password `secret` and everything allowed, changed by `fields`; answers the user.
    pub fn add_user(&self, username: &str, fields: &Value) -> Value {
        let mut user = json!({
            "username": username, "password": "secret", "status": 1, "permissions": ["*"],
            "home_dir": self.home(username),
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            user[key] = value.clone();
        }
        let (status, answer) = self.rest("POST", "/api/v1/user", Some(&user));
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The home directory that [`Server::add_user`] gives.
    pub fn home(&self, username: &str) -> PathBuf {
        self.path("homes").join(username)
    }

    /// Bytes and files that the server counts for a user.
    pub fn usage(&self, username: &str) -> (u64, u64) {
        let path = format!("/api/v1/user?username={username}");
        let user = &self.rest("GET", &path, None).1[0];
        let number = |key: &str| user[key].as_u64().unwrap_or_else(|| panic!("{user}"));
        (number("used_quota_size"), number("used_quota_files"))
    }

    /// Bytes and files that are in a user's home, which has no directories.
    pub fn on_disk(&self, username: &str) -> (u64, u64) {
        let files = fs::read_dir(self.home(username)).unwrap();
        files.fold((0, 0), |(size, count), file| {
            // It may be gone meanwhile.
            let len = file
                .unwrap()
                .metadata()
                .map_or(0, |metadata| metadata.len());
            (size + len, count + 1)
        })
    }

    /// Runs the CLI against this server.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        Command::new(binary("sftpgo-cli"))
            .env("SFTPGO_URL", format!("http://127.0.0.1:{}", self.http_port))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The lines of the log whose `sender` is this one.
    pub fn log_lines(&self, sender: &str) -> Vec<Value> {
        let Ok(log) = File::open(self.path("sftpgo.log")) else {
            return Vec::new();
        };
        let lines = BufReader::new(log).lines().map_while(Result::ok);
        lines
            .map(|line| {
                serde_json::from_str::<Value>(&line)
                    .unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .filter(|line| line["sender"] == sender)
            .collect()
    }

    /// The server process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal to the server process.
    pub fn signal(&self, name: &str) {
        send(self.pid(), name);
    }

    /// Waits for the server to end and answers its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        wait_for("the server to end", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for pid in self.followed_by.get_mut().unwrap() {
            // Most have ended.
            let _ = Command::new("kill")
                .args(["-s", "KILL", &pid.to_string()])
                .stderr(Stdio::null())
                .status();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!(
                "server stderr: {}\nserver log: {}",
                self.read("stderr"),
                self.read("sftpgo.log")
            );
        }
    }
}

/// Sends a signal to a process.
pub fn send(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn spawn(directory: &Path, environment: &[(String, String)], open_files: Option<u32>) -> Child {
    let mut command = match open_files {
        None => Command::new(binary("sftpgo-server")),
        Some(most) => {
            let mut limited = Command::new("prlimit");
            limited.arg(format!("--nofile={most}:{most}"));
            limited.arg(binary("sftpgo-server"));
            limited
        }
    };
    command
        .arg("serve")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SFTPGO_CONFIG_DIR", directory)
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(File::create(directory.join("stdout")).unwrap())
        .stderr(File::create(directory.join("stderr")).unwrap())
        .spawn()
        .unwrap()
}
