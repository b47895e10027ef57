//! What management of users was told is done, is on the disk by then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use serde_json::json;
use sftpgo_e2e::{Server, Tracer, may_trace, sftp};

/// The calls by which the log of SQLite's changes comes to the disk, with the files' names.
const SYNCS: &str = "trace=fsync,fdatasync";

#[test]
fn each_change_of_a_user_is_synced_before_it_is_answered() {
    if let Err(reason) = may_trace() {
        println!("SKIPPED: strace may not trace here: {reason}");
        return;
    }
    let server = Server::start();
    // Whatever the first change has to prepare.
    server.add_user("alice", &json!({}));
    let _tracer = Tracer::attach(&server, "syncs", &["-y", "-e", SYNCS]);
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
}
