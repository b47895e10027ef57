//! A quota under many uploads at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    process::{Command, Stdio},
    thread,
};

use serde_json::json;
use sftpgo_e2e::{Server, make_key, noise, ssh_options, wait_for};

const SESSIONS: usize = 8;

#[test]
fn eight_sessions_together_stay_within_the_bytes() {
    for mode in ["0", "1", "2"] {
        // Each tries to store 3 MiB: about a third of it fits.
        upload_together(mode, 8_000_000, 1000, 3, 1 << 20);
    }
}

#[test]
fn eight_sessions_together_stay_within_the_files() {
    for mode in ["0", "1", "2"] {
        upload_together(mode, 1 << 40, 20, 5, 10_000);
    }
}

#[test]
fn eight_sessions_that_overwrite_the_same_files_are_counted_once() {
    let server = Server::start();
    start_user(&server, 40_000_000, 100);
    fs::write(server.path("l"), noise(1 << 20)).unwrap();
    let batch = "put l a\nput l b\nput l c\n".repeat(3);
    upload(&server, |_| batch.clone());
    wait_for("the usage of what is there", || {
        server.usage("bob") == server.on_disk("bob")
    });
    assert_eq!(server.on_disk("bob"), (3 << 20, 3));
}

/// Eight sessions store `each` files of `size` bytes, which is more than fits, while the usage is looked at.
fn upload_together(mode: &str, bytes: u64, files: u64, each: usize, size: usize) {
    let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
    start_user(&server, bytes, files);
    fs::write(server.path("l"), noise(size)).unwrap();
    let seen = upload(&server, |session| {
        // The minus goes on after a refusal.
        (0..each)
            .map(|number| format!("-put l s{session}-{number}\n"))
            .collect()
    });
    for (used_bytes, used_files) in &seen {
        assert!(
            *used_bytes <= bytes && *used_files <= files,
            "mode {mode}: {used_bytes} bytes, {used_files} files"
        );
    }
    wait_for("the usage of what is there", || {
        server.usage("bob") == server.on_disk("bob")
    });
    let counted = server.usage("bob");
    assert!(counted.0 <= bytes && counted.1 <= files, "{counted:?}");
    assert!(counted.1 > 0, "something fits");
    let scanned = server.cli(&["quota", "scan", "bob"]);
    assert!(scanned.status.success(), "{scanned:?}");
    wait_for("the scan", || {
        let scans = server.rest("GET", "/api/v1/quota_scan", None).1;
        scans.as_array().unwrap().is_empty()
    });
    assert_eq!(
        server.usage("bob"),
        counted,
        "a scan finds what was counted"
    );
}

fn start_user(server: &Server, bytes: u64, files: u64) {
    let key = make_key("ed25519", &server.path("key"));
    server.add_user(
        "bob",
        &json!({ "public_keys": [key], "quota_size": bytes, "quota_files": files }),
    );
}

/// Runs a batch in each session at once; answers the usages that were seen meanwhile.
fn upload(server: &Server, batch: impl Fn(usize) -> String) -> Vec<(u64, u64)> {
    let mut clients: Vec<_> = (0..SESSIONS)
        .map(|session| {
            let file = server.path(format!("batch{session}"));
            fs::write(&file, batch(session)).unwrap();
            Command::new("sftp")
                .args(ssh_options())
                .args(["-i", "key", "-P", &server.sftp_port.to_string(), "-b"])
                .arg(file)
                .arg("bob@127.0.0.1")
                .current_dir(server.path(""))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut seen = Vec::new();
    while clients
        .iter_mut()
        .any(|client| client.try_wait().unwrap().is_none())
    {
        seen.push(server.usage("bob"));
        thread::yield_now();
    }
    seen
}
