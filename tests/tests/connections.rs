//! How many connections and open files there may be, and that one user's leave others theirs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::Read,
    net::TcpStream,
    process::{Child, Stdio},
    time::Duration,
};

use serde_json::json;
use sftpgo_e2e::{Server, python_command, sftp, wait_for};

/// Opens files and directories on two channels of each of two connections until that is refused everywhere, says how
/// many there are, and holds them until its input ends.
const HOARD: &str = r#"
import os, paramiko, sys
opened = []
def hoard(open_one):
    while True:
        try:
            opened.append(open_one())
        except IOError as error:
            assert "too many open" in str(error), error
            return
transports = []
for _ in range(2):
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.connect(username="mallory", password="secret")
    transports.append(t)
    for _ in range(2):
        s = paramiko.SFTPClient.from_transport(t)
        hoard(lambda: s.open("f%d" % len(opened), "w"))
        hoard(lambda: s._request(paramiko.sftp.CMD_OPENDIR, b"/"))
print(len(opened), flush=True)
sys.stdin.read()
"#;

fn hoard(server: &Server) -> (Child, usize) {
    let mut client = python_command(server, HOARD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let output = client.stdout.as_mut().unwrap();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        said.push(char::from(byte[0]));
    }
    (client, said.parse().unwrap())
}

#[test]
fn a_user_who_opens_all_that_can_be_had_leaves_others_files_and_connections() {
    for upload_mode in ["0", "1"] {
        let server =
            Server::start_with_open_files(256, &[("SFTPGO_SFTPD__UPLOAD_MODE", upload_mode)]);
        server.add_user("mallory", &json!({}));
        server.add_user("bob", &json!({ "quota_files": 1000 }));
        let (mut client, opened) = hoard(&server);
        assert!(opened > 20, "{opened}");
        let descriptors = fs::read_dir(format!("/proc/{}/fd", server.pid()))
            .unwrap()
            .count();
        assert!(descriptors < 192, "{descriptors} for {opened} handles");
        fs::write(server.path("l"), "content").unwrap();
        for _ in 0..3 {
            sftp(&server, "bob", &[], "put l a\nget a b\nls\n").assert_ok();
            let (status, _) = server.rest("GET", "/api/v1/user", None);
            assert_eq!(status, 200);
        }
        assert!(!server.read("sftpgo.log").contains("can be accepted"));
        drop(client.stdin.take());
        assert!(client.wait().unwrap().success());
    }
}

/// Connects and reads what the server says first: nothing when it refuses.
fn greeting(server: &Server) -> (TcpStream, bool) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.sftp_port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let is_greeted = matches!(stream.read(&mut [0]), Ok(1));
    (stream, is_greeted)
}

#[test]
fn connections_are_limited_in_all_and_for_each_address_and_told_of_once() {
    for (key, name) in [
        (
            "SFTPGO_COMMON__MAX_TOTAL_CONNECTIONS",
            "max_total_connections",
        ),
        (
            "SFTPGO_COMMON__MAX_PER_HOST_CONNECTIONS",
            "max_per_host_connections",
        ),
    ] {
        let server = Server::start_with(&[(key, "3")]);
        server.add_user("bob", &json!({}));
        let mut open = Vec::new();
        // The connection that looked whether the server listens may be there still.
        wait_for("three to be let in", || {
            let (stream, is_greeted) = greeting(&server);
            if is_greeted {
                open.push(stream);
            }
            open.len() == 3
        });
        for _ in 0..20 {
            assert!(!greeting(&server).1);
        }
        let told = || server.read("sftpgo.log").matches(name).count();
        // Once more where that connection left in between.
        assert!((1..=2).contains(&told()), "{}", server.read("sftpgo.log"));
        open.pop();
        wait_for("one to be let in", || {
            let (stream, is_greeted) = greeting(&server);
            if is_greeted {
                open.push(stream);
            }
            is_greeted
        });
        drop(open);
        wait_for("a login", || sftp(&server, "bob", &[], "ls\n").ok);
    }
}
