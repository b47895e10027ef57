//! How many may come in a time, and what an operator's hooks say of connections: by real clients, each from an address of its
//! own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use serde_json::json;
use sftpgo_e2e::{Server, sftp, wait_for};

/// Nobody gets another one within the test.
const LIMITS: &str = r#"[
    {"average": 1, "period": 3600000, "burst": 3, "protocols": ["SSH"], "generate_defender_events": true},
    {"average": 1, "period": 3600000, "burst": 20, "protocols": ["HTTP"]}]"#;

fn logs_in(server: &Server, from: &str) -> bool {
    let bind = format!("-oBindAddress={from}");
    sftp(server, "alice", &[&bind], "pwd\n").ok
}

/// The head of an answer to a request from an address.
fn head(server: &Server, from: &str, path: &str) -> String {
    let url = format!("http://127.0.0.1:{}{path}", server.http_port);
    let output = Command::new("curl")
        .args(["-s", "-D-", "-o/dev/null", "--interface", from, &url])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().to_lowercase()
}

#[test]
fn who_comes_too_often_is_refused_and_another_address_is_not() {
    let server = Server::start_with(&[("SFTPGO_COMMON__RATE_LIMITERS", LIMITS)]);
    server.add_user("alice", &json!({}));
    for _ in 0..3 {
        assert!(logs_in(&server, "127.0.0.2"));
    }
    assert!(!logs_in(&server, "127.0.0.2"));
    assert!(logs_in(&server, "127.0.0.3"));
    let mut greeting = String::new();
    // The server was waited for from there.
    let mut refused = TcpStream::connect(("127.0.0.1", server.sftp_port)).unwrap();
    for _ in 0..5 {
        refused = TcpStream::connect(("127.0.0.1", server.sftp_port)).unwrap();
    }
    let _ = refused.read_to_string(&mut greeting);
    assert_eq!(greeting, "", "closed before a greeting");

    for _ in 0..20 {
        let head = head(&server, "127.0.0.2", "/api/v1/version");
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
    for path in ["/api/v1/version", "/api/v2/version", "/web"] {
        let head = head(&server, "127.0.0.2", path);
        assert!(head.starts_with("http/1.1 429"), "{head}");
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {head}"))
                .trim()
                .to_owned()
        };
        assert!((1..=3600).contains(&header("retry-after:").parse().unwrap()));
        assert!(header("x-retry-in:").ends_with('s'));
    }
    let health = head(&server, "127.0.0.2", "/healthz");
    assert!(health.starts_with("http/1.1 200"), "{health}");
    let other = head(&server, "127.0.0.3", "/api/v1/version");
    assert!(other.starts_with("http/1.1 200"), "{other}");
    wait_for("the count of refusals", || {
        let url = format!("http://127.0.0.1:{}/metrics", server.http_port);
        let metrics = ureq::get(&url).call().unwrap().body_mut().read_to_string();
        let metrics = metrics.unwrap();
        let counted = metrics
            .lines()
            .find_map(|line| line.strip_prefix("sftpgo_rate_limited_total "));
        counted.is_some_and(|count| count.parse::<u32>().unwrap() >= 5)
    });
}

/// Written by another process: a file that this one has open for writing while another test starts a program cannot be run
/// for a moment.
fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    let written = Command::new("/bin/sh")
        .args([
            "-c",
            "printf '#!/bin/sh\n%s\n' \"$1\" > \"$2\" && chmod 700 \"$2\"",
            "sh",
            text,
        ])
        .arg(&path)
        .status();
    assert!(written.unwrap().success());
    path
}

#[test]
fn programs_decide_about_connections_and_hear_of_their_end() {
    let directory = tempfile::tempdir().unwrap();
    let seen = |name: &str| directory.path().join(name);
    let read = |name: &str| fs::read_to_string(seen(name)).unwrap_or_default();
    let allow = script(
        directory.path(),
        "connect",
        &format!(
            "echo $SFTPGO_CONNECTION_IP $SFTPGO_CONNECTION_PROTOCOL >> {}\n\
             echo seen >&2\n[ $SFTPGO_CONNECTION_IP = 127.0.0.2 ]",
            seen("connected").display()
        ),
    );
    let ended = script(
        directory.path(),
        "disconnect",
        &format!(
            "echo $SFTPGO_CONNECTION_IP $SFTPGO_CONNECTION_PROTOCOL \"'$SFTPGO_CONNECTION_USERNAME'\" \
             $SFTPGO_CONNECTION_DURATION >> {}",
            seen("disconnected").display()
        ),
    );
    let started = script(
        directory.path(),
        "startup",
        &format!("echo $GREETING > {}", seen("started").display()),
    );
    let server = Server::start_with(&[
        ("SFTPGO_COMMON__STARTUP_HOOK", started.to_str().unwrap()),
        ("SFTPGO_COMMON__POST_CONNECT_HOOK", allow.to_str().unwrap()),
        (
            "SFTPGO_COMMON__POST_DISCONNECT_HOOK",
            ended.to_str().unwrap(),
        ),
        ("SFTPGO_COMMAND__ENV", "GREETING=hello"),
    ]);
    server.add_user("alice", &json!({}));
    wait_for("the program of the start", || read("started") == "hello\n");
    assert!(logs_in(&server, "127.0.0.2"));
    assert!(!logs_in(&server, "127.0.0.3"));
    assert!(read("connected").contains("127.0.0.3 SSH\n"));
    wait_for("the program of the end", || {
        !read("disconnected").is_empty()
    });
    // A client that leaves without a login is heard of too, and one that was refused is not.
    let bind = "-oBindAddress=127.0.0.2";
    assert!(!sftp(&server, "nobody", &[bind], "pwd\n").ok);
    let lines = || -> Vec<String> { read("disconnected").lines().map(str::to_owned).collect() };
    wait_for("both ends", || lines().len() == 2);
    for (line, expected) in lines()
        .iter()
        .zip(["127.0.0.2 SFTP 'alice' ", "127.0.0.2 SSH '' "])
    {
        let duration = line
            .strip_prefix(expected)
            .unwrap_or_else(|| panic!("{line}"));
        assert!(duration.parse::<u64>().is_ok(), "{line}");
    }
}

/// Answers 200 to what is asked of 127.0.0.2, and 403 to everything else, and passes on what was asked.
fn doorman() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/door?key=1", listener.local_addr().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut request = String::new();
            while stream.read_line(&mut request).unwrap() > 2 {}
            let status = if request.contains("ip=127.0.0.2") {
                200
            } else {
                403
            };
            let answer =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.get_mut().write_all(answer.as_bytes());
            let _ = sender.send(request);
        }
    });
    (url, receiver)
}

#[test]
fn a_url_decides_about_connections() {
    let (url, asked) = doorman();
    let server = Server::start_with(&[("SFTPGO_COMMON__POST_CONNECT_HOOK", &url)]);
    server.add_user("alice", &json!({}));
    assert!(logs_in(&server, "127.0.0.2"));
    assert!(!logs_in(&server, "127.0.0.3"));
    let asked: Vec<_> = asked.try_iter().collect();
    let expected = "GET /door?key=1&ip=127.0.0.2&protocol=SSH HTTP/1.1";
    assert!(
        asked.iter().any(|asked| asked.starts_with(expected)),
        "{asked:?}"
    );
}

#[test]
fn a_crowd_starts_a_bounded_number_of_programs_and_another_client_gets_its_turn() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal");
    let hook = script(
        directory.path(),
        "connect",
        &format!("echo + >> {0}\nsleep 0.2\necho - >> {0}", journal.display()),
    );
    let server =
        Server::start_with(&[("SFTPGO_COMMON__POST_CONNECT_HOOK", hook.to_str().unwrap())]);
    server.add_user("alice", &json!({}));
    let crowd: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(("127.0.0.1", server.sftp_port)).unwrap())
        .collect();
    assert!(logs_in(&server, "127.0.0.2"));
    let (mut running, mut most, mut begun) = (0_i32, 0, 0);
    for line in fs::read_to_string(&journal).unwrap().lines() {
        running += if line == "+" { 1 } else { -1 };
        begun += i32::from(line == "+");
        most = most.max(running);
    }
    assert!((1..=16).contains(&most), "{most}");
    assert!(
        begun < 200,
        "the client's turn came before the crowd was through"
    );
    drop(crowd);
}
