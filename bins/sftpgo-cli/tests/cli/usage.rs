//! Exit code 2: what cannot be meant never reaches the server.

use std::fs;

use tempfile::TempDir;

use crate::fake::{Fake, binary, outcome};

/// The complaint about a command line; the server that would answer is never asked.
fn complaint(arguments: &[&str], input: &str) -> String {
    let fake = Fake::answering([(200, serde_json::json!([]))]);
    let complaint = fake.run_with(arguments, input).failed(2);
    assert!(fake.requests().is_empty(), "{arguments:?}");
    complaint
}

#[test]
fn values_that_cannot_be_are_refused() {
    for (option, value) in [
        ("--uid", "65536"),
        ("--uid", "-1"),
        ("--gid", "root"),
        ("--max-sessions", "-1"),
        ("--quota-size", "10XB"),
        ("--quota-files", "1.5"),
        ("--upload-bandwidth", "fast"),
        ("--download-bandwidth", "2147483648"),
        ("--expires", "2027-02-30"),
        ("--permission", "list,fly"),
        ("--public-key", "/does/not/exist"),
        ("--password-file", "/does/not/exist"),
        ("--password", "secret"),
    ] {
        let complaint = complaint(&["user", "add", "bob", &format!("{option}={value}")], "");
        let named = complaint.contains(option) || complaint.contains(value);
        assert!(named, "{option} {value}: {complaint}");
    }
}

#[test]
fn command_lines_that_contradict_themselves_are_refused() {
    for arguments in [
        "",
        "user",
        "user fly",
        "user add",
        "user show",
        "user explain bob /a",
        "user explain bob /a fly",
        "user show bob --id 7",
        "user show --id 0",
        "user update bob",
        "user update --uid 1",
        "user update bob --enabled --disabled",
        "user update bob --no-public-keys --public-key x",
        "user update bob --password-stdin --password-file x",
        "user update bob --password-stdin --set-password",
        "user list --limit 0",
        "user list --order sideways",
        "user list --output xml",
        "connection close",
        "quota scan",
        "completions tcsh",
        "gen man",
        "status --server 127.0.0.1:8080",
        "status --server http://me:secret@127.0.0.1",
    ] {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let fake = Fake::answering([(200, serde_json::json!([]))]);
        let outcome = fake.run(&words);
        assert_eq!(outcome.code, Some(2), "{arguments}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments}");
        assert!(fake.requests().is_empty(), "{arguments}");
    }
    for arguments in [
        ["user", "show", ""],
        ["connection", "close", ""],
        ["quota", "scan", ""],
    ] {
        complaint(&arguments, "");
    }
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let told = complaint(&["user", "add", "bob"], "secret\nsecret\n");
    for way in ["--password-stdin", "--password-file", "--public-key"] {
        assert!(told.contains(way), "{told}");
    }
    let told = complaint(&["user", "delete", "bob"], "y\n");
    assert!(told.contains("--yes"), "{told}");
    let told = complaint(&["user", "update", "bob", "--set-password"], "new\nnew\n");
    assert!(told.contains("--password-stdin"), "{told}");
}

#[test]
fn a_password_that_is_none_is_refused() {
    for input in ["", "\n", "two\nlines\n"] {
        let told = complaint(&["user", "add", "bob", "--password-stdin"], input);
        assert!(told.contains("standard input"), "{told}");
    }
}

#[test]
fn a_private_key_is_not_sent() {
    let files = TempDir::new().unwrap();
    let key = files.path().join("id_ed25519");
    fs::write(&key, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n").unwrap();
    let key = key.to_str().unwrap();
    let told = complaint(&["user", "add", "bob", "--public-key", key], "");
    assert!(told.contains(key) && told.contains("private key"), "{told}");
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["user", "add", "--help"], &["--version"]] {
        let mut command = binary();
        command.args(arguments);
        assert!(!outcome(command, "").done().is_empty());
    }
}
