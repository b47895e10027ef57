//! `user explain`: the question as bytes, the answer, and its exit code.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use serde_json::{Value, json};

use crate::fake::{Fake, Outcome, answer, binary, outcome, user};

fn explanation(allowed: bool) -> Value {
    json!({
        "username": "bob", "operation": "rename", "path": "/a", "target": "/b", "allowed": allowed,
        "rule": "permission", "permissions": ["rename"], "reason": "because", "more": 1,
    })
}

fn explained(allowed: bool, more: &[&str]) -> Outcome {
    let users = json!([user(7, "bob")]);
    let fake = Fake::answering([(200, users), (200, explanation(allowed))]);
    let mut arguments = vec!["user", "explain", "bob", "/a", "rename", "--target=/b"];
    arguments.extend(more);
    fake.run(&arguments)
}

#[test]
fn an_answer_is_a_table_and_an_exit_code() {
    let table = "\
User         bob
Operation    rename
Path         /a
New name     /b
Allowed      yes
Rule         permission
Permissions  rename
Reason       because
";
    assert_eq!(explained(true, &[]).done(), table);
    let no = explained(false, &[]);
    assert_eq!((no.code, no.stderr.as_str()), (Some(4), ""));
    assert_eq!(no.stdout, table.replace("yes", "no"));
}

#[test]
fn an_answer_is_the_servers_as_json() {
    let no = explained(false, &["--output=json"]);
    assert_eq!(no.code, Some(4));
    let told: Value = serde_json::from_str(&no.stdout).unwrap();
    assert_eq!(told, explanation(false));
}

#[test]
fn paths_are_sent_as_bytes() {
    let users = json!([user(7, "bob")]);
    let fake = Fake::answering([(200, users), (200, explanation(true))]);
    let mut command = binary();
    command
        .env("SFTPGO_URL", &fake.url)
        .args(["user", "explain", "bob"])
        .arg(OsStr::from_bytes(b"/a b&\xff"))
        .args(["hardlink", "--target", "/é"]);
    outcome(command, "").done();
    assert_eq!(
        fake.request_lines()[1],
        "GET /api/v1/user/7/explain?operation=hardlink&path=%2Fa%20b%26%FF&target=%2F%C3%A9"
    );
}

#[test]
fn a_question_that_the_server_refuses_is_no_answer() {
    let users = json!([user(7, "bob")]);
    let refused = answer(400, "", "target: rename needs the new name");
    let fake = Fake::answering([(200, users), refused]);
    let told = fake
        .run(&["user", "explain", "bob", "/a", "rename"])
        .failed(1);
    assert!(told.contains("needs the new name"), "{told}");
}
