//! The web admin in a real browser: Debian's Chromium, driven by playwright-core.
//!
//! `admin.js` has the walk through the pages. Screenshots stay beside what cargo builds, in `web-screenshots`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{fs, path::Path, process::Command};

use sftpgo_e2e::{Server, run};

#[test]
fn an_admin_walks_through_every_page() {
    let server = Server::start();
    let modules = std::env::var("SFTPGO_TEST_NODE_MODULES")
        .expect("run ./test, which prepares the clients of npm");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web-screenshots");
    fs::create_dir_all(&screenshots).unwrap();
    let code = fs::read_to_string(server.path("setup-code")).unwrap();
    let home = server.path("alice");
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web/admin.js"))
        .env("NODE_PATH", modules)
        .env("SFTP_PORT", server.sftp_port.to_string())
        .env("WEB", format!("http://127.0.0.1:{}", server.http_port))
        .env("SETUP_CODE", code.trim())
        .env("ALICE_HOME", home)
        .env("SCREENSHOTS", screenshots);
    run(&server, &mut node).assert_ok();
}
