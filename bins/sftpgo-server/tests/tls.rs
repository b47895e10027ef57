//! HTTP over TLS, as curl and openssl see it.

#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::{
    Server,
    certificates::{Authority, Pair, openssl, self_signed, text},
    free_address, run,
};
use rustix::process::Signal;
use serde_json::json;

const CERTIFICATE: &str = "SFTPGO_HTTPD__CERTIFICATE_FILE";
const KEY: &str = "SFTPGO_HTTPD__CERTIFICATE_KEY_FILE";

/// Runs curl, which prints the status, the version of HTTP and what went wrong.
fn curl(url: &str, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--max-time", "20"])
        .args([
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code} %{http_version}",
        ])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// What openssl says of a handshake.
fn handshake(server: SocketAddr, arguments: &[&str]) -> String {
    let address = server.to_string();
    let output = openssl(&[&["s_client", "-connect", &address], arguments].concat());
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// The certificate that the server shows.
fn shown_certificate(server: SocketAddr) -> String {
    let said = handshake(server, &[]);
    let begin = said.find("-----BEGIN CERTIFICATE-----").unwrap();
    let end = said.find("-----END CERTIFICATE-----").unwrap();
    said[begin..end].to_owned()
}

fn certificate_in(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("-----END").next().unwrap().to_owned()
}

fn wait_until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < patience, "{what}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// A server whose certificate is `name` in its own directory.
fn start(more: &[(&str, &str)]) -> Server {
    let directory = tempfile::tempdir().unwrap();
    self_signed(directory.path(), "server");
    let files = [(CERTIFICATE, "server.crt"), (KEY, "server.key")];
    Server::start_in(directory, &[&files[..], more].concat())
}

#[test]
fn both_versions_of_http_are_spoken_and_the_newer_is_preferred() {
    let server = start(&[]);
    let url = format!("https://{}", server.rest);
    assert!(
        server.welcome.contains(&format!("{url}/api/v1")),
        "{}",
        server.welcome
    );
    let version = format!("{url}/api/v1/version");
    for (arguments, expected) in [
        (&[][..], "200 2"),
        (&["--http2"], "200 2"),
        (&["--http1.1"], "200 1.1"),
        (&["--no-alpn"], "200 1.1"),
        (&["--http1.0"], "200 1"),
    ] {
        assert_eq!(curl(&version, arguments), expected, "{arguments:?}");
    }
    // The name that the request is for is looked at in both.
    let other = ["--header", "Host: evil.test"];
    for protocol in ["--http1.1", "--http2"] {
        let said = curl(&version, &[&[protocol][..], &other].concat());
        assert!(said.starts_with("403 "), "{said}");
    }
    // Of the newer, one connection has many requests at once.
    let long = format!("X-Long: {}", "x".repeat(20_000));
    for (protocol, expected) in [("--http1.1", "200 1.1"), ("--http2", "431 2")] {
        let said = curl(&version, &[protocol, "--header", &long]);
        assert_eq!(said, expected);
    }
    let user = json!({
        "username": "alice", "password": "secret", "home_dir": "/srv/alice", "permissions": ["*"]
    });
    let body = ["--http2", "--data", &user.to_string()];
    assert_eq!(curl(&format!("{url}/api/v1/user"), &body), "200 2");
    let request = server.wait_for_line(|line| line["proto"] == "HTTP/2.0");
    assert_eq!(request["uri"], "/api/v1/version");
    let plain = curl(&format!("http://{}/healthz", server.rest), &[]);
    assert!(plain.starts_with("000 "), "{plain}");
}

#[test]
fn a_handshake_needs_no_name_and_no_agreement_on_http_but_a_new_version_of_tls() {
    let server = start(&[]);
    for (arguments, expected) in [
        (&["-noservername"][..], "Protocol  : TLSv1.3"),
        (&["-noservername"], "New, TLSv1.3"),
        (&["-tls1_2"], "New, TLSv1.2"),
        (&["-tls1_3"], "New, TLSv1.3"),
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "alert"),
        (&["-alpn", "h2,http/1.1"], "ALPN protocol: h2"),
        (&["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
        (&["-alpn", "ftp"], "no application protocol"),
    ] {
        let said = handshake(server.rest, arguments);
        let old_words = expected.starts_with("Protocol") && said.contains("TLSv1.3");
        assert!(
            said.contains(expected) || old_words,
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_binding_says_what_its_tls_is_like() {
    let (new, old, clear) = (free_address(), free_address(), free_address());
    let server = start(&[
        ("SFTPGO_HTTPD__BINDINGS__0__ADDRESS", &new.ip().to_string()),
        ("SFTPGO_HTTPD__BINDINGS__0__PORT", &new.port().to_string()),
        ("SFTPGO_HTTPD__BINDINGS__0__ENABLE_HTTPS", "true"),
        ("SFTPGO_HTTPD__BINDINGS__0__MIN_TLS_VERSION", "13"),
        ("SFTPGO_HTTPD__BINDINGS__0__TLS_PROTOCOLS", "http/1.1"),
        ("SFTPGO_HTTPD__BINDINGS__0__SECURITY__ENABLED", "true"),
        (
            "SFTPGO_HTTPD__BINDINGS__0__SECURITY__STS_SECONDS",
            "31536000",
        ),
        ("SFTPGO_HTTPD__BINDINGS__1__ADDRESS", &old.ip().to_string()),
        ("SFTPGO_HTTPD__BINDINGS__1__PORT", &old.port().to_string()),
        ("SFTPGO_HTTPD__BINDINGS__1__ENABLE_HTTPS", "true"),
        (
            "SFTPGO_HTTPD__BINDINGS__1__TLS_CIPHER_SUITES",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            "SFTPGO_HTTPD__BINDINGS__2__ADDRESS",
            &clear.ip().to_string(),
        ),
        ("SFTPGO_HTTPD__BINDINGS__2__PORT", &clear.port().to_string()),
    ]);
    assert!(handshake(new, &["-tls1_2"]).contains("alert"));
    assert!(handshake(new, &["-tls1_3"]).contains("New, TLSv1.3"));
    let said = handshake(old, &["-tls1_2"]);
    assert!(said.contains("ECDHE-ECDSA-AES256-GCM-SHA384"), "{said}");
    let refused = handshake(
        old,
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
    );
    assert!(refused.contains("handshake failure"), "{refused}");
    let strict = ["--write-out", " %header{strict-transport-security}"];
    for (url, expected) in [
        (format!("https://{new}/healthz"), " max-age=31536000"),
        (format!("https://{old}/healthz"), " "),
        (format!("http://{clear}/healthz"), " "),
    ] {
        assert_eq!(curl(&url, &strict), expected, "{url}");
    }
    assert_eq!(curl(&format!("https://{new}/healthz"), &[]), "200 1.1");
    let asked = run(
        server.directory.path(),
        &["ping"],
        &[
            (CERTIFICATE, "server.crt"),
            (KEY, "server.key"),
            ("SFTPGO_HTTPD__BIND_ADDRESS", &old.ip().to_string()),
            ("SFTPGO_HTTPD__BIND_PORT", &old.port().to_string()),
        ],
    );
    assert_eq!(
        (asked.code, asked.stdout.as_str()),
        (Some(0), "ok\n"),
        "{}",
        asked.stderr
    );
}

#[test]
fn only_clients_with_a_certificate_of_the_authority_that_is_not_revoked_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    self_signed(path, "server");
    let (ours, other) = (Authority::new(path, "ours"), Authority::new(path, "other"));
    let (good, bad, foreign) = (ours.sign("good"), ours.sign("bad"), other.sign("foreign"));
    ours.revoke(&[], &path.join("revoked.pem"));
    let address = free_address();
    let authorities = text(&ours.pair.certificate).to_owned();
    let server = Server::start_in(
        directory,
        &[
            (CERTIFICATE, "server.crt"),
            (KEY, "server.key"),
            ("SFTPGO_HTTPD__CA_CERTIFICATES", &authorities),
            ("SFTPGO_HTTPD__CA_REVOCATION_LISTS", "revoked.pem"),
            (
                "SFTPGO_HTTPD__BINDINGS__0__ADDRESS",
                &address.ip().to_string(),
            ),
            (
                "SFTPGO_HTTPD__BINDINGS__0__PORT",
                &address.port().to_string(),
            ),
            ("SFTPGO_HTTPD__BINDINGS__0__ENABLE_HTTPS", "true"),
            ("SFTPGO_HTTPD__BINDINGS__0__CLIENT_AUTH_TYPE", "1"),
        ],
    );
    let url = format!("https://{address}/healthz");
    let with = |pair: &Pair| {
        let arguments = ["--cert", text(&pair.certificate), "--key", text(&pair.key)];
        curl(&url, &arguments)
    };
    assert_eq!(
        (with(&good), with(&bad)),
        ("200 2".to_owned(), "200 2".to_owned())
    );
    assert!(with(&foreign).starts_with("000 "));
    assert!(curl(&url, &[]).starts_with("000 "));
    ours.revoke(&[&bad], &server.directory.path().join("revoked.pem"));
    server.signal(Signal::HUP);
    wait_until("the list is read again", Duration::from_secs(10), || {
        with(&bad).starts_with("000 ")
    });
    assert_eq!(with(&good), "200 2");
}

/// As Kubernetes and certbot change certificates, and as an operator may get it wrong.
#[test]
fn changed_files_are_read_again_however_they_change_and_broken_ones_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for name in ["first", "second", "third"] {
        fs::create_dir(path.join(name)).unwrap();
        self_signed(&path.join(name), "tls");
    }
    let in_directory = |name: &str| path.join(name).join("tls.crt");
    let certificates = ["first", "second", "third"].map(|name| certificate_in(&in_directory(name)));
    let [first, second, third] = certificates;
    symlink("first", path.join("current")).unwrap();
    let server = Server::start_in(
        directory,
        &[(CERTIFICATE, "current/tls.crt"), (KEY, "current/tls.key")],
    );
    let path = server.directory.path();
    assert_eq!(shown_certificate(server.rest), first);

    // A link that is swapped, without a signal.
    symlink("second", path.join("next")).unwrap();
    fs::rename(path.join("next"), path.join("current")).unwrap();
    wait_until("the link is noticed", Duration::from_secs(60), || {
        shown_certificate(server.rest) == second
    });

    // A certificate without its key, asked for by a signal: the log says so, and the old pair stays.
    fs::copy(path.join("third/tls.crt"), path.join("second/tls.crt")).unwrap();
    server.signal(Signal::HUP);
    let complaint = server.wait_for_line(|line| {
        line["level"] == "error"
            && line["message"]
                .as_str()
                .unwrap()
                .contains("is not the key of")
    });
    assert!(
        complaint["message"].as_str().unwrap().contains("TLS"),
        "{complaint}"
    );
    assert_eq!(shown_certificate(server.rest), second);

    // Its key, renamed into its place.
    fs::copy(path.join("third/tls.key"), path.join("second/new.key")).unwrap();
    fs::rename(path.join("second/new.key"), path.join("second/tls.key")).unwrap();
    server.signal(Signal::HUP);
    wait_until("the signal is heard", Duration::from_secs(10), || {
        shown_certificate(server.rest) == third
    });
}

#[test]
fn what_cannot_be_used_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    self_signed(path, "server");
    self_signed(path, "other");
    fs::write(path.join("empty"), "").unwrap();
    let encrypted = openssl(&[
        "ec",
        "-aes256",
        "-passout",
        "pass:secret",
        "-in",
        text(&path.join("server.key")),
        "-out",
        text(&path.join("encrypted.key")),
    ]);
    assert!(encrypted.status.success());
    for (certificate, key, expected) in [
        ("server.crt", "other.key", "httpd.certificate_key_file: "),
        (
            "server.crt",
            "",
            "httpd.certificate_key_file: the certificate needs",
        ),
        (
            "",
            "server.key",
            "httpd.certificate_file: the private key needs",
        ),
        ("missing", "server.key", "httpd.certificate_file: "),
        ("server.crt", "missing", "httpd.certificate_key_file: "),
        ("empty", "server.key", "httpd.certificate_file: "),
        ("server.key", "server.key", "httpd.certificate_file: "),
        ("server.crt", "empty", "httpd.certificate_key_file: "),
        (
            "server.crt",
            "encrypted.key",
            "httpd.certificate_key_file: ",
        ),
    ] {
        for command in ["serve", "check-config"] {
            let ended = run(path, &[command], &[(CERTIFICATE, certificate), (KEY, key)]);
            assert_eq!(ended.code, Some(1), "{certificate} {key}");
            assert!(
                ended.stderr.starts_with(&format!("error: {expected}")),
                "{certificate} {key}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn handshakes_that_stall_hold_up_nobody_and_end() {
    let server = start(&[]);
    let began = Instant::now();
    let stalled: Vec<_> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(server.rest).unwrap();
            // Half of them have sent the beginning of a hello.
            if number % 2 == 0 {
                stream
                    .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
                    .unwrap();
            }
            stream
        })
        .collect();
    let asked = Instant::now();
    let url = format!("https://{}/healthz", server.rest);
    for _ in 0..3 {
        assert_eq!(curl(&url, &[]), "200 2");
    }
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    for mut stream in stalled {
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // An alert, an end or a reset.
        let _ = stream.read(&mut [0; 64]);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(50), "{took:?}");
    assert_eq!(curl(&url, &[]), "200 2");
}
