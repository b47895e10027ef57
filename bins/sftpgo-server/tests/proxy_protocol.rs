//! Clients behind a proxy that speaks HAProxy's PROXY protocol.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers beside tests fail like tests

mod common;

use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{Server, free_address};
use serde_json::{Value, json};

const MODE: &str = "SFTPGO_COMMON__PROXY_PROTOCOL";
const ALLOWED: &str = "SFTPGO_COMMON__PROXY_ALLOWED";
const SKIPPED: &str = "SFTPGO_COMMON__PROXY_SKIPPED";

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 22\r\n";
const V1_OF_IPV6: &[u8] = b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 22\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x08\xc0\x00\x02\x01\x9c\x40\x00\x16";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// Passes connections on to `target`, with `header` first, in parts of so many bytes. Answers where it listens.
fn forwarder(target: SocketAddr, header: &'static [u8], part: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, mut server) = (client.unwrap(), TcpStream::connect(target).unwrap());
            server.set_nodelay(true).unwrap();
            for part in header.chunks(part) {
                // The server may have closed it.
                let _ = server.write_all(part);
                if part.len() < header.len() {
                    thread::sleep(Duration::from_millis(2));
                }
            }
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    address
}

fn start(more: &[(&str, &str)]) -> Server {
    let server = Server::start(more);
    let home = server.directory.path().join("home");
    server.add_user(&json!({
        "username": "alice", "password": "secret", "home_dir": home, "permissions": ["*"]
    }));
    server
}

/// Stores a file by OpenSSH's sftp.
fn sftp(server: &Server, at: SocketAddr) -> Output {
    let directory = server.directory.path();
    fs::write(directory.join("file"), "text").unwrap();
    let mut sftp = Command::new("sshpass")
        .args([
            "-p",
            "secret",
            "sftp",
            "-F",
            "/dev/null",
            "-o",
            "BatchMode=no",
            "-b",
            "-",
        ])
        .args(["-o", "PubkeyAuthentication=no"])
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ])
        .args(["-P", &at.port().to_string(), &format!("alice@{}", at.ip())])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut batch = sftp.stdin.take().unwrap();
    batch.write_all(b"put file\n").unwrap();
    drop(batch);
    sftp.wait_with_output().unwrap()
}

/// From where the last login came, after one at `at`.
#[track_caller]
fn login_address(server: &Server, at: SocketAddr) -> String {
    let logins = |server: &Server| -> Vec<Value> {
        let log = server.log().into_iter();
        log.filter(|line| line["sender"] == "login").collect()
    };
    let before = logins(server).len();
    let output = sftp(server, at);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let started = Instant::now();
    loop {
        if let Some(login) = logins(server).get(before) {
            return login["client_ip"].as_str().unwrap().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_allowed_proxy_says_who_the_client_is() {
    for mode in ["1", "2"] {
        let server = start(&[(MODE, mode), (ALLOWED, "127.0.0.0/8")]);
        for (header, expected) in [
            (V1, "192.0.2.7"),
            (V1_OF_IPV6, "2001:db8::7"),
            (V2, "192.0.2.8"),
            (LOCAL, "127.0.0.1"),
            (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        ] {
            for part in [usize::MAX, 1] {
                let at = forwarder(server.sftp, header, part);
                assert_eq!(login_address(&server, at), expected, "{mode} {part}");
            }
        }
    }
}

#[test]
fn a_binding_may_be_before_the_proxy() {
    let (behind, before) = (free_address(), free_address());
    let ports = [behind, before].map(|address| address.port().to_string());
    let addresses = [behind, before].map(|address| address.ip().to_string());
    let server = start(&[
        (MODE, "2"),
        (ALLOWED, "127.0.0.0/8"),
        ("SFTPGO_SFTPD__BINDINGS__0__ADDRESS", &addresses[0]),
        ("SFTPGO_SFTPD__BINDINGS__0__PORT", &ports[0]),
        ("SFTPGO_SFTPD__BINDINGS__1__ADDRESS", &addresses[1]),
        ("SFTPGO_SFTPD__BINDINGS__1__PORT", &ports[1]),
        ("SFTPGO_SFTPD__BINDINGS__1__APPLY_PROXY_CONFIG", "false"),
    ]);
    for address in [behind, before] {
        assert!(server.welcome.contains(&address.to_string()));
    }
    let at = forwarder(behind, V1, usize::MAX);
    assert_eq!(login_address(&server, at), "192.0.2.7");
    assert!(login_address(&server, before).starts_with("127."));
    // The port of older versions is nobody's.
    assert!(TcpStream::connect(server.sftp).is_err());
}

#[test]
fn others_are_known_by_their_own_address_or_refused() {
    let optional = start(&[(MODE, "1"), (ALLOWED, "192.0.2.0/24")]);
    for part in [usize::MAX, 1] {
        for header in [V1, V2, b""] {
            let at = forwarder(optional.sftp, header, part);
            assert_eq!(login_address(&optional, at), "127.0.0.1");
        }
    }
    // Whoever waits for the greeting gets it at once.
    let mut silent = TcpStream::connect(optional.sftp).unwrap();
    silent
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    silent.read_exact(&mut [0; 8]).unwrap();

    for allowed in ["192.0.2.0/24", ""] {
        let required = start(&[(MODE, "2"), (ALLOWED, allowed)]);
        for header in [V1, V2, b""] {
            let at = forwarder(required.sftp, header, usize::MAX);
            assert!(!sftp(&required, at).status.success());
        }
    }
    let skipped = start(&[
        (MODE, "2"),
        (ALLOWED, "192.0.2.0/24"),
        (SKIPPED, "127.0.0.1"),
    ]);
    assert_eq!(login_address(&skipped, skipped.sftp), "127.0.0.1");
}

#[test]
fn a_header_that_is_required_broken_or_too_long_closes_the_connection() {
    static LONG: [u8; 5000] = {
        let mut long = [b'x'; 5000];
        let start = b"PROXY UNKNOWN ";
        let mut at = 0;
        while at < start.len() {
            long[at] = start[at];
            at += 1;
        }
        long
    };
    let server = start(&[(MODE, "2"), (ALLOWED, "127.0.0.1")]);
    for header in [
        b"".as_slice(),
        b"PROXY TCP4 192.0.2.7\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x00",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x00\xff\xff",
        &LONG,
    ] {
        let at = forwarder(server.sftp, header, usize::MAX);
        assert!(!sftp(&server, at).status.success());
    }
    let good = forwarder(server.sftp, V1, usize::MAX);
    assert_eq!(login_address(&server, good), "192.0.2.7");
}

fn threads_of(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/task", server.pid()))
        .unwrap()
        .count()
}

#[test]
fn a_header_that_does_not_come_ends_the_connection_soon_and_costs_no_thread() {
    let server = start(&[(MODE, "2"), (ALLOWED, "127.0.0.1")]);
    let before = threads_of(&server);
    let began = Instant::now();
    let silent: Vec<_> = (0..100)
        .map(|number| {
            let mut stream = TcpStream::connect(server.sftp).unwrap();
            if number % 2 == 0 {
                stream.write_all(b"PROXY TCP4 ").unwrap();
            }
            stream
        })
        .collect();
    // The connections are there, and others are served meanwhile.
    let at = forwarder(server.sftp, V1, usize::MAX);
    assert_eq!(login_address(&server, at), "192.0.2.7");
    assert!(threads_of(&server) < before + 50);
    for mut stream in silent {
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        assert_eq!(stream.read(&mut [0; 64]).unwrap_or(0), 0);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn limits_are_of_the_client_and_not_of_the_proxy() {
    let server = start(&[
        (MODE, "2"),
        (ALLOWED, "127.0.0.1"),
        ("SFTPGO_COMMON__MAX_PER_HOST_CONNECTIONS", "1"),
    ]);
    let greeted = |header: &[u8]| {
        let mut stream = TcpStream::connect(server.sftp).unwrap();
        stream.write_all(header).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let is_greeted = stream.read_exact(&mut [0; 8]).is_ok();
        (is_greeted, stream)
    };
    let (first, _first) = greeted(V1);
    let (other, _other) = greeted(V2);
    let (again, _) = greeted(V1);
    assert_eq!((first, other, again), (true, true, false));
}

#[test]
fn the_client_is_banned_and_not_the_proxy() {
    let server = start(&[
        (MODE, "2"),
        (ALLOWED, "127.0.0.1"),
        ("SFTPGO_COMMON__DEFENDER__THRESHOLD", "4"),
        ("SFTPGO_COMMON__DEFENDER__SCORE_NO_AUTH", "2"),
    ]);
    let is_greeted = |header: &[u8]| {
        let mut stream = TcpStream::connect(server.sftp).unwrap();
        stream.write_all(header).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.read_exact(&mut [0; 8]).is_ok()
    };
    // Each leaves without a login.
    assert!(is_greeted(V1) && is_greeted(V1));
    let ban = server.wait_for_line(|line| line["event"] == "banned");
    assert_eq!(ban["client_ip"], "192.0.2.7");
    let before = threads_of(&server);
    for _ in 0..50 {
        assert!(!is_greeted(V1));
    }
    assert!(
        threads_of(&server) <= before,
        "a banned address costs no thread"
    );
    assert!(is_greeted(V2), "another client of the same proxy");
}

/// Sends a request behind `header` and returns what the log says of its client.
fn http_client(server: &Server, at: SocketAddr, header: &[u8], name: &str) -> Option<String> {
    let mut stream = TcpStream::connect(at).unwrap();
    let request =
        format!("GET /healthz?{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(header).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // A reset is an end too.
    let _ = stream.read_to_string(&mut answer);
    if answer.is_empty() {
        return None;
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let line = server.wait_for_line(|line| line["uri"] == format!("/healthz?{name}"));
    Some(line["remote_addr"].as_str().unwrap().to_owned())
}

#[test]
fn a_binding_of_http_believes_proxies_too_when_it_is_told_to() {
    let (plain, proxied) = (free_address(), free_address());
    let variables = |mode, allowed| {
        vec![
            (MODE, mode),
            (ALLOWED, allowed),
            ("SFTPGO_HTTPD__BINDINGS__1__PROXY_MODE", "1"),
        ]
    };
    let addresses = [plain, proxied].map(|at| (at.ip().to_string(), at.port().to_string()));
    let bindings = [
        (
            "SFTPGO_HTTPD__BINDINGS__0__ADDRESS",
            addresses[0].0.as_str(),
        ),
        ("SFTPGO_HTTPD__BINDINGS__0__PORT", &addresses[0].1),
        ("SFTPGO_HTTPD__BINDINGS__1__ADDRESS", &addresses[1].0),
        ("SFTPGO_HTTPD__BINDINGS__1__PORT", &addresses[1].1),
    ];
    let start = |mode, allowed| Server::start(&[&bindings[..], &variables(mode, allowed)].concat());
    {
        let server = start("2", "127.0.0.0/8");
        let seen = |header, name| http_client(&server, proxied, header, name);
        assert_eq!(seen(V1, "v1").as_deref(), Some("192.0.2.7:40000"));
        assert_eq!(seen(V2, "v2").as_deref(), Some("192.0.2.8:40000"));
        assert!(seen(LOCAL, "local").unwrap().starts_with("127."));
        assert_eq!(seen(b"", "none"), None);
        assert!(http_client(&server, plain, b"", "plain").is_some());
    }
    let server = start("1", "192.0.2.0/24");
    for (header, name) in [(V1, "v1"), (b"".as_slice(), "none")] {
        let seen = http_client(&server, proxied, header, name).unwrap();
        assert!(seen.starts_with("127."), "{seen}");
    }
}
