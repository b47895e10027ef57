//! The audit log of a server that real clients use: what is in it, that nothing is changed unseen, and what outlives a kill.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, answer_password, binary, run, sftp, ssh_options, wait_for};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

/// A key that is not where the log is.
fn key_in(directory: &Path, text: &str) -> PathBuf {
    let file = directory.join("audit.key");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

/// Waits until the last line has this event.
fn wait_for_event(server: &Server, event: &str) {
    wait_for(event, || {
        let text = server.read("audit.log");
        text.contains(&format!("\"event\":\"{event}\"")) && text.ends_with('\n')
    });
}

fn verify_with(files: &[PathBuf], key: Option<&Path>) -> (bool, String) {
    let mut command = Command::new(binary("sftpgo-server"));
    command.args(["audit", "verify"]);
    if let Some(key) = key {
        command.arg("--key-file").arg(key);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.args(files).output().unwrap();
    let said = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{said}");
    (status.success(), said)
}

/// The files of the log, by their names.
fn files(server: &Server) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.path("")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_of_log = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("audit") && name.ends_with(".log")
    };
    let mut files: Vec<_> = paths.filter(is_of_log).collect();
    files.sort();
    files
}

#[test]
fn what_happens_through_any_door_is_in_it_and_changes_of_it_show() {
    let apart = tempfile::tempdir().unwrap();
    let key = key_in(apart.path(), KEY);
    let mut server = Server::start_with(&[
        ("SFTPGO_COMMON__AUDIT__FILE", "audit.log"),
        ("SFTPGO_COMMON__AUDIT__KEY_FILE", key.to_str().unwrap()),
        ("SFTPGO_DATA_PROVIDER__CREATE_DEFAULT_ADMIN", "true"),
        ("SFTPGO_DEFAULT_ADMIN_USERNAME", "root"),
        ("SFTPGO_DEFAULT_ADMIN_PASSWORD", "correct horse battery"),
    ]);
    // Made beside a running server, so that both write.
    let reset = Command::new(binary("sftpgo-server"))
        .args(["reset-admin", "root"])
        .env("SFTPGO_CONFIG_DIR", server.path(""))
        .env("SFTPGO_COMMON__AUDIT__FILE", "audit.log")
        .env("SFTPGO_COMMON__AUDIT__KEY_FILE", &key)
        .output()
        .unwrap();
    assert!(reset.status.success(), "{reset:?}");
    let said = String::from_utf8(reset.stdout).unwrap();
    let password = said.split_whitespace().last().unwrap();
    let token = login(&server, password);
    let header = format!("Bearer {token}");
    let headers = [("Authorization", header.as_str())];
    let user = json!({
        "username": "alice", "password": "secret", "status": 1, "permissions": ["*"], "home_dir": server.home("alice"),
    });
    let (status, answer) = server.rest_with("POST", "/api/v1/user", &headers, Some(&user));
    assert_eq!(status, 200, "{answer}");
    fs::write(server.path("new"), "content").unwrap();
    let commands = "put new a\nget a got\nrename a b\nmkdir d\nsymlink b l\nrm b\nrmdir d\n";
    sftp(&server, "alice", &[], commands).assert_ok();
    let wrong = ["-o", "NumberOfPasswordPrompts=1"];
    assert!(!sftp(&server, "nobody", &wrong, "pwd\n").ok);
    server.signal("HUP");
    wait_for_event(&server, "reload");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));

    let text = server.read("audit.log");
    let lines = lines(&text);
    let has = |fields: Value| {
        let is_in = |line: &Value| {
            let mut fields = fields.as_object().unwrap().iter();
            fields.all(|(name, value)| line[name] == *value)
        };
        assert!(lines.iter().any(is_in), "{fields} in {text}");
    };
    let file = server.home("alice").join("a");
    has(json!({"seq": 1, "event": "audit_started"}));
    has(
        json!({"event": "change", "change": "admin added", "username": "root", "by_type": "program"}),
    );
    has(
        json!({"event": "change", "change": "admin updated", "username": "root", "by_type": "program"}),
    );
    has(
        json!({"event": "login", "username": "root", "login_type": "admin", "client_ip": "127.0.0.1"}),
    );
    has(
        json!({"event": "change", "change": "user added", "username": "alice", "by": "root", "by_type": "admin"}),
    );
    has(json!({"event": "login", "username": "alice", "login_type": "password"}));
    has(
        json!({"event": "upload", "username": "alice", "file_path": file, "size_bytes": 7, "protocol": "SFTP"}),
    );
    has(json!({"event": "download", "username": "alice", "file_path": file, "size_bytes": 7}));
    has(
        json!({"event": "rename", "file_path": file, "target_path": server.home("alice").join("b")}),
    );
    for command in ["mkdir", "symlink", "remove", "rmdir"] {
        has(json!({"event": command, "username": "alice"}));
    }
    has(json!({"event": "login_failed", "username": "nobody", "login_type": "password"}));
    assert_eq!(lines.last().unwrap()["event"], "audit_stopped");
    assert!(!text.contains("secret") && !text.contains("battery"));
    let mode = fs::metadata(server.path("audit.log"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let log = [server.path("audit.log")];
    let (is_good, said) = verify_with(&log, Some(&key));
    assert!(is_good && !said.contains("note"), "{said}");
    let other = tempfile::tempdir().unwrap();
    let other_key = key_in(other.path(), &KEY.replace("00", "01"));
    let (is_good, said) = verify_with(&log, Some(&other_key));
    assert!(
        !is_good && said.contains("line 1 was changed or written without the key"),
        "{said}"
    );
    let number = 1 + lines
        .iter()
        .position(|line| line["event"] == "upload")
        .unwrap();
    fs::write(
        &log[0],
        text.replace("\"size_bytes\":7,", "\"size_bytes\":8,"),
    )
    .unwrap();
    let (is_good, said) = verify_with(&log, Some(&key));
    assert!(
        !is_good && said.contains(&format!("line {number} was changed")),
        "{said}"
    );
    let without_last = &text[..=text.trim_end().rfind('\n').unwrap()];
    fs::write(&log[0], without_last).unwrap();
    let (is_good, said) = verify_with(&log, None);
    assert!(!is_good && said.contains("was cut"), "{said}");
}

fn login(server: &Server, password: &str) -> String {
    let output = Command::new("curl")
        .args(["-s", "-u", &format!("root:{password}")])
        .arg(format!(
            "http://127.0.0.1:{}/api/v2/token",
            server.http_port
        ))
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Refusals beyond which one user has no more lines in a minute.
const LINES_OF_ONE: usize = 20;

#[test]
fn what_is_refused_is_in_it_and_a_loop_of_refusals_is_counted() {
    let mut server = Server::start_with(&[
        ("SFTPGO_COMMON__AUDIT__FILE", "audit.log"),
        ("SFTPGO_SFTPD__ENABLE_SCP", "true"),
    ]);
    server.add_user("bob", &json!({ "quota_files": 1 }));
    server.add_user("eve", &json!({ "permissions": ["list"] }));
    fs::create_dir_all(server.home("eve")).unwrap();
    fs::write(server.home("eve").join("f"), "x").unwrap();
    fs::write(server.path("new"), "content").unwrap();
    sftp(
        &server,
        "bob",
        &[],
        "put new a\n-put new b\n-get .sftpgo-upload.x got\n",
    )
    .assert_ok();
    let mut scp = Command::new("scp");
    answer_password(&mut scp, &server);
    scp.args(ssh_options())
        .args(["-O", "-P", &server.sftp_port.to_string(), "new"])
        .arg("eve@127.0.0.1:f");
    assert!(!run(&server, &mut scp).ok);
    let commands = "-rename f g\n".to_owned() + &"-rm f\n".repeat(3 * LINES_OF_ONE);
    sftp(&server, "eve", &[], &commands).assert_ok();
    let token = [("Authorization", "Bearer wrong")];
    let path = "/api/v2/users?a=b";
    assert_eq!(server.rest_with("GET", path, &token, None).0, 401);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));

    let text = server.read("audit.log");
    let lines = lines(&text);
    let of = |event: &str| -> Vec<&Value> {
        let found = lines.iter().filter(|line| line["event"] == event);
        found.collect()
    };
    let has = |event: &str, fields: Value| {
        let is_it = |line: &&Value| {
            let mut fields = fields.as_object().unwrap().iter();
            fields.all(|(name, value)| line[name] == *value)
        };
        assert!(of(event).iter().any(is_it), "{event} {fields} in {text}");
    };
    let path = |user: &str, name: &str| server.home(user).join(name);
    has(
        "refused",
        json!({
            "operation": "upload", "username": "bob", "file_path": path("bob", "b"), "rule": "quota_files",
            "error": "quota exceeded", "protocol": "SFTP",
        }),
    );
    has(
        "refused",
        json!({"file_path": path("bob", ".sftpgo-upload.x"), "rule": "reserved_name"}),
    );
    has(
        "refused",
        json!({
            "operation": "upload", "file_path": path("eve", "f"), "rule": "permission",
            "error": "permission denied: needs upload", "protocol": "SCP",
        }),
    );
    has(
        "refused",
        json!({"operation": "rename", "file_path": path("eve", "f"), "target_path": path("eve", "g")}),
    );
    let refused = of("refused");
    let of_eve = refused.iter().filter(|line| line["username"] == "eve");
    assert_eq!(of_eve.count(), LINES_OF_ONE);
    has(
        "refusals_omitted",
        json!({"username": "eve", "refusals": 2 + 2 * LINES_OF_ONE}),
    );
    has(
        "request_refused",
        json!({
            "method": "GET", "path": "/api/v2/users", "status": 401, "by": "", "by_type": "anyone",
            "client_ip": "127.0.0.1",
        }),
    );
    assert_eq!(of("request_refused").len(), 1);
    assert!(verify_with(&[server.path("audit.log")], None).0);
}

#[test]
fn it_is_put_aside_by_a_signal_and_stays_one_chain() {
    let mut server = Server::start_with(&[("SFTPGO_COMMON__AUDIT__FILE", "audit.log")]);
    for count in 2..4 {
        wait_for("a line", || !server.read("audit.log").is_empty());
        server.signal("USR1");
        wait_for("a file that was put aside", || {
            files(&server).len() == count
        });
        server.add_user(&format!("user{count}"), &json!({}));
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let mut files = files(&server);
    let (is_good, said) = verify_with(&files, None);
    assert!(is_good && !said.contains("note"), "{said}");
    assert!(
        Command::new("gzip")
            .arg(&files[1])
            .status()
            .unwrap()
            .success()
    );
    files[1].set_extension("log.gz");
    // In whatever order they are named.
    files.rotate_left(1);
    assert!(verify_with(&files, None).0);
    files.retain(|path| path.extension().unwrap() != "gz");
    let (is_good, said) = verify_with(&files, None);
    assert!(!is_good && said.contains("missing"), "{said}");
}

#[test]
fn a_full_disk_stops_no_transfer_and_is_made_up_for() {
    let server = Server::start_with(&[("SFTPGO_COMMON__AUDIT__FILE", "audit.log")]);
    server.add_user("bob", &json!({}));
    let log = server.path("audit.log");
    let full = server.path("full");
    symlink("/dev/full", &full).unwrap();
    fs::rename(&log, server.path("moved.log")).unwrap();
    fs::rename(&full, &log).unwrap();
    fs::write(server.path("new"), "content").unwrap();
    sftp(&server, "bob", &[], "put new a\nput new b\n").assert_ok();
    let metric = |name: &str| {
        let (_, text) = server.rest("GET", "/metrics", None);
        let line = text
            .as_str()
            .unwrap()
            .lines()
            .find(|line| line.starts_with(name));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    wait_for("the complaint", || metric("sftpgo_audit_log_fails ") == "1");
    assert!(
        server
            .read("sftpgo.log")
            .contains("audit.log cannot be written")
    );
    fs::remove_file(&log).unwrap();
    wait_for("lines", || server.read("audit.log").contains("/b\""));
    assert_eq!(metric("sftpgo_audit_log_fails "), "0");
    assert_eq!(metric("sftpgo_audit_lost_lines_total "), "0");
    let (is_good, said) = verify_with(&[server.path("moved.log"), log], None);
    // What was moved has no head of its own, and is anchored by what follows.
    assert!(is_good, "{said}");
}

#[test]
fn a_start_after_a_kill_tells_a_torn_line_from_a_changed_one() {
    let mut server = Server::start_with(&[("SFTPGO_COMMON__AUDIT__FILE", "audit.log")]);
    server.add_user("bob", &json!({}));
    wait_for_event(&server, "change");
    server.kill();
    let log = server.path("audit.log");
    let number = server.read("audit.log").lines().count() + 1;
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    write!(file, "{{\"seq\":{number},\"time\":\"2026-").unwrap();
    server.restart();
    wait_for("the start", || {
        server.read("audit.log").matches("audit_started").count() == 2
    });
    let (is_good, said) = verify_with(std::slice::from_ref(&log), None);
    assert!(
        is_good && said.contains(&format!("line {number} was torn by a crash")),
        "{said}"
    );
    server.kill();
    let text = server.read("audit.log");
    fs::write(&log, text.replacen("user added", "user adder", 1)).unwrap();
    server.restart();
    let (is_good, said) = verify_with(&[log], None);
    assert!(!is_good && said.contains("was changed"), "{said}");
}

#[test]
fn two_processes_write_one_chain_during_a_restart() {
    let server = Server::start_with(&[("SFTPGO_COMMON__AUDIT__FILE", "audit.log")]);
    server.add_user("bob", &json!({}));
    fs::write(server.path("new"), "content").unwrap();
    for count in 1..=3 {
        server.hot_restart();
        sftp(&server, "bob", &[], &format!("put new a{count}\n")).assert_ok();
        // Each but the last has ended, and said so.
        wait_for("the end of the process before", || {
            server.read("audit.log").matches("audit_stopped").count() == count
        });
    }
    let log = server.path("audit.log");
    wait_for("the last upload", || {
        server.read("audit.log").contains("/a3\"")
    });
    let (is_good, said) = verify_with(&[log], None);
    assert!(is_good, "{said}");
    assert_eq!(server.read("audit.log").matches("audit_started").count(), 4);
}

#[test]
fn a_key_that_others_can_read_or_that_is_too_short_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let apart = tempfile::tempdir().unwrap();
    let start = |key: &Path| {
        let output = Command::new(binary("sftpgo-server"))
            .arg("serve")
            .env("SFTPGO_CONFIG_DIR", directory.path())
            .env("SFTPGO_COMMON__AUDIT__FILE", "audit.log")
            .env("SFTPGO_COMMON__AUDIT__KEY_FILE", key)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let key = key_in(apart.path(), KEY);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(start(&key).contains("others may read or write it (mode 0640)"));
    let said = start(&key_in(apart.path(), "short\n"));
    assert!(said.contains("shorter than 32 bytes"), "{said}");
    let said = start(&key_in(directory.path(), KEY));
    assert!(
        said.contains("is in the directory of the audit log"),
        "{said}"
    );
}
