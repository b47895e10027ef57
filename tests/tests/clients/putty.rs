//! PuTTY's psftp.

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{
    Outcome, Server, assert_5000_names, assert_same, assert_same_trees, make_5000_names, make_tree,
    noise, run,
};

/// Runs psftp with a batch that ends at the first error.
fn psftp(server: &Server, batch: &str) -> Outcome {
    fs::write(server.path("batch"), batch).unwrap();
    run(
        server,
        Command::new("psftp")
            .args(["-batch", "-P", &server.sftp_port.to_string()])
            .args(["-pw", "secret", "-hostkey", &fingerprint(server)])
            .args(["-b", "batch", "bob@127.0.0.1"]),
    )
}

/// PuTTY asks about a new host key, and in a batch only takes one that it was told.
fn fingerprint(server: &Server) -> String {
    let text = run(
        server,
        Command::new("ssh-keygen").args(["-l", "-f", "id_ed25519"]),
    )
    .assert_ok();
    text.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_batch_of_every_command() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    fs::write(server.path("l"), noise(20 << 20)).unwrap();
    let text = psftp(
        &server,
        "pwd\nmkdir d\ncd d\nput l r\nget r b\nls\nchmod 640 r\nmv r s\nls\ndel s\ncd ..\nrmdir d\nls\n",
    )
    .assert_ok();
    assert!(
        text.contains("Remote directory is /\n") && text.contains("-rw-r-----"),
        "{text}"
    );
    assert_same(&server.path("l"), &server.path("b"));
    assert_eq!(fs::read_dir(server.home("bob")).unwrap().count(), 0);
    assert!(!psftp(&server, "get nothing\n").ok);
}

#[test]
fn trees_go_both_ways_and_transfers_resume() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    make_tree(&server);
    psftp(&server, "put -r tree\nget -r tree back\n").assert_ok();
    assert_same_trees(&server, "tree", "back");

    let data = noise(2 << 20);
    fs::write(server.path("l"), &data).unwrap();
    fs::write(server.path("b"), &data[..700_000]).unwrap();
    fs::write(server.home("bob").join("r"), &data[..300_000]).unwrap();
    psftp(&server, "reput l r\nreget r b\n").assert_ok();
    assert_same(&server.path("l"), &server.home("bob").join("r"));
    assert_same(&server.path("l"), &server.path("b"));
}

#[test]
fn lists_five_thousand_names() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    psftp(&server, "mkdir many\n").assert_ok();
    make_5000_names(&server.home("bob").join("many"));
    let text = psftp(&server, "ls many\n").assert_ok();
    assert_5000_names(&text);
}
