//! REST and CLI beside running sessions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::Write,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, answer_password, paramiko, sftp, ssh_options, wait_for};

/// An `sftp` that is logged in and waits for commands.
fn open_session(server: &Server, user: &str) -> Child {
    let mut command = Command::new("sftp");
    answer_password(&mut command, server);
    let mut client = command
        .args(ssh_options())
        .arg(format!("-P{}", server.sftp_port))
        .arg(format!("{user}@127.0.0.1"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    client.stdin.as_mut().unwrap().write_all(b"pwd\n").unwrap();
    wait_for("the session to be listed", || {
        connections(server).len() == 1
    });
    client
}

/// Waits until `sftp` has noticed that its connection is gone: it looks when it is asked something.
fn wait_for_end(client: &mut Child) {
    wait_for("the client to end", || {
        // It may have gone already.
        let _ = client.stdin.as_mut().unwrap().write_all(b"ls\n");
        client.try_wait().unwrap().is_some()
    });
}

fn connections(server: &Server) -> Vec<Value> {
    server
        .rest("GET", "/api/v1/connection", None)
        .1
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn a_user_lives_from_the_cli_to_sftp_and_back() {
    let server = Server::start();
    fs::write(server.path("password"), "secret\n").unwrap();
    let run = |arguments: &[&str]| {
        let output = server.cli(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let home = server.home("alice");
    let password = server.path("password");
    run(&[
        "user",
        "add",
        "alice",
        "--home-dir",
        home.to_str().unwrap(),
        "--permission",
        "list,download",
        "--permission",
        "upload",
        "--quota-size",
        "10GiB",
        "--password-file",
        password.to_str().unwrap(),
    ]);
    assert!(run(&["user", "list"]).contains("alice"));
    let shown: Value =
        serde_json::from_str(&run(&["--output", "json", "user", "show", "alice"])).unwrap();
    assert_eq!(shown["quota_size"], 10_u64 << 30);
    assert_eq!(shown["permissions"], json!(["list", "download", "upload"]));
    fs::write(server.path("l"), "x").unwrap();
    sftp(&server, "alice", &[], "put l r\n").assert_ok();
    assert!(!sftp(&server, "alice", &[], "rm r\n").ok);
    run(&["user", "update", "alice", "--permission", "*"]);
    sftp(&server, "alice", &[], "rm r\n").assert_ok();
    run(&["user", "delete", "alice", "--yes"]);
    assert!(!sftp(&server, "alice", &[], "ls\n").ok);
    assert!(home.is_dir(), "files on disk stay");
    let refused = server.cli(&["user", "show", "alice"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

#[test]
fn a_running_session_is_listed_and_closed_from_outside() {
    for close in ["rest", "cli"] {
        let server = Server::start();
        server.add_user("bob", &json!({}));
        let mut client = open_session(&server, "bob");
        let connection = connections(&server).remove(0);
        assert_eq!(connection["username"], "bob");
        assert_eq!(connection["protocol"], "SFTP");
        assert!(
            connection["client_version"]
                .as_str()
                .unwrap()
                .starts_with("SSH-2.0-OpenSSH"),
            "{connection}"
        );
        assert!(
            connection["remote_address"]
                .as_str()
                .unwrap()
                .starts_with("127.0.0.1:"),
            "{connection}"
        );
        let id = connection["connection_id"].as_str().unwrap();
        if close == "rest" {
            let (status, answer) = server.rest("DELETE", &format!("/api/v1/connection/{id}"), None);
            assert_eq!(
                (status, &answer["message"]),
                (200, &json!("Connection closed"))
            );
        } else {
            assert!(server.cli(&["connection", "close", id]).status.success());
        }
        wait_for_end(&mut client);
        wait_for("the list to be empty", || connections(&server).is_empty());
        let (status, _) = server.rest("DELETE", &format!("/api/v1/connection/{id}"), None);
        assert_eq!(status, 404);
    }
}

#[test]
fn deleting_a_user_or_changing_what_a_session_cannot_go_on_without_ends_the_sessions() {
    for change in [
        None,
        Some(json!({ "status": 0 })),
        Some(json!({ "expiration_date": 1 })),
        Some(json!({ "password": "another" })),
        Some(json!({ "permissions": ["list"] })),
        Some(json!({ "home_dir": "/tmp" })),
    ] {
        let server = Server::start();
        let id = server.add_user("bob", &json!({}))["id"].clone();
        let mut client = open_session(&server, "bob");
        let path = format!("/api/v1/user/{id}");
        let (status, answer) = match &change {
            None => server.rest("DELETE", &path, None),
            Some(fields) => server.rest("PUT", &path, Some(fields)),
        };
        assert_eq!(status, 200, "{answer}");
        wait_for_end(&mut client);
    }
}

#[test]
fn a_running_transfer_is_listed_with_its_growing_size() {
    let server = Server::start();
    server.add_user("bob", &json!({ "upload_bandwidth": 1000 }));
    fs::write(server.path("l"), vec![1; 4 << 20]).unwrap();
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| sftp(&server, "bob", &[], "put l r\n"));
        let size = || {
            connections(&server)
                .first()
                .and_then(|c| c["active_transfers"][0]["size"].as_u64())
        };
        wait_for("the transfer to be listed", || size().is_some());
        let transfer = connections(&server)[0]["active_transfers"][0].clone();
        assert_eq!(
            (&transfer["operation_type"], &transfer["path"]),
            (&json!("upload"), &json!("/r"))
        );
        let before = transfer["size"].as_u64().unwrap();
        wait_for("the size to grow", || {
            size().is_some_and(|now| now > before)
        });
        upload.join().unwrap().assert_ok();
    });
    wait_for("the log line", || !server.log_lines("Upload").is_empty());
    let line = server.log_lines("Upload").remove(0);
    assert_eq!(line["size_bytes"], 4 << 20);
    assert_eq!(line["username"], "bob");
    assert!(
        line["file_path"].as_str().unwrap().ends_with("/bob/r"),
        "{line}"
    );
    assert!(
        line["elapsed_ms"].as_u64().unwrap() > 2000,
        "4 MiB at 1000 KB/s take longer: {line}"
    );
}

#[test]
fn a_quota_is_kept_counted_and_scanned() {
    let server = Server::start();
    server.add_user("bob", &json!({ "quota_size": 1_000_000, "quota_files": 3 }));
    fs::write(server.path("l"), vec![1; 400_000]).unwrap();
    assert!(!sftp(&server, "bob", &[], "put l a\nput l b\nput l c\n").ok);
    // OpenSSH prints no server's message about a WRITE; paramiko does.
    paramiko(
        &server,
        r#"
with s.open("c", "wb") as f:
    assert "quota exceeded" in str(refused(IOError, f.write, b"x" * 400000))
"#,
    );
    wait_for("the usage of what is there", || {
        server.usage("bob") == server.on_disk("bob")
    });
    assert!(server.usage("bob").0 <= 1_000_000);
    fs::write(server.home("bob").join("beside"), vec![1; 1000]).unwrap();
    let (status, answer) = server.rest(
        "POST",
        "/api/v1/quota_scan",
        Some(&json!({ "username": "bob" })),
    );
    assert_eq!(
        (status, &answer["message"]),
        (201, &json!("Scan started")),
        "{answer}"
    );
    wait_for("the scan", || server.usage("bob") == server.on_disk("bob"));
    let scanned = server.cli(&["quota", "scan", "bob"]);
    assert!(scanned.status.success(), "{scanned:?}");
}

#[test]
fn metrics_and_logs_tell_what_happened() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::write(server.path("l"), "12345").unwrap();
    sftp(
        &server,
        "bob",
        &[],
        "put l a\nget a b\nmkdir d\nrmdir d\nrename a c\nln -s c s\nrm s\n",
    )
    .assert_ok();
    sftp(&server, "nobody", &[], "ls\n");
    let metrics = || {
        server
            .rest("GET", "/metrics", None)
            .1
            .as_str()
            .unwrap()
            .to_owned()
    };
    wait_for("the session to end", || {
        metrics().contains("sftpgo_active_connections 0")
    });
    let text = metrics();
    for line in [
        "sftpgo_uploads_total 1",
        "sftpgo_downloads_total 1",
        "sftpgo_upload_size 5",
        "sftpgo_download_size 5",
        "sftpgo_login_attempts_total 2",
        "sftpgo_login_ok_total 1",
        "sftpgo_login_ko_total 1",
        "sftpgo_password_login_ok_total 1",
        "sftpgo_dataprovider_availability 1",
        "sftpgo_http_req_total",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    for (sender, count) in [
        ("Upload", 1),
        ("Download", 1),
        ("Mkdir", 1),
        ("Rmdir", 1),
        ("Rename", 1),
        ("Symlink", 1),
        ("Remove", 1),
    ] {
        let lines = server.log_lines(sender);
        assert_eq!(lines.len(), count, "{sender}");
        assert_eq!(lines[0]["username"], "bob");
        assert_eq!(lines[0]["protocol"], "SFTP");
        assert!(
            lines[0]["connection_id"].is_string() && lines[0]["time"].is_string(),
            "{lines:?}"
        );
    }
    assert!(!server.log_lines("httpd").is_empty());
    assert!(
        !server.read("sftpgo.log").contains("secret"),
        "a password is in the log"
    );
}

#[test]
fn users_survive_a_restart_with_kill_9() {
    let mut server = Server::start();
    server.add_user("bob", &json!({}));
    server.kill();
    server.restart();
    sftp(&server, "bob", &[], "ls\n").assert_ok();
}
