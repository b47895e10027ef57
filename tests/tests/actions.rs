//! Actions of a running server: what programs and URLs get of names that are no text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::json;
use sftpgo_e2e::{Server, paramiko, wait_for};

/// Writes its arguments, each behind its length, whatever bytes they are.
const HOOK: &str = r#"#!/bin/sh
LC_ALL=C
for argument; do printf '%s:%s,' "${#argument}" "$argument"; done >"$0.$1"
"#;

#[test]
fn programs_and_urls_get_names_as_their_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let hook = directory.path().join("hook");
    fs::write(&hook, HOOK).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            sender.send(line).unwrap();
        }
    });
    let server = Server::start_with(&[
        ("SFTPGO_SFTPD__ACTIONS__EXECUTE_ON", "upload,rename"),
        ("SFTPGO_SFTPD__ACTIONS__COMMAND", hook.to_str().unwrap()),
        ("SFTPGO_SFTPD__ACTIONS__HTTP_NOTIFICATION_URL", &url),
    ]);
    server.add_user("bob", &json!({}));
    paramiko(
        &server,
        r#"
s.open(b"caf\xe9", "w").close()
s.rename(b"caf\xe9", b"-\xff\xfe b")
"#,
    );

    let home = server.home("bob").display().to_string();
    let path = |name: &[u8]| [home.as_bytes(), b"/", name].concat();
    let (old, new) = (path(b"caf\xe9"), path(b"-\xff\xfe b"));
    let argument = |text: &[u8]| [format!("{}:", text.len()).as_bytes(), text, b","].concat();
    for (action, arguments) in [
        ("upload", [&b"upload"[..], b"bob", &old, b""]),
        ("rename", [b"rename", b"bob", &old, &new]),
    ] {
        let expected = arguments.map(argument).concat();
        let seen = || fs::read(hook.with_extension(action)).unwrap_or_default();
        wait_for("the program to end", || seen().len() >= expected.len());
        assert!(seen() == expected, "{}", seen().escape_ascii());
    }

    let mut lines: Vec<_> = (0..2)
        .map(|_| requests.recv_timeout(Duration::from_secs(30)).unwrap())
        .collect();
    lines.sort();
    let encoded = home.replace('/', "%2F");
    assert_eq!(
        lines,
        [
            format!(
                "GET /hook?action=rename&username=bob&path={encoded}%2Fcaf%E9&target_path={encoded}%2F-%FF%FE%20b HTTP/1.1\r\n"
            ),
            format!("GET /hook?action=upload&username=bob&path={encoded}%2Fcaf%E9 HTTP/1.1\r\n"),
        ]
    );
}
