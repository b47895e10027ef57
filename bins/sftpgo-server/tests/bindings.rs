//! Several places where HTTP listens, and clients behind a proxy.

#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{fs, os::unix::net::UnixListener, process::Command};

use common::{Server, free_address, run};
use rustix::process::Signal;

/// Runs curl and returns what it prints.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "10"])
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_port_and_a_socket_are_served_at_once_and_the_socket_goes_with_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("http.sock");
    let path = socket.to_str().unwrap().to_owned();
    // A server that was killed left it.
    drop(UnixListener::bind(&socket).unwrap());
    let port = free_address();
    let variables = [
        ("SFTPGO_HTTPD__BINDINGS__0__ADDRESS", path.as_str()),
        ("SFTPGO_HTTPD__BINDINGS__1__ADDRESS", &port.ip().to_string()),
        ("SFTPGO_HTTPD__BINDINGS__1__PORT", &port.port().to_string()),
        ("SFTPGO_HTTPD__BINDINGS__1__ENABLE_REST_API", "false"),
    ];
    let mut server = Server::start_in(directory, &variables);
    assert!(server.welcome.contains(&path), "{}", server.welcome);
    let over_socket = ["--unix-socket", &path];
    let version = curl(&[&over_socket[..], &["http://localhost/api/v1/version"]].concat());
    assert!(version.contains("commit_hash"), "{version}");
    // The one port of older versions is not there.
    let old = curl(&[&format!("http://{}/healthz", server.rest)]);
    assert!(old.contains("curl: (7)"), "{old}");
    let status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
    for (path, expected) in [("/healthz", "200"), ("/api/v1/version", "404")] {
        let url = format!("http://{port}{path}");
        assert_eq!(curl(&[&status[..], &[&url]].concat()), expected, "{path}");
    }
    let asked = run(server.directory.path(), &["ping"], &variables);
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(0), "ok\n"));
    let request = server.wait_for_line(|line| line["uri"] == "/api/v1/version");
    assert_eq!(request["remote_addr"], "local");

    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_end(), Some(0));
    assert!(!socket.exists());
    let asked = run(server.directory.path(), &["ping"], &variables);
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("does not answer"), "{}", asked.stderr);
}

#[test]
fn only_a_trusted_proxy_says_who_its_client_is() {
    let (trusting, other) = (free_address(), free_address());
    let server = Server::start(&[
        (
            "SFTPGO_HTTPD__BINDINGS__0__ADDRESS",
            &trusting.ip().to_string(),
        ),
        (
            "SFTPGO_HTTPD__BINDINGS__0__PORT",
            &trusting.port().to_string(),
        ),
        ("SFTPGO_HTTPD__BINDINGS__0__PROXY_ALLOWED", "127.0.0.0/8"),
        (
            "SFTPGO_HTTPD__BINDINGS__0__CLIENT_IP_PROXY_HEADER",
            "X-Forwarded-For",
        ),
        ("SFTPGO_HTTPD__BINDINGS__0__CLIENT_IP_HEADER_DEPTH", "1"),
        (
            "SFTPGO_HTTPD__BINDINGS__1__ADDRESS",
            &other.ip().to_string(),
        ),
        ("SFTPGO_HTTPD__BINDINGS__1__PORT", &other.port().to_string()),
        (
            "SFTPGO_HTTPD__BINDINGS__1__CLIENT_IP_PROXY_HEADER",
            "X-Forwarded-For",
        ),
    ]);
    for (binding, name) in [(trusting, "trusting"), (other, "other")] {
        curl(&[
            "--header",
            "X-Forwarded-For: 203.0.113.1, 192.0.2.7, 10.0.0.1",
            &format!("http://{binding}/healthz?{name}"),
        ]);
    }
    let address = |name: &str| {
        let uri = format!("/healthz?{name}");
        let line = server.wait_for_line(|line| line["uri"] == uri);
        line["remote_addr"].as_str().unwrap().to_owned()
    };
    assert_eq!(address("trusting"), "192.0.2.7");
    assert!(address("other").starts_with("127."));
}

#[test]
fn a_file_at_the_place_of_a_socket_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("precious");
    fs::write(&path, "text").unwrap();
    let variables = [("SFTPGO_HTTPD__BIND_ADDRESS", path.to_str().unwrap())];
    let ended = run(directory.path(), &["serve"], &variables);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("httpd.bind_address: ") && ended.stderr.contains("is no socket"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
}
