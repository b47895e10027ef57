//! restic, which keeps its repository over OpenSSH's connection.

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{Server, assert_same_trees, make_key, make_tree, noise, run, ssh_options};

#[test]
fn backs_up_twice_checks_and_restores() {
    let server = Server::start();
    let key = make_key("ed25519", &server.path("key"));
    server.add_user("bob", &json!({ "public_keys": [key] }));
    make_tree(&server);
    fs::write(server.path("tree/large"), noise(30 << 20)).unwrap();
    let ssh = format!(
        "sftp.command=ssh {} -i key -p {} bob@127.0.0.1 -s sftp",
        ssh_options().join(" "),
        server.sftp_port
    );
    let restic = |arguments: &[&str]| {
        run(
            &server,
            Command::new("restic")
                .args([
                    "-o",
                    &ssh,
                    "-r",
                    "sftp:bob@127.0.0.1:/repository",
                    "--no-cache",
                ])
                .args(arguments)
                .env("RESTIC_PASSWORD", "of the repository"),
        )
        .assert_ok()
    };
    restic(&["init"]);
    restic(&["backup", "tree"]);
    fs::write(server.path("tree/a/new"), "new").unwrap();
    fs::remove_file(server.path("tree/c/file 1")).unwrap();
    restic(&["backup", "tree"]);
    assert!(restic(&["snapshots"]).contains("2 snapshots"));
    restic(&["check", "--read-data"]);
    restic(&["restore", "latest", "--target", "back"]);
    assert_same_trees(&server, "tree", "back/tree");
    restic(&["forget", "--keep-last", "1", "--prune"]);
    restic(&["check"]);
}
