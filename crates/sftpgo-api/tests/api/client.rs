//! A client that sends any bytes and reads what comes back.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

/// A parsed answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The JSON of the body, whose type has to be announced.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json; charset=utf-8"),
            "{self:?}"
        );
        serde_json::from_slice(&self.body).unwrap()
    }

    /// An `ApiResponse` of this status; answers its message and its error.
    #[track_caller]
    pub(crate) fn says(&self, status: u16) -> (String, String) {
        assert_eq!(self.status, status, "{}", self.text());
        let json = self.json();
        let members = json.as_object().unwrap();
        assert_eq!(members.len(), 3, "{json}");
        assert_eq!(members["status"], status);
        let text = |name: &str| members[name].as_str().unwrap().to_owned();
        (text("message"), text("error"))
    }

    /// Data.
    #[track_caller]
    pub(crate) fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
}

/// Sends `request` as it is and reads the answer, if there is one.
pub(crate) fn exchange(server: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(server).unwrap();
    // A server that has seen enough may close before everything is written.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    parse(&answer)
}

/// One request with an optional body, on a connection of its own.
pub(crate) fn request(server: SocketAddr, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
    request_with(server, method, path, &[], body)
}

/// The same with more headers.
pub(crate) fn request_with(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Answer {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.map(|body| format!("Content-Length: {}\r\n", body.len()));
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nConnection: close\r\n{headers}{}\r\n",
        length.unwrap_or_default()
    )
    .into_bytes();
    request.extend_from_slice(body.unwrap_or_default());
    exchange(server, &request).expect("an answer")
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let head_end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..head_end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Answer {
        status,
        headers,
        body: answer[head_end + 4..].to_vec(),
    })
}
