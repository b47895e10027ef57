//! A running server, its users, and its REST API.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::LazyLock,
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
pub fn make_key(kind: &str, path: &Path) -> String {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", kind, "-f"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
    fs::read_to_string(path.with_extension("pub")).unwrap()
}

/// A server process in a directory of its own; killed when dropped.
pub struct Server {
    directory: tempfile::TempDir,
    process: Child,
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
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["id_ed25519", "id_ecdsa", "id_rsa"] {
            fs::copy(HOST_KEYS.join(name), directory.path().join(name)).unwrap();
        }
        let (sftp_port, http_port) = (free_port(), free_port());
        let process = Command::new(binary("sftpgo-server"))
            .arg("serve")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SFTPGO_CONFIG_DIR", directory.path())
            .env("SFTPGO_SFTPD__BIND_PORT", sftp_port.to_string())
            .env("SFTPGO_SFTPD__BIND_ADDRESS", "127.0.0.1")
            .env("SFTPGO_HTTPD__BIND_PORT", http_port.to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(directory.path().join("stdout")).unwrap())
            .stderr(File::create(directory.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self {
            directory,
            process,
            sftp_port,
            http_port,
        };
        wait_for("the server to listen", || {
            if let Some(status) = server.process.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", server.read("stderr"));
            }
            [server.sftp_port, server.http_port]
                .iter()
                .all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
        server
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
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.http_port))
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

    /// Sends a signal to the server process.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
