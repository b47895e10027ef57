//! SQLite's file is locked by another program, or is gone, and comes back: uploads go on, nothing is lost, and no empty database
//! takes its place.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::json;
use sftpgo_e2e::{Server, sftp, wait_for};

use crate::uploads::Uploads;

/// Has the database for itself until its input ends.
const LOCK: &str = r#"
import sqlite3, sys
database = sqlite3.connect("sftpgo.db", timeout=60, isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
database.execute("ROLLBACK")
"#;

fn start() -> (Server, Uploads) {
    let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", "1")]);
    server.add_user(
        "bob",
        &json!({"quota_size": 1_u64 << 40, "quota_files": 1000}),
    );
    let uploads = Uploads::start(&server);
    (server, uploads)
}

/// Everything that was uploaded was acknowledged, is there, and is counted, also after another start.
fn finish(mut server: Server, uploads: Uploads) {
    let is_long_stored = uploads.finish(&server);
    assert!(is_long_stored, "the file that was open all the time");
    for is_new_start in [false, true] {
        if is_new_start {
            server.signal("TERM");
            assert_eq!(server.wait(), Some(0));
            server.restart();
        }
        wait_for("the usage to be what is there", || {
            server.usage("bob") == server.on_disk("bob")
        });
    }
}

fn lock(server: &Server) -> Child {
    let interpreter =
        std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test, which prepares Python");
    let locking = Command::new(interpreter)
        .args(["-c", LOCK])
        .current_dir(server.path(""))
        .stdin(Stdio::piped())
        .stdout(fs::File::create(server.path("locking")).unwrap())
        .spawn()
        .unwrap();
    wait_for("the lock", || server.read("locking").contains("locked"));
    locking
}

#[test]
fn uploads_go_on_while_another_program_locks_the_database() {
    let (server, mut uploads) = start();
    let mut locking = lock(&server);
    // Each change of a user waits as long as it may, and is refused then.
    let bob = &server.rest("GET", "/api/v1/user?username=bob", None).1[0];
    let path = format!("/api/v1/user/{}", bob["id"]);
    let (status, answer) = server.rest("PUT", &path, Some(&json!({"quota_files": 999})));
    assert!(status >= 500, "{status}: {answer}");
    uploads.wait_until(&server, "uploads", |before, now| {
        now.turns > before.turns + 20 && now.refused == before.refused
    });
    drop(locking.stdin.take());
    assert!(locking.wait().unwrap().success());
    wait_for("a login", || sftp(&server, "bob", &[], "ls\n").ok);
    finish(server, uploads);
}

#[test]
fn uploads_go_on_while_the_database_is_gone() {
    let (server, mut uploads) = start();
    let names = ["sftpgo.db", "sftpgo.db-wal", "sftpgo.db-shm"];
    let away = server.path("away");
    fs::create_dir(&away).unwrap();
    for name in names {
        fs::rename(server.path(name), away.join(name)).unwrap();
    }
    uploads.wait_until(&server, "uploads", |before, now| {
        now.turns > before.turns + 20 && now.refused == before.refused
    });
    // The database comes back last: without its journal it would be another one.
    for name in names.iter().rev() {
        assert!(!server.path(name).exists(), "{name} was made anew");
        fs::rename(away.join(name), server.path(name)).unwrap();
    }
    wait_for("a login", || sftp(&server, "bob", &[], "ls\n").ok);
    finish(server, uploads);
}
