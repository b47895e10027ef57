//! Receipts, as people get them with OpenSSH and programs by SFTP, verified by OpenSSH.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use sftpgo_e2e::{
    Outcome, Server, answer_password, binary, paramiko, run, sftp, ssh_options, wait_for,
};

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

/// A server where each upload leaves a receipt, with `bob`, who has these permissions.
fn keeping(permissions: &[&str]) -> Server {
    let server = Server::start_with(&[
        ("SFTPGO_SFTPD__RECEIPTS", "true"),
        ("SFTPGO_SFTPD__RECEIPTS_DIR", "receipts"),
        ("SFTPGO_SFTPD__ENABLE_SCP", "true"),
    ]);
    let fields = json!({ "permissions": permissions, "quota_files": 10_000 });
    server.add_user("bob", &fields);
    fs::write(server.path("new"), "content").unwrap();
    server
}

/// Makes the admin `root`, who has these permissions, and a key by which the command line acts for that admin.
fn make_admin(server: &Server, permissions: &[&str]) {
    let code = fs::read_to_string(server.path("setup-code")).unwrap();
    let password = "correct horse battery";
    let root = json!({
        "username": "root", "password": password, "status": 1, "permissions": permissions,
        "filters": { "allow_api_key_auth": true },
    });
    let setup = [("X-SFTPGO-SETUP-CODE", code.trim())];
    let (status, said) = server.rest_with("POST", "/api/v2/admins", &setup, Some(&root));
    assert_eq!(status, 201, "{said}");
    fs::write(server.path("password"), password).unwrap();
    let login = cli(
        server,
        &["login", "--username", "root", "--password-file", "password"],
    );
    assert!(login.status.success(), "{login:?}");
}

fn cli(server: &Server, arguments: &[impl AsRef<OsStr>]) -> Output {
    Command::new(binary("sftpgo-cli"))
        .env(
            "SFTPGO_URL",
            format!("http://127.0.0.1:{}", server.http_port),
        )
        .env("HOME", server.path(""))
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("SFTPGO_API_KEY")
        .args(arguments)
        .current_dir(server.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A receipt by the command line, verified by OpenSSH; the statement.
fn receipt(server: &Server, arguments: &[&str]) -> Value {
    let output = cli(server, &[&["receipt"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    verified(server, &String::from_utf8(output.stdout).unwrap())
}

/// The statement of a receipt as it is printed, once OpenSSH has verified it.
fn verified(server: &Server, said: &str) -> Value {
    let (statement, signature) = said.split_at(said.find('\n').unwrap() + 1);
    let value: Value = serde_json::from_str(statement).unwrap();
    let key = value["server_key"].as_str().unwrap();
    verify(server, statement, signature, key).assert_ok();
    value
}

/// What is kept, whole or not.
fn kept(server: &Server) -> Vec<PathBuf> {
    let directories = fs::read_dir(server.path("receipts")).unwrap();
    let files = directories.flat_map(|directory| fs::read_dir(directory.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
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

#[test]
fn each_upload_leaves_a_receipt_that_openssh_verifies() {
    let server = keeping(&["*"]);
    make_admin(&server, &["*"]);
    sftp(
        &server,
        "bob",
        &[],
        "mkdir d\nput new d/a\nput new \"d/with blanks\"\ncp d/a d/copy\nput -p new d/t\nrename d/t d/u\n",
    )
    .assert_ok();
    let mut scp = Command::new("scp");
    answer_password(&mut scp, &server);
    scp.args(ssh_options()).args([
        "-O",
        "-P",
        &server.sftp_port.to_string(),
        "new",
        "bob@127.0.0.1:d/scp",
    ]);
    run(&server, &mut scp).assert_ok();
    for path in ["/d/a", "/d/with blanks", "/d/copy", "/d/scp", "/d/t"] {
        let value = receipt(&server, &["bob", path, "--upload"]);
        assert_eq!(value["path"], path);
        assert_eq!(value["username"], "bob");
        assert_eq!(value["sha256"], SHA256);
        assert_eq!(value["upload"], "whole");
    }
    // It says what came, whatever has become of the file.
    sftp(&server, "bob", &[], "rm d/a\n").assert_ok();
    assert_eq!(receipt(&server, &["bob", "d/a"])["sha256"], SHA256);
    fs::write(server.home("bob").join("d/copy"), "other").unwrap();
    let of_upload = receipt(&server, &["bob", "/d/copy"]);
    let now = receipt(&server, &["bob", "/d/copy", "--now"]);
    assert_eq!((&of_upload["size"], &now["size"]), (&json!(7), &json!(5)));
    assert_eq!(now["upload"], Value::Null);
    // Of the last upload, without an upload the file as it is.
    fs::write(server.path("new"), "newer content").unwrap();
    sftp(&server, "bob", &[], "put new d/copy\n").assert_ok();
    assert_eq!(receipt(&server, &["bob", "/d/copy"])["size"], 13);
    assert_eq!(receipt(&server, &["bob", "/d/u"])["upload"], Value::Null);
    // Nothing of it counts, and nothing of it is in the home.
    assert_eq!(kept(&server).len(), 5);
    let (status, user) = server.rest_with(
        "GET",
        "/api/v1/user?username=bob",
        &[("Authorization", &basic())],
        None,
    );
    assert_eq!(status, 200, "{user}");
    assert_eq!(user[0]["used_quota_files"], 4);
}

/// How `root` proves who it is.
fn basic() -> String {
    "Basic cm9vdDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=".to_owned()
}

#[test]
fn an_admin_hears_why_there_is_no_receipt_and_saves_one() {
    let server = keeping(&["*"]);
    make_admin(&server, &["*"]);
    sftp(&server, "bob", &[], "mkdir d\nput new d/a\n").assert_ok();
    let home = server.home("bob");
    let strange = OsStr::from_bytes(b"with \xff");
    fs::write(home.join("d").join(strange), "content").unwrap();
    fs::write(server.path("outside"), "outside").unwrap();
    std::os::unix::fs::symlink(server.path("outside"), home.join("out")).unwrap();
    for (arguments, expected) in [
        (["nobody", "/d/a"], "404"),
        (["bob", "/none"], "no such file or directory"),
        (["bob", "/d"], "is a directory"),
        (["bob", "/"], "is a directory"),
        (["bob", ""], "must not be empty"),
        (["bob", "/d/a/b"], "HTTP 404"),
        (["bob", "/../../outside"], "no such file or directory"),
        (["bob", "/out"], "HTTP 40"),
    ] {
        let output = cli(&server, &[&["receipt"], &arguments[..]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains(expected) && output.stdout.is_empty(),
            "{arguments:?}: {said}"
        );
    }
    let none = cli(&server, &["receipt", "bob", "/d/b", "--upload"]);
    let said = String::from_utf8(none.stderr).unwrap();
    assert!(
        said.contains("no receipt of an upload to this path is kept"),
        "{said}"
    );
    let path = [b"/d/".as_slice(), strange.as_bytes()].concat();
    let output = cli(
        &server,
        &[
            OsStr::new("receipt"),
            OsStr::new("bob"),
            OsStr::from_bytes(&path),
        ],
    );
    let value = verified(&server, &String::from_utf8(output.stdout).unwrap());
    assert_eq!(value["path_hex"], "2f642f7769746820ff");
    assert_eq!(value["sha256"], SHA256);

    let saved = cli(&server, &["receipt", "bob", "/d/a", "--save", "kept"]);
    assert!(saved.status.success(), "{saved:?}");
    let value: Value = serde_json::from_str(&server.read("kept")).unwrap();
    let key = value["server_key"].as_str().unwrap();
    verify(&server, &server.read("kept"), &server.read("kept.sig"), key).assert_ok();
    let again = cli(&server, &["receipt", "bob", "/d/a", "--save", "kept"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
}

#[test]
fn an_admin_who_may_not_change_users_gets_none() {
    let server = keeping(&["*"]);
    make_admin(&server, &["*"]);
    let viewer = json!({
        "username": "viewer", "password": "correct horse battery", "status": 1,
        "permissions": ["view_users"],
    });
    let root = [("Authorization", basic())];
    let root = [("Authorization", root[0].1.as_str())];
    let (status, said) = server.rest_with("POST", "/api/v2/admins", &root, Some(&viewer));
    assert_eq!(status, 201, "{said}");
    let viewer = [(
        "Authorization",
        "Basic dmlld2VyOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==",
    )];
    let path = "/api/v2/users/bob/receipt?path=/a";
    assert_eq!(server.rest_with("GET", path, &viewer, None).0, 403);
    assert_eq!(server.rest_with("GET", path, &[], None).0, 401);
    assert_eq!(server.rest_with("GET", path, &root, None).0, 404);
}

#[test]
fn an_uploader_who_may_not_download_gets_a_receipt_of_own_uploads_only() {
    let server = keeping(&["list", "upload", "overwrite", "rename"]);
    let home = server.home("bob");
    sftp(&server, "bob", &[], "put new own\n").assert_ok();
    let output = ssh(&server, "receipt own");
    assert!(output.status.success(), "{output:?}");
    let value = verified(&server, &String::from_utf8(output.stdout).unwrap());
    assert_eq!(value["sha256"], SHA256);
    fs::write(home.join("secret"), "of others").unwrap();
    fs::write(home.join("added"), "of others").unwrap();
    sftp(&server, "bob", &[], "rename secret moved\n").assert_ok();
    fs::write(server.path("longer"), "longer than that").unwrap();
    sftp(&server, "bob", &[], "reput longer added\n").assert_ok();
    paramiko(
        &server,
        r#"
from paramiko import SFTPAttributes, SFTPFile
from paramiko.sftp import CMD_OPEN, SFTP_FLAG_WRITE
for data in (b"", b"o"):
    # To write, and not to read besides.
    _, answer = s._request(CMD_OPEN, b"moved", SFTP_FLAG_WRITE, SFTPAttributes())
    with SFTPFile(s, answer.get_binary(), "r+") as f:
        f.write(data)
"#,
    );
    for path in ["moved", "added", "secret", "none", "."] {
        let output = ssh(&server, &format!("receipt {path}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{path}: {said}"
        );
        assert!(said.contains("Permission denied"), "{path}: {said}");
    }
    // What others put in its place changes nothing of what came.
    fs::write(home.join("own"), "of others").unwrap();
    let output = ssh(&server, "receipt own");
    let value = verified(&server, &String::from_utf8(output.stdout).unwrap());
    assert_eq!(value["sha256"], SHA256);
}

#[test]
fn receipts_are_whole_after_a_kill_and_made_before_an_orderly_end() {
    let mut server = keeping(&["*"]);
    let upload = |server: &Server, count: usize| {
        let puts: String = (0..count)
            .map(|number| format!("put new {number}\n"))
            .collect();
        sftp(server, "bob", &[], &puts)
    };
    upload(&server, 200).assert_ok();
    server.kill();
    for path in kept(&server) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with(".new-") {
            verified(&server, &fs::read_to_string(&path).unwrap());
        }
    }
    fs::remove_dir_all(server.path("receipts")).unwrap();
    server.restart();
    upload(&server, 200).assert_ok();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert_eq!(kept(&server).len(), 200, "{:?}", server.log_lines("server"));
}

#[test]
fn a_receipt_that_cannot_be_kept_is_told_in_the_log() {
    let server = keeping(&["*"]);
    sftp(&server, "bob", &[], "put new a\n").assert_ok();
    wait_for("the first receipt", || {
        let is_finished = |path: &PathBuf| !path.to_string_lossy().contains("/.new-");
        kept(&server).iter().any(is_finished)
    });
    fs::remove_dir_all(server.path("receipts")).unwrap();
    fs::write(server.path("receipts"), "no directory").unwrap();
    sftp(&server, "bob", &[], "put new b\n").assert_ok();
    wait_for("the line of the log", || {
        server
            .read("sftpgo.log")
            .contains(r#"there is no receipt of the upload of user \"bob\" to \"/b\""#)
    });
}
