//! Adding, listing, showing, changing and deleting.

use serde_json::{Value, json};
use sftpgo_core::UserId;
use sftpgo_test_support::{ARGON2ID, KEY, Settings};

use crate::server::{Api, names, user};

#[test]
fn a_new_user_is_answered_as_stored_and_without_password() {
    let api = Api::start();
    let added = api.add("alice", json!({}));
    assert_eq!(
        added,
        json!({
            "id": 1, "status": 1, "username": "alice", "expiration_date": 0,
            "home_dir": "/nonexistent/alice", "uid": 0, "gid": 0, "max_sessions": 0,
            "quota_size": 0, "quota_files": 0, "permissions": ["list"],
            "used_quota_size": 0, "used_quota_files": 0, "used_quota_file": 0,
            "last_quota_update": 0, "upload_bandwidth": 0, "download_bandwidth": 0, "last_login": 0,
        })
    );
    assert_eq!(api.call("GET", "/user/1").data(), added);
    assert_eq!(api.call("GET", "/user").data(), json!([added]));
}

#[test]
fn every_field_is_stored() {
    let api = Api::start();
    let fields = json!({
        "status": 0, "expiration_date": 1_900_000_000_000_i64, "public_keys": [KEY],
        "uid": 65535, "gid": 1, "max_sessions": 2, "quota_size": 1_i64 << 40, "quota_files": 3,
        "permissions": ["download", "list"], "upload_bandwidth": 4, "download_bandwidth": 5,
    });
    let added = api.add("alice", fields.clone());
    for (name, value) in fields.as_object().unwrap() {
        let expected = if name == "permissions" {
            &json!(["list", "download"])
        } else {
            value
        };
        assert_eq!(&added[name], expected, "{name}");
    }
}

#[test]
fn what_only_the_server_sets_is_ignored() {
    let api = Api::start();
    let added = api.add(
        "alice",
        json!({ "id": 77, "used_quota_size": 5, "used_quota_files": 5, "used_quota_file": 5,
            "last_quota_update": 5, "last_login": 5, "filters": { "unknown": [null] } }),
    );
    assert_eq!(added["id"], 1);
    for field in [
        "used_quota_size",
        "used_quota_files",
        "used_quota_file",
        "last_quota_update",
        "last_login",
    ] {
        assert_eq!(added[field], 0, "{field}");
    }
}

#[test]
fn the_content_type_of_a_request_does_not_matter() {
    let api = Api::start();
    // The client sends none; curl's default is a form's.
    let body = user("alice", json!({})).to_string();
    let request = format!(
        "POST /api/v1/user HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = crate::client::exchange(api.address, request.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn star_and_repeats_fold() {
    let api = Api::start();
    assert_eq!(
        api.add("a", json!({ "permissions": ["list", "*"] }))["permissions"],
        json!(["*"])
    );
    assert_eq!(
        api.add("b", json!({ "permissions": ["list", "list"] }))["permissions"],
        json!(["list"])
    );
}

#[test]
fn a_plain_password_is_stored_as_a_hash() {
    let api = Api::start();
    api.add("alice", json!({ "password": "secret" }));
    let stored = api.service.provider.user_by_name("alice").unwrap().unwrap();
    assert!(stored.password.unwrap().starts_with("$argon2id$"));
}

#[test]
fn an_empty_home_is_below_the_base_directory() {
    let api = Api::with(Settings {
        users_base_dir: Some("/srv".into()),
        ..Settings::default()
    });
    assert_eq!(
        api.add("alice", json!({ "home_dir": "" }))["home_dir"],
        "/srv/alice"
    );
}

#[test]
fn a_listing_is_paged_ordered_and_filtered() {
    let api = Api::start();
    for name in ["bob", "alice", "Bob", "carol"] {
        api.add(name, json!({}));
    }
    for (query, expected) in [
        ("", vec!["Bob", "alice", "bob", "carol"]),
        ("?order=ASC", vec!["Bob", "alice", "bob", "carol"]),
        ("?order=DESC", vec!["carol", "bob", "alice", "Bob"]),
        ("?limit=2", vec!["Bob", "alice"]),
        ("?limit=2&offset=1", vec!["alice", "bob"]),
        ("?limit=501&offset=3&order=DESC", vec!["Bob"]),
        ("?offset=4", vec![]),
        ("?limit=2&after=Bob", vec!["alice", "bob"]),
        ("?after=b&offset=1", vec!["bob", "carol"]),
        ("?after=bob&order=DESC", vec!["alice", "Bob"]),
        ("?after=carol", vec![]),
        ("?after=&limit=1", vec!["Bob"]),
        ("?username=bob", vec!["bob"]),
        ("?username=bo", vec![]),
        ("?username=", vec!["Bob", "alice", "bob", "carol"]),
        (
            "?limit=100&offset=0&order=ASC&username=",
            vec!["Bob", "alice", "bob", "carol"],
        ),
    ] {
        assert_eq!(
            names(&api.call("GET", &format!("/user{query}")).data()),
            expected,
            "{query}"
        );
    }
}

#[test]
fn a_listing_answers_100_users_unless_asked_for_more_and_never_more_than_500() {
    let api = Api::start();
    let draft = sftpgo_core::UserDraft {
        password: Some(ARGON2ID.into()),
        home_dir: "/nonexistent".into(),
        permissions: vec!["*".into()],
        ..Default::default()
    };
    for number in 0..510 {
        let draft = sftpgo_core::UserDraft {
            username: format!("user{number}"),
            ..draft.clone()
        };
        api.service
            .provider
            .add_user(&draft.validate(None).unwrap())
            .unwrap();
    }
    for (query, count) in [("", 100), ("?limit=500", 500), ("?limit=510", 500)] {
        assert_eq!(
            names(&api.call("GET", &format!("/user{query}")).data()).len(),
            count,
            "{query}"
        );
    }
}

#[test]
fn a_wrong_query_is_refused_by_name() {
    let api = Api::start();
    for query in [
        "offset=-1",
        "offset=x",
        "limit=0",
        "limit=x",
        "limit=1.5",
        "order=asc",
        "order=UP",
    ] {
        let (_, error) = api.call("GET", &format!("/user?{query}")).says(400);
        let name = query.split('=').next().unwrap();
        assert!(error.starts_with(&format!("{name}: ")), "{query}: {error}");
    }
}

#[test]
fn a_change_keeps_what_it_leaves_out() {
    let api = Api::start();
    let before = api.add(
        "alice",
        json!({ "public_keys": [KEY], "uid": 7, "quota_files": 3 }),
    );
    let changed = api.send(
        "PUT",
        "/user/1",
        &json!({ "quota_size": 9, "password": null, "public_keys": null }),
    );
    assert_eq!(changed.says(200), ("User updated".into(), String::new()));
    let mut expected = before;
    expected["quota_size"] = json!(9);
    assert_eq!(api.call("GET", "/user/1").data(), expected);
    let stored = api.service.provider.user_by_id(UserId(1)).unwrap().unwrap();
    assert_eq!(stored.password.as_deref(), Some(ARGON2ID));
}

#[test]
fn a_change_sets_clears_and_renames() {
    let api = Api::start();
    api.add("alice", json!({ "public_keys": [KEY], "quota_files": 3 }));
    let changes = json!({ "id": 1, "username": "alicia", "public_keys": [], "quota_files": 0, "status": 0, "password": "" });
    api.send("PUT", "/user/1", &changes).says(200);
    let user = api.call("GET", "/user/1").data();
    assert_eq!(
        (&user["username"], &user["quota_files"], &user["status"]),
        (&json!("alicia"), &json!(0), &json!(0))
    );
    assert!(user.get("public_keys").is_none(), "{user}");
    let stored = api.service.provider.user_by_id(UserId(1)).unwrap().unwrap();
    assert_eq!(
        stored.password.as_deref(),
        Some(ARGON2ID),
        "an empty password is one left out"
    );
    api.send("PUT", "/user/1", &json!({ "id": 0, "password": "another" }))
        .says(200);
    let stored = api.service.provider.user_by_id(UserId(1)).unwrap().unwrap();
    assert_ne!(stored.password.as_deref(), Some(ARGON2ID));
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let api = Api::start();
    api.add("alice", json!({}));
    let before = api.add("bob", json!({}));
    for (changes, field) in [
        (json!({ "uid": 8, "id": 1 }), "id"),
        (json!({ "uid": 8, "username": "alice" }), "username"),
        (json!({ "uid": 8, "home_dir": "relative" }), "home_dir"),
        (json!({ "gid": 8, "uid": 65536 }), "uid"),
        (json!({ "uid": 8, "permissions": [] }), "permissions"),
        (
            json!({ "uid": 8, "public_keys": ["nonsense"] }),
            "public_keys",
        ),
        (json!({ "uid": 8, "permissions": [null] }), "permissions[0]"),
    ] {
        let (_, error) = api.send("PUT", "/user/2", &changes).says(400);
        assert!(
            error.starts_with(&format!("{field}: ")),
            "{changes}: {error}"
        );
        assert_eq!(api.call("GET", "/user/2").data(), before);
    }
}

/// Clients that serialise all fields of their model send null for what they do not set.
#[test]
fn null_is_as_left_out_for_a_new_user_and_for_a_change() {
    let api = Api::start();
    let nulls: Value = [
        "id",
        "status",
        "expiration_date",
        "public_keys",
        "uid",
        "gid",
        "max_sessions",
        "quota_size",
        "quota_files",
        "upload_bandwidth",
        "download_bandwidth",
        "used_quota_size",
        "used_quota_files",
        "used_quota_file",
        "last_quota_update",
        "last_login",
    ]
    .into_iter()
    .map(|field| (field.to_owned(), Value::Null))
    .collect();
    let added = api.add("alice", nulls.clone());
    assert_eq!((&added["status"], &added["uid"]), (&json!(1), &json!(0)));
    let mut changes = nulls;
    for field in ["username", "password", "home_dir", "permissions"] {
        changes[field] = Value::Null;
    }
    changes["gid"] = json!(8);
    api.send("PUT", "/user/1", &changes).says(200);
    let changed = api.call("GET", "/user/1").data();
    let mut expected = added;
    expected["gid"] = json!(8);
    assert_eq!(changed, expected);
    api.send("POST", "/quota_scan", &{
        changes["username"] = json!("alice");
        changes
    })
    .says(201);
}

#[test]
fn a_deleted_user_is_gone() {
    let api = Api::start();
    api.add("alice", json!({}));
    assert_eq!(
        api.call("DELETE", "/user/1").says(200),
        ("User deleted".into(), String::new())
    );
    api.call("GET", "/user/1").says(404);
    api.call("DELETE", "/user/1").says(404);
    api.send("PUT", "/user/1", &json!({})).says(404);
    assert!(api.names().is_empty());
    assert_eq!(
        api.add("alice", json!({}))["id"],
        2,
        "an id is given out once"
    );
}

#[test]
fn an_id_that_is_none_is_refused() {
    let api = Api::start();
    for id in ["x", "-1", "2147483648", "1.0", "", "%31x", "+1", "%ff"] {
        let path = format!("/user/{id}");
        api.call("GET", &path).says(400);
        api.call("DELETE", &path).says(400);
        api.send("PUT", &path, &json!({})).says(400);
    }
    api.add("alice", json!({}));
    assert_eq!(
        api.call("GET", "/user/%31").data()["id"],
        1,
        "escapes are read"
    );
}

#[test]
fn without_management_users_can_only_be_read() {
    let api = Api::with(Settings {
        manage_users: false,
        ..Settings::default()
    });
    let (_, error) = api
        .send("POST", "/user", &user("alice", json!({})))
        .says(403);
    assert!(error.contains("manage_users"), "{error}");
    api.send("PUT", "/user/1", &json!({})).says(403);
    api.call("DELETE", "/user/1").says(403);
    assert!(api.names().is_empty());
}
