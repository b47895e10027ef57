//! Receipts, as people get them with OpenSSH and programs by SFTP, verified by OpenSSH.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs::{self, File},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use sftpgo_e2e::{Outcome, Server, answer_password, paramiko, sftp, ssh_options};

const NAMESPACE: &str = "receipt@sftpgo-rs.github.io";
/// Of `content`, as sha256sum says.
const SHA256: &str = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";

fn ssh(server: &Server, line: &str) -> Output {
    let mut command = Command::new("ssh");
    answer_password(&mut command, server);
    command
        .args(ssh_options())
        .args(["-p", &server.sftp_port.to_string(), "bob@127.0.0.1", line])
        .current_dir(server.path(""))
        .output()
        .unwrap()
}

/// Does OpenSSH say that the key in the statement signed it?
fn verify(server: &Server, statement: &str, signature: &str, key: &str) -> Outcome {
    fs::write(server.path("signers"), format!("server {key}\n")).unwrap();
    fs::write(server.path("statement"), statement).unwrap();
    fs::write(server.path("statement.sig"), signature).unwrap();
    let output = Command::new("ssh-keygen")
        .args([
            "-Y", "verify", "-f", "signers", "-I", "server", "-n", NAMESPACE,
        ])
        .args(["-s", "statement.sig"])
        .current_dir(server.path(""))
        .stdin(Stdio::from(File::open(server.path("statement")).unwrap()))
        .output()
        .unwrap();
    Outcome::from(output)
}

fn start(key: &str) -> Server {
    let server = Server::start_with(&[
        ("SFTPGO_SFTPD__RECEIPTS", "true"),
        ("SFTPGO_SFTPD__HOST_KEYS", key),
    ]);
    server.add_user("bob", &json!({}));
    fs::write(server.path("new"), "content").unwrap();
    sftp(&server, "bob", &[], "mkdir d\nput new d/a\n").assert_ok();
    server
}

#[test]
fn openssh_verifies_a_receipt_of_every_kind_of_host_key() {
    for kind in ["id_ed25519", "id_ecdsa", "id_rsa"] {
        let server = start(kind);
        let output = ssh(&server, "receipt ~/d/a");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        let (statement, signature) = said.split_at(said.find('\n').unwrap() + 1);
        let value: Value = serde_json::from_str(statement).unwrap();
        assert_eq!(value["username"], "bob");
        assert_eq!(value["path"], "/d/a");
        assert_eq!(value["size"], 7);
        assert_eq!(value["sha256"], SHA256);
        let key = value["server_key"].as_str().unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-y", "-f", kind])
            .current_dir(server.path(""))
            .output()
            .unwrap();
        let own = String::from_utf8(made.stdout).unwrap();
        assert!(own.starts_with(key), "{own} {key}");
        verify(&server, statement, signature, key).assert_ok();
        let other = statement.replace("\"size\":7", "\"size\":8");
        assert!(!verify(&server, &other, signature, key).ok);
    }
}

#[test]
fn a_program_gets_a_receipt_by_an_extension_of_sftp() {
    let server = start("id_ed25519");
    paramiko(
        &server,
        r#"
from paramiko.sftp import CMD_EXTENDED
def receipt(path):
    kind, answer = s._request(CMD_EXTENDED, "receipt@sftpgo-rs.github.io", path)
    assert kind == 201, kind
    return answer.get_binary(), answer.get_binary()
big = b"x" * (5 << 20)
with s.open("big", "wb") as f:
    f.write(big)
import hashlib, json
statement, signature = receipt("big")
assert json.loads(statement)["sha256"] == hashlib.sha256(big).hexdigest()
for path, expected in (("none", "No such file"), ("d", "")):
    try:
        receipt(path)
        raise SystemExit("there is a receipt of " + path)
    except IOError as e:
        assert expected in str(e), e
# What is asked for meanwhile is done behind it.
statement, signature = receipt("/d/a")
open("got", "wb").write(statement)
open("got.sig", "wb").write(signature)
"#,
    );
    let statement = server.read("got");
    let value: Value = serde_json::from_str(&statement).unwrap();
    assert_eq!(value["sha256"], SHA256);
    let key = value["server_key"].as_str().unwrap();
    verify(&server, &statement, &server.read("got.sig"), key).assert_ok();
}

#[test]
fn nobody_gets_one_who_may_not_read_or_where_they_are_off() {
    let server = start("id_ed25519");
    let refused = |line: &str| {
        let output = ssh(&server, line);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{line}"
        );
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("receipt none").contains("No such file"));
    assert!(refused("receipt a b").contains("name one file"));
    assert!(refused("receipt").contains("name one file"));
    assert!(refused("receipt ../../etc/passwd").contains("No such file"));
    let may_not_read = json!({ "permissions": ["list", "upload"] });
    let id = server.rest("GET", "/api/v1/user?username=bob", None).1[0]["id"].clone();
    let mut user = server.rest("GET", "/api/v1/user?username=bob", None).1[0].clone();
    user["permissions"] = may_not_read["permissions"].clone();
    let (status, answer) = server.rest("PUT", &format!("/api/v1/user/{id}"), Some(&user));
    assert_eq!(status, 200, "{answer}");
    assert!(refused("receipt d/a").contains("Permission denied"));
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let output = ssh(&server, "receipt a");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("This service allows SFTP connections only"),
        "{said}"
    );
}
