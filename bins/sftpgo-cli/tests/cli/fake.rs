//! The binary, and a server that says what a test wants.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What the binary asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// As in `GET /api/v1/user`.
    pub(crate) line: String,
    /// Null without one.
    pub(crate) body: Value,
}

/// Gives its answers in turn, then is gone.
pub(crate) struct Fake {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    /// A server with these statuses and JSON bodies to give.
    pub(crate) fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let answers = answers
            .into_iter()
            .map(|(status, body)| http(status, &body.to_string()));
        Self::saying(answers.collect::<Vec<String>>())
    }

    /// A server that says these texts, HTTP or not.
    pub(crate) fn saying(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // Not joined: a binary that asks less than expected must fail its test, not hang it.
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read(&stream);
                seen.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, requests }
    }

    /// Runs the binary against this server, with nothing to read.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, "")
    }

    /// Runs the binary against this server, with `input` to read.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = binary();
        command.env("SFTPGO_URL", &self.url).args(arguments);
        outcome(command, input)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The first words of what was asked so far.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.line)
            .collect()
    }
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// What it printed, having done what it should.
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// What it complained of, having failed with this code and printed nothing else.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        self.stderr
    }
}

/// The binary, away from this machine's settings.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sftpgo-cli"));
    command.env_remove("SFTPGO_URL");
    command
}

/// Runs a command to its end.
pub(crate) fn outcome(mut command: Command, input: &str) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not read its input may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An HTTP answer that ends its connection.
pub(crate) fn http(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Word\r\ncontent-type: application/json; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The answer that is no data.
pub(crate) fn answer(status: u16, message: &str, error: &str) -> (u16, Value) {
    let body = json!({"status": status, "message": message, "error": error});
    (status, body)
}

/// A user as the server shows it.
pub(crate) fn user(id: i32, username: &str) -> Value {
    json!({
        "id": id, "status": 1, "username": username, "expiration_date": 0,
        "home_dir": format!("/srv/{username}"), "uid": 0, "gid": 0, "max_sessions": 0,
        "quota_size": 0, "quota_files": 0, "permissions": ["*"], "used_quota_size": 0,
        "used_quota_files": 0, "used_quota_file": 0, "last_quota_update": 0,
        "upload_bandwidth": 0, "download_bandwidth": 0, "last_login": 0,
    })
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_ascii_lowercase()),
        }
        if head.len() == 1 {
            head.insert(0, line.trim_end().replace(" HTTP/1.1", ""));
        }
    }
    let header = |name: &str| head.iter().find_map(|line| line.strip_prefix(name));
    let length = header("content-length: ").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    if length > 0 {
        assert_eq!(header("content-type: "), Some("application/json"));
    }
    Request {
        line: head[0].clone(),
        body: if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        },
    }
}
