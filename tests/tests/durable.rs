//! What management of users was told is done, is on the disk by then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use serde_json::json;
use sftpgo_e2e::{Server, sftp, wait_for};

/// The calls by which the log of SQLite's changes comes to the disk, with the files' names.
const SYNCS: &str = "trace=fsync,fdatasync";

#[test]
fn each_change_of_a_user_is_synced_before_it_is_answered() {
    let tried = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    if !tried
        .expect("run ./test, which installs strace")
        .status
        .success()
    {
        println!("SKIPPED: strace may not trace here");
        return;
    }
    let server = Server::start();
    // Whatever the first change has to prepare.
    server.add_user("alice", &json!({}));
    let mut tracer = attach(&server);
    let mut so_far = 0;
    let mut synced = |what: &str| {
        let now = server.read("syncs").matches("sftpgo.db-wal").count();
        assert!(now > so_far, "{what} is not synced");
        so_far = now;
    };
    server.add_user("bob", &json!({}));
    synced("a new user");
    let of_bob = "/api/v1/user/2";
    assert_eq!(
        server.rest("PUT", of_bob, Some(&json!({ "uid": 7 }))).0,
        200
    );
    synced("a change");
    assert_eq!(server.rest("DELETE", of_bob, None).0, 200);
    synced("a removal");
    // A login writes too, and nobody was promised that it is kept.
    let before = server.read("syncs").matches("sftpgo.db-wal").count();
    sftp(&server, "alice", &[], "ls\n");
    let after = server.read("syncs").matches("sftpgo.db-wal").count();
    assert_eq!(after, before, "a login waits for the disk");
    tracer.kill().unwrap();
    tracer.wait().unwrap();
}

fn attach(server: &Server) -> Child {
    let tracer = Command::new("strace")
        .args(["-f", "-y", "-e", SYNCS, "-o"])
        .arg(server.path("syncs"))
        .args(["-p", &server.pid().to_string()])
        .stdin(Stdio::null())
        .stderr(File::create(server.path("messages")).unwrap())
        .spawn()
        .unwrap();
    wait_for("strace to attach to the server", || {
        server.read("messages").contains("attached")
    });
    tracer
}
