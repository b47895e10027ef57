//! Who gets in, with which credential.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::json;
use sftpgo_e2e::{Server, make_key, sftp, sftp_with_key};

#[test]
fn every_kind_of_key_logs_in_and_an_unknown_one_does_not() {
    let server = Server::start();
    let mut lines = Vec::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        lines.push(make_key(kind, &server.path(kind)));
    }
    make_key("ed25519", &server.path("unknown"));
    server.add_user("bob", &json!({ "password": null, "public_keys": lines }));
    for kind in ["ed25519", "ecdsa", "rsa"] {
        sftp_with_key(&server, "bob", &server.path(kind), "ls\n").assert_ok();
    }
    assert!(!sftp_with_key(&server, "bob", &server.path("unknown"), "ls\n").ok);
    let failed = server.log_lines("connection_failed");
    assert_eq!(
        failed.last().unwrap()["login_type"],
        "public_key",
        "{failed:?}"
    );
}

#[test]
fn keyboard_interactive_asks_for_the_password() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    sftp(
        &server,
        "bob",
        &["-o", "PreferredAuthentications=keyboard-interactive"],
        "ls\n",
    )
    .assert_ok();
}

#[test]
fn whoever_may_not_log_in_hears_the_same() {
    let server = Server::start();
    server.add_user("bob", &json!({ "password": "other" }));
    server.add_user("disabled", &json!({ "status": 0 }));
    server.add_user("expired", &json!({ "expiration_date": 1000 }));
    let answers: Vec<_> = ["bob", "disabled", "expired", "nobody"]
        .iter()
        .map(|user| {
            let outcome = sftp(&server, user, &[], "ls\n");
            assert!(!outcome.ok, "{user} is in");
            outcome.text.replace(user, "USER")
        })
        .collect();
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert!(answers[0].contains("Permission denied"), "{answers:?}");
    let reasons: Vec<_> = server
        .log_lines("connection_failed")
        .iter()
        .filter(|line| line["username"] != "")
        .map(|line| line["error"].to_string())
        .collect();
    assert!(
        reasons[0].contains("wrong password")
            && reasons[1].contains("disabled")
            && reasons[2].contains("expired"),
        "{reasons:?}"
    );
}
