//! The documentation: each of its commands is run as it is written there, or by the test that is named here, and each file
//! of `packaging/` belongs to a test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod blocks;
mod desk;
mod here;

use std::{fs, path::Path, process::Command};

use self::{
    blocks::{Block, all_blocks, commands_in_sentences, workspace},
    desk::Desk,
};

/// What runs a block; it panics when the block does not do what it is to do.
type Runs = fn(&Block);

/// Blocks by their first lines, and what runs them.
const HERE: [(&str, Runs); 25] = [
    (
        "cargo run --release --bin sftpgo-server -- serve",
        here::serves,
    ),
    (
        "cargo run --release --bin sftpgo-cli -- user add alice",
        here::adds_a_user,
    ),
    ("SFTPGO_SFTPD__BIND_PORT=2222", here::is_a_configuration),
    ("SFTPGO_SFTPD__KEX_ALGORITHMS=", here::is_a_configuration),
    (
        "sudo -u sftpgo env SFTPGO_CONFIG_DIR=",
        here::checks_the_packages_configuration,
    ),
    ("cargo build --release\n", here::installs_from_source),
    (
        "curl -H \"X-SFTPGO-SETUP-CODE:",
        here::makes_the_first_admin,
    ),
    ("sftpgo-server reset-admin", here::resets_an_admin),
    ("sftpgo-server ping", here::pings),
    ("sftpgo-server audit verify", here::verifies_the_audit_log),
    (
        "$ ssh -p 2022 alice@files.example.org receipt",
        here::gives_a_receipt,
    ),
    ("$ sftpgo-cli receipt alice", here::saves_a_receipt),
    ("$ sftpgo-cli user explain", here::explains),
    (
        "$ curl -s 'http://127.0.0.1:8080/api/v1/user?limit=500'",
        here::reads_pages,
    ),
    ("umask 077\nsqlite3", here::backs_up),
    ("sftpgo-server migrate --drop-takeover-copy", here::runs),
    (
        "sftpgo-cli user update bob --permission list,download --enabled",
        here::changes_bob,
    ),
    ("sftpgo-cli user list --output json | jq", here::changes_bob),
    (
        "sftpgo-cli user import dump.json --dry-run",
        here::previews_an_import,
    ),
    (
        "sudo sftpgo-cli user import --passwd",
        here::previews_accounts,
    ),
    ("ssh-keygen -t ed25519 -f user_ca", here::makes_certificates),
    ("cargo xtask bench --quick", here::are_understood),
    ("cargo xtask scale", here::are_understood),
    ("cargo build --release --features", here::names_features),
    ("$ sftpgo-server migrate --check", here::migrates),
];

/// The others, and the test that runs them.
const ELSEWHERE: [(&str, &str); 5] = [
    ("./test", ".ci/run"),
    ("cargo install cargo-deb", "packaging/test"),
    // There is no engine: the steps of the file are walked, and what it would start is started.
    ("docker run", "packaging/test-image"),
    ("useradd --system", "packaging/test-package"),
    ("$ sftpgo-server portable", "tests/tests/portable.rs"),
];

/// What is in `packaging/`, and the test that uses it.
const PACKAGING: [(&str, &str); 15] = [
    ("build", "packaging/test"),
    ("crowdsec", "tests/tests/crowdsec.rs"),
    ("debian", "packaging/test"),
    ("docker", "packaging/test-image"),
    ("fail2ban", "tests/tests/fail2ban.rs"),
    ("grafana", "tests/tests/monitoring.rs"),
    ("haproxy", "tests/tests/monitoring.rs"),
    ("nginx", "tests/tests/monitoring.rs"),
    ("prometheus", "tests/tests/monitoring.rs"),
    ("test", "CONTRIBUTING.md"),
    ("test-image", "packaging/test"),
    ("test-lib", "packaging/test-package"),
    ("test-package", "packaging/test"),
    ("test-password", "packaging/test"),
    ("test-system-calls", "packaging/test"),
];

#[test]
fn every_block_of_commands_is_run() {
    let blocks = all_blocks();
    for (document, block) in &blocks {
        let here = HERE.iter().filter(|(start, _)| block.begins_with(start));
        let elsewhere = ELSEWHERE
            .iter()
            .filter(|(start, _)| block.begins_with(start));
        let count = here.count() + elsewhere.count();
        assert_eq!(
            count, 1,
            "{document}: a line of this test for\n{}",
            block.text
        );
    }
    for (start, test) in ELSEWHERE {
        let is_there = blocks.iter().any(|(_, block)| block.begins_with(start));
        assert!(is_there, "no document has {start}");
        assert!(workspace().join(test).exists(), "{test}");
    }
    for (start, run) in HERE {
        let found: Vec<_> = blocks
            .iter()
            .filter(|(_, block)| block.begins_with(start))
            .collect();
        assert!(!found.is_empty(), "no document has {start}");
        found.iter().for_each(|(_, block)| run(block));
    }
}

#[test]
fn commands_in_sentences_are_ones_that_the_programs_know() {
    let desk = Desk::new();
    let commands = commands_in_sentences();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        desk.types(&format!("{command} --help >/dev/null"));
    }
}

#[test]
fn every_file_that_is_shipped_belongs_to_a_test() {
    let directory = workspace().join("packaging");
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&directory)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().count() > PACKAGING.len());
    for file in listed.lines() {
        let part = file.split('/').next().unwrap();
        let (_, test) = PACKAGING
            .iter()
            .find(|(name, _)| *name == part)
            .unwrap_or_else(|| panic!("a line of this test for packaging/{file}"));
        assert!(mentions(test, part), "{test} has no {part}");
    }
}

fn mentions(test: &str, part: &str) -> bool {
    let text = fs::read_to_string(workspace().join(Path::new(test))).unwrap();
    // `test` starts the two that are called after its roots.
    text.contains(part)
        || part
            .strip_prefix("test-")
            .is_some_and(|part| text.contains(part))
}
