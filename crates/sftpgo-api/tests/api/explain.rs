//! What a user may do, asked.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use serde_json::json;
use tempfile::TempDir;

use crate::server::Api;

/// A user who may list and upload, in a home with one file whose name is no UTF-8.
fn start() -> (Api, TempDir) {
    let api = Api::start();
    let home = TempDir::new().unwrap();
    fs::write(home.path().join(OsStr::from_bytes(b"\xff")), b"x").unwrap();
    let fields = json!({ "home_dir": home.path(), "permissions": ["list", "upload", "rename"] });
    api.add("alice", fields);
    (api, home)
}

#[test]
fn an_answer_names_the_rule_that_decides() {
    let (api, _home) = start();
    let ask = |query: &str| api.call("GET", &format!("/user/1/explain?{query}")).data();
    assert_eq!(
        ask("operation=upload&path=/a/../new"),
        json!({
            "username": "alice", "operation": "upload", "path": "/new", "allowed": true,
            "rule": "permission", "permissions": ["upload"], "reason": "allowed by upload",
        })
    );
    assert_eq!(
        ask("operation=upload&path=/%FF"),
        json!({
            "username": "alice", "operation": "upload", "path": "/\u{fffd}", "allowed": false,
            "rule": "permission", "permissions": ["overwrite"],
            "reason": "permission denied: needs overwrite",
        })
    );
    assert_eq!(
        ask("operation=rename&path=/none&target=/new"),
        json!({
            "username": "alice", "operation": "rename", "path": "/none", "target": "/new",
            "allowed": true, "rule": "permission", "permissions": ["rename"],
            "reason": "allowed by rename",
        })
    );
}

#[test]
fn asking_changes_nothing() {
    let (api, home) = start();
    let before = api.call("GET", "/user/1").data();
    for query in ["operation=mkdir&path=/d", "operation=upload&path=/new"] {
        api.call("GET", &format!("/user/1/explain?{query}")).data();
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    assert_eq!(api.call("GET", "/user/1").data(), before);
    assert_eq!(api.call("GET", "/connection").data(), json!([]));
}

#[test]
fn a_question_that_is_none_is_refused() {
    let (api, _home) = start();
    for (query, told) in [
        ("", "operation: is missing"),
        ("operation=list", "path: is missing"),
        ("operation=fly&path=/", "list, stat, download"),
        ("operation=list&path=", "path: must not be empty"),
        ("operation=list&path=/a%00", "path: contains NUL"),
        (
            "operation=rename&path=/a",
            "target: rename needs the new name",
        ),
        (
            "operation=list&path=/a&target=/b",
            "target: list takes no second path",
        ),
        (
            "operation=list&path=/a&path=/b",
            "path: is given more than once",
        ),
    ] {
        let (_, error) = api
            .call("GET", &format!("/user/1/explain?{query}"))
            .says(400);
        assert!(error.contains(told), "{query}: {error}");
    }
    let question = "operation=list&path=/";
    api.call("GET", &format!("/user/2/explain?{question}"))
        .says(404);
    api.call("GET", &format!("/user/x/explain?{question}"))
        .says(400);
}
