//! Every rule that a user has to pass: what breaks one is 400, names the field, and stores nothing.

use serde_json::{Value, json};
use sftpgo_test_support::KEY;

use crate::server::{Api, user};

#[test]
fn every_broken_rule_names_its_field_and_stores_nothing() {
    let api = Api::start();
    let long = "a".repeat(256);
    let cases: Vec<(&str, Value)> = [
        (
            "username",
            vec![
                json!(""),
                json!("."),
                json!(".."),
                json!("-"),
                json!("-rf"),
                json!("a/b"),
                json!("a\\b"),
                json!("a\0b"),
                json!("a\nb"),
                json!("a\u{7f}"),
                json!("a\u{85}"),
                json!(long),
                json!(7),
                json!(null),
            ],
        ),
        // Of later versions of SFTPGo: without them the user would have more than is asked for.
        (
            "filters",
            vec![
                json!({"allowed_ip": ["10.0.0.0/8"]}),
                json!({"denied_protocols": ["SSH"]}),
                json!({"max_upload_file_size": 1}),
            ],
        ),
        ("virtual_folders", vec![json!([{"virtual_path": "/v"}])]),
        ("filesystem", vec![json!({"provider": 1})]),
        (
            "home_dir",
            vec![
                json!(""),
                json!("relative"),
                json!("./a"),
                json!("/a\0b"),
                json!(format!("/{long}")),
                json!(7),
                json!(null),
            ],
        ),
        (
            "password",
            vec![
                json!(""),
                json!(null),
                json!("$2a$nonsense"),
                json!("$argon2id$nonsense"),
                json!("$pbkdf2-sha256$nonsense"),
                json!("$6$"),
                json!(7),
            ],
        ),
        (
            "public_keys",
            vec![
                json!(["nonsense"]),
                json!([KEY, "ssh-ed25519 AAAA"]),
                json!("text"),
                json!([7]),
            ],
        ),
        (
            "permissions",
            vec![
                json!([]),
                json!(["read"]),
                json!(["list", "LIST"]),
                json!([""]),
                json!("list"),
                json!([7]),
                json!({}),
                json!(null),
            ],
        ),
        (
            "status",
            vec![json!(2), json!(-1), json!(1.5), json!("1"), json!(true)],
        ),
        (
            "expiration_date",
            vec![json!(-1), json!(1.5), json!("1"), json!(1e30)],
        ),
        (
            "quota_size",
            vec![json!(-1), json!(1.5), json!("1"), json!(1e30)],
        ),
        ("used_quota_size", vec![json!("1")]),
        ("last_login", vec![json!(1.5)]),
    ]
    .into_iter()
    .chain(["uid", "gid"].map(|field| (field, vec![json!(65536)])))
    .chain(
        [
            "uid",
            "gid",
            "max_sessions",
            "quota_files",
            "upload_bandwidth",
            "download_bandwidth",
        ]
        .map(|field| {
            (
                field,
                vec![
                    json!(-1),
                    json!(1.5),
                    json!("1"),
                    json!(1_i64 << 40),
                    json!(true),
                ],
            )
        }),
    )
    .chain(
        ["id", "used_quota_files", "used_quota_file"]
            .map(|field| (field, vec![json!(1_i64 << 40), json!("1"), json!(1.5)])),
    )
    .flat_map(|(field, values)| values.into_iter().map(move |value| (field, value)))
    .collect();
    for (field, value) in cases {
        let (message, error) = api
            .send("POST", "/user", &user("alice", json!({ field: value })))
            .says(400);
        assert!(error.starts_with(field), "{field} = {value}: {error}");
        assert_eq!(message, "");
        assert!(api.names().is_empty(), "{field} = {value} was stored");
    }
}

#[test]
fn what_cannot_be_left_out_is_asked_for() {
    let api = Api::start();
    for field in ["username", "home_dir", "password", "permissions"] {
        let mut user = user("alice", json!({}));
        user.as_object_mut().unwrap().remove(field);
        let (_, error) = api.send("POST", "/user", &user).says(400);
        assert!(error.starts_with(field), "{field}: {error}");
    }
    assert!(api.names().is_empty());
    api.add("alice", json!({ "password": null, "public_keys": [KEY] }));
}

#[test]
fn a_wrong_key_is_told_by_its_number() {
    let api = Api::start();
    let (_, error) = api
        .send(
            "POST",
            "/user",
            &user("alice", json!({ "public_keys": [KEY, "nonsense"] })),
        )
        .says(400);
    assert!(error.contains("number 2"), "{error}");
}

#[test]
fn a_taken_name_is_refused_and_its_user_stays() {
    let api = Api::start();
    let before = api.add("alice", json!({}));
    let (_, error) = api
        .send("POST", "/user", &user("alice", json!({ "uid": 9 })))
        .says(400);
    assert!(error.starts_with("username: "), "{error}");
    assert_eq!(api.call("GET", "/user").data(), json!([before]));
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let api = Api::start();
    api.add("alice", json!({}));
    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let bodies: [&[u8]; 11] = [
        b"",
        b"   ",
        b"nonsense",
        b"[]",
        b"[1]",
        b"null",
        b"7",
        b"{",
        b"{} trailing",
        b"{\"username\": \"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        for (method, path) in [
            ("POST", "/user"),
            ("PUT", "/user/1"),
            ("POST", "/quota_scan"),
        ] {
            let (_, error) = api.send_raw(method, path, body).says(400);
            assert!(!error.is_empty());
        }
    }
    assert_eq!(api.names(), ["alice"]);
}

#[test]
fn statements_of_a_database_are_only_text() {
    let api = Api::start();
    let name = "x'; DROP TABLE users; --";
    api.add(name, json!({}));
    let listed = api
        .call(
            "GET",
            "/user?username=x%27%3B%20DROP%20TABLE%20users%3B%20--",
        )
        .data();
    assert_eq!(crate::server::names(&listed), [name]);
    assert_eq!(
        api.call("GET", "/user?username=%27%20OR%201%3D1%20--")
            .data(),
        json!([])
    );
}

#[test]
fn settings_of_filesystems_that_a_user_is_not_on_restrict_nobody() {
    let api = Api::start();
    let filesystem =
        json!({"provider": 0, "osconfig": {"read_buffer_size": 4}, "s3config": {"bucket": "x"}});
    api.add("alice", json!({ "filesystem": filesystem }));
}
