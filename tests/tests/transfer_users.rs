//! Users moved here from SFTPGo, from another server and from a system's accounts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, os::unix::fs::PermissionsExt, process::Output};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, make_key, sftp, sftp_with_key};

/// What `openssl passwd -6` makes of `secret`.
const SECRET: &str = "$6$importsalt$0hHqFj/AEiPOVWgOsfaDD1Czdbyb1JVx.t2L3VMu3WYkM02hehS0y2nrGi8YSMBi4BKHI0sUudpoK5dgfRHGI.";

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn user(server: &Server, name: &str) -> Value {
    server
        .rest("GET", &format!("/api/v1/user?username={name}"), None)
        .1[0]
        .clone()
}

#[test]
fn users_of_a_dump_log_in_with_their_old_passwords() {
    let server = Server::start();
    let dumped = |name: &str, fields: Value| {
        let mut user = json!({
            "id": 7, "status": 1, "username": name, "password": SECRET, "home_dir": server.home(name),
            "permissions": {"/": ["list", "upload", "chtimes"]}, "quota_size": 1 << 20, "used_quota_size": 9,
            "filters": {"allowed_ip": [], "tls_username": "None"}, "filesystem": {"provider": 0, "s3config": {}},
            "virtual_folders": [], "description": "a user of SFTPGo 1.2",
        });
        for (key, value) in fields.as_object().unwrap() {
            user[key] = value.clone();
        }
        user
    };
    let dump = json!({
        "users": [
            dumped("alice", json!({})),
            dumped("bob", json!({"filters": {"denied_ip": ["127.0.0.1/32"]}})),
            dumped("carol", json!({"permissions": {"/": ["*"], "/private": []}})),
            dumped("dave", json!({"password": "$1$salt$qJH7.N4xYta3aEG/dfqo/0"})),
            dumped("erin", json!({"home_dir": "not/absolute"})),
        ],
        "folders": [{"name": "f"}], "version": 5,
    });
    let file = server.path("dump.json");
    fs::write(&file, dump.to_string()).unwrap();
    let import = |options: &[&str]| {
        server.cli(&[&["user", "import", file.to_str().unwrap()], options].concat())
    };

    let planned = import(&["--dry-run"]);
    assert_eq!(planned.status.code(), Some(5), "{}", text(&planned));
    assert_eq!(server.rest("GET", "/api/v1/user", None).1, json!([]));

    let imported = import(&[]);
    assert_eq!(imported.status.code(), Some(1), "{}", text(&imported));
    let told = text(&imported);
    assert!(
        told.contains("Added 1, changed 0, unchanged 0, skipped 3, failed 1"),
        "{told}"
    );
    assert!(!told.contains("qJH7"), "{told}");
    assert_eq!(
        user(&server, "alice")["permissions"],
        json!(["list", "upload", "chtimes"])
    );
    fs::write(server.path("l"), "x").unwrap();
    sftp(&server, "alice", &[], "put l r\nls\n").assert_ok();
    assert!(!sftp(&server, "alice", &[], "get r\n").ok);
    for absent in ["bob", "carol", "dave", "erin"] {
        assert!(!sftp(&server, absent, &[], "ls\n").ok, "{absent}");
    }

    server.cli(&["user", "update", "alice", "--disabled", "--permission=*"]);
    let again = import(&["--update"]);
    let told = text(&again);
    assert!(
        told.contains(
            "changed alice: status: disabled → enabled; permissions: * → list,upload,chtimes\n"
        ),
        "{told}"
    );
    sftp(&server, "alice", &[], "ls\n").assert_ok();
    let told = text(&import(&["--update"]));
    assert!(told.contains("changed 0, unchanged 1"), "{told}");
}

#[test]
fn an_export_of_one_server_is_imported_by_another() {
    let (old, new) = (Server::start(), Server::start());
    let key = make_key("ed25519", &old.path("key"));
    let home = new.home("alice");
    old.add_user(
        "alice",
        &json!({"public_keys": [key.trim()], "home_dir": home, "permissions": ["list", "download"], "quota_files": 9}),
    );
    old.add_user("bob", &json!({}));
    let file = old.path("dump.json");
    let file = file.to_str().unwrap();
    let exported = old.cli(&["user", "export", file]);
    assert!(exported.status.success(), "{}", text(&exported));
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let imported = new.cli(&["user", "import", file]);
    let told = text(&imported);
    assert_eq!(imported.status.code(), Some(5), "{told}");
    assert!(
        told.contains("bob   no password and no public key"),
        "{told}"
    );
    sftp_with_key(&new, "alice", &old.path("key"), "ls\n").assert_ok();
    let same = |server: &Server| {
        let mut user = user(server, "alice");
        for field in ["id", "last_login", "last_quota_update"] {
            user.as_object_mut().unwrap().remove(field);
        }
        user
    };
    assert_eq!(same(&new), same(&old));

    let unchanged = old.cli(&["user", "import", file, "--update"]);
    assert!(
        text(&unchanged).contains("changed 0, unchanged 2"),
        "{}",
        text(&unchanged)
    );
}

#[test]
fn accounts_of_a_system_log_in_with_their_passwords() {
    let server = Server::start();
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/bash\n\
         alice:x:1000:1000:Alice,,,:{home}/alice:/usr/sbin/nologin\n\
         bob:x:1001:1001::{home}/bob:/bin/bash\n\
         carol:x:1002:1002::{home}/carol:/bin/bash\n\
         erin:x:1003:1003::{home}/erin:/bin/bash\n",
        home = server.path("homes").display()
    );
    let shadow = format!(
        "root:{SECRET}:19000:0:99999:7:::\n\
         alice:{SECRET}:19000:0:99999:7:::\n\
         bob:!{SECRET}:19000:0:99999:7:::\n\
         carol:$y$j9T$kNhZ0Ob4cAi6yQ0D$x:19000:0:99999:7:::\n\
         erin:{SECRET}:19000:0:99999:7::19001:\n"
    );
    fs::write(server.path("passwd"), passwd).unwrap();
    fs::write(server.path("shadow"), shadow).unwrap();
    let imported = server.cli(&[
        "user",
        "import",
        "--passwd",
        server.path("passwd").to_str().unwrap(),
        "--shadow",
        server.path("shadow").to_str().unwrap(),
    ]);
    let told = text(&imported);
    assert_eq!(imported.status.code(), Some(5), "{told}");
    assert!(
        told.contains("Added 2, changed 0, unchanged 0, skipped 2, failed 0"),
        "{told}"
    );
    let alice = user(&server, "alice");
    assert_eq!((&alice["uid"], &alice["gid"]), (&json!(1000), &json!(1000)));
    sftp(&server, "alice", &[], "ls\n").assert_ok();
    for refused in ["root", "bob", "carol", "erin"] {
        assert!(!sftp(&server, refused, &[], "ls\n").ok, "{refused}");
    }
}
