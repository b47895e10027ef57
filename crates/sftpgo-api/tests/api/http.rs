//! Clients that misbehave below the API, and the end of the server.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::{
    client::{self, exchange, request},
    server::{Api, user},
};

const LIMIT: usize = 1024 * 1024;

fn padded(length: usize) -> Vec<u8> {
    let mut body = user("alice", json!({})).to_string().into_bytes();
    body.resize(length, b' ');
    body
}

#[test]
fn a_body_up_to_the_limit_is_taken_and_a_longer_one_is_not() {
    let api = Api::start();
    for length in [LIMIT + 1, 3 * LIMIT] {
        let (_, error) = api.send_raw("POST", "/user", &padded(length)).says(413);
        assert!(error.contains("1048576"), "{error}");
    }
    assert!(api.names().is_empty());
    assert_eq!(api.send_raw("POST", "/user", &padded(LIMIT)).status, 200);
}

#[test]
fn a_body_in_chunks_has_the_same_limit() {
    let api = Api::start();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let request = format!(
        "POST /api/v1/user HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(17)
    );
    exchange(api.address, request.as_bytes()).unwrap().says(413);
}

#[test]
fn a_body_that_ends_early_stores_nothing() {
    let api = Api::start();
    let body = user("alice", json!({})).to_string();
    let head = format!(
        "POST /api/v1/user HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert!(api.names().is_empty());
}

#[test]
fn what_is_not_http_ends_that_connection_alone() {
    let api = Api::start();
    let endless_line = vec![b'a'; 1 << 20];
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(200));
    let long_header = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(1 << 20));
    let garbage: [&[u8]; 8] = [
        b"\r\n\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        &endless_line,
        many_headers.as_bytes(),
        long_header.as_bytes(),
    ];
    for bytes in garbage {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        // The end of what is sent is the end of a request that was never whole.
        let mut stream = TcpStream::connect(api.address).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{start:?} passed");
        assert_eq!(api.call("GET", "/version").status, 200, "after {start:?}");
    }
}

#[test]
fn a_connection_carries_many_requests() {
    let api = Api::start();
    let one = "GET /api/v1/version HTTP/1.1\r\nHost: localhost\r\n";
    let answer = exchange(
        api.address,
        format!("{one}\r\n{one}Connection: close\r\n\r\n").as_bytes(),
    )
    .unwrap();
    assert!(
        answer.text().contains("HTTP/1.1 200 OK\r\n"),
        "the second is behind the first: {}",
        answer.text()
    );
}

#[test]
fn a_head_request_has_no_body_to_wait_for() {
    let api = Api::start();
    let answer = request(api.address, "HEAD", "/api/v1/version", None);
    assert_eq!(
        (answer.status, answer.header("allow"), answer.body.len()),
        (405, Some("GET"), 0)
    );
}

#[test]
fn the_end_refuses_new_clients_and_lets_idle_ones_go() {
    let api = Api::start();
    let mut idle = TcpStream::connect(api.address).unwrap();
    idle.write_all(b"GET /api/v1/version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut first = [0; 8];
    idle.read_exact(&mut first).unwrap();
    let Api {
        address,
        shutdown,
        serving,
        runtime,
        ..
    } = api;
    shutdown.cancel();
    runtime.block_on(serving).unwrap();
    idle.read_to_end(&mut Vec::new()).unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn health_is_told_to_anybody_by_whatever_name_they_ask() {
    let api = Api::start();
    for host in ["", "Host: evil.test\r\n", "Host: localhost\r\n"] {
        for (method, body) in [("GET", "ok"), ("HEAD", "")] {
            let head = format!("{method} /healthz HTTP/1.0\r\n{host}\r\n");
            let answer = exchange(api.address, head.as_bytes()).unwrap();
            assert_eq!((answer.status, answer.text()), (200, body), "{head}");
            assert_eq!(answer.header("content-length"), Some("2"));
            assert_eq!(
                answer.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
        }
    }
    let (_, error) = client::request(api.address, "GET", "/healthz/", None).says(404);
    assert!(!error.contains("ok"), "{error}");
}

/// DNS rebinding: a browser sends what a page asks of its own site to whatever address that site's name has now.
#[test]
fn a_request_for_another_host_changes_and_shows_nothing() {
    let api = Api::start();
    let body = user("eve", json!({})).to_string();
    for (path, method, body) in [
        ("/api/v1/user", "POST", body.as_str()),
        ("/api/v1/user", "GET", ""),
        ("/metrics", "GET", ""),
        ("/nowhere", "GET", ""),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: evil.test:{}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            api.address.port(),
            body.len()
        );
        let (message, error) = exchange(api.address, head.as_bytes()).unwrap().says(403);
        assert_eq!(message, "");
        assert!(
            error.contains("\"evil.test\"") && error.contains("httpd.allowed_hosts"),
            "{error}"
        );
    }
    assert!(api.names().is_empty());
    let old = b"GET /api/v1/version HTTP/1.0\r\n\r\n";
    assert_eq!(exchange(api.address, old).unwrap().status, 200);
}
