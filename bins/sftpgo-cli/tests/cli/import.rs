//! `user import`: what is asked of the server for each user of a file, and what is told.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{Fake, Outcome, answer, user};

const HASH: &str = "$6$salt$SECRET";
const KEY: &str = "ssh-ed25519 AAAA bob@home";

/// A user as SFTPGo 1.x dumps it, and as `fake::user` has it.
fn dumped(username: &str, fields: &Value) -> Value {
    let mut dumped = user(0, username);
    dumped["permissions"] = json!({"/": ["*"]});
    dumped["password"] = json!(HASH);
    dumped["filters"] = json!({"allowed_ip": []});
    for (name, value) in fields.as_object().unwrap() {
        dumped[name] = value.clone();
    }
    dumped
}

/// What is sent for a new user of [`dumped`].
fn sent(username: &str) -> Value {
    json!({
        "username": username, "password": HASH, "status": 1, "expiration_date": 0, "public_keys": [],
        "home_dir": format!("/srv/{username}"), "uid": 0, "gid": 0, "max_sessions": 0, "quota_size": 0,
        "quota_files": 0, "permissions": ["*"], "upload_bandwidth": 0, "download_bandwidth": 0,
    })
}

fn import(fake: &Fake, dump: &Value, options: &[&str]) -> Outcome {
    fake.run_with(
        &[&["user", "import", "-"], options].concat(),
        &dump.to_string(),
    )
}

#[test]
fn each_user_is_added_or_told_why_not() {
    let dump = json!({
        "users": [
            dumped("alice", &json!({})),
            dumped("bob", &json!({"filters": {"allowed_ip": ["10.0.0.0/8"]}})),
            dumped("carol", &json!({"password": "$1$salt$SECRET"})),
            dumped("dave", &json!({"password": "$1$salt$SECRET", "public_keys": [KEY], "quota_size": 1,
                "used_quota_files": 1})),
            dumped("alice", &json!({"status": 0})),
            dumped("erin", &json!({})),
            dumped("frank", &json!({})),
            7,
        ],
        "folders": [{}], "admins": [], "version": 5,
    });
    let fake = Fake::answering([
        (200, json!([user(1, "frank"), user(2, "someone")])),
        (200, user(3, "alice")),
        (200, user(4, "dave")),
        answer(400, "", "home_dir: must be an absolute path"),
    ]);
    let told = import(&fake, &dump, &[]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert_eq!(told.stderr, "error: the server refused 1 of the users\n");
    assert_eq!(
        told.stdout,
        "\
added alice
added dave: its password is a $1$ hash, which this server does not read

Added 2, changed 0, unchanged 0, skipped 5, failed 1.

OUTCOME  USER     REASON
skipped  bob      its filters.allowed_ip cannot be enforced
skipped  carol    no password and no public key to log in with; its password is a $1$ hash, which this server does not read
skipped  alice    there is another user of this name before it
skipped  frank    exists already
skipped  entry 8  it is not an object
failed   erin     home_dir: must be an absolute path (HTTP 400)

not imported: folders (1)
1 added users had files and have a quota: count what is in their homes with sftpgo-cli quota scan
"
    );
    let requests = fake.requests();
    assert_eq!(
        requests[0].line,
        "GET /api/v1/user?offset=0&limit=500&order=ASC"
    );
    assert_eq!(requests[1].body, sent("alice"));
    let mut dave = sent("dave");
    dave["public_keys"] = json!([KEY]);
    dave["quota_size"] = json!(1);
    dave.as_object_mut().unwrap().remove("password");
    assert_eq!(requests[2].body, dave);
    assert_eq!(requests[3].body, sent("erin"));
}

#[test]
fn the_exit_code_tells_whether_all_could_be_taken_over() {
    let skipped = dumped("bob", &json!({"virtual_folders": [{}]}));
    let there = dumped("frank", &json!({}));
    for (users, code) in [
        (json!([there]), 0),
        (json!([there, skipped]), 5),
        (json!([]), 0),
    ] {
        let fake = Fake::answering([(200, json!([user(1, "frank")]))]);
        let told = import(&fake, &users, &[]);
        assert_eq!(
            (told.code, told.stderr.as_str()),
            (Some(code), ""),
            "{told:?}"
        );
    }
}

#[test]
fn who_exists_is_changed_where_it_differs_when_asked_for() {
    let dump = json!([
        dumped(
            "alice",
            &json!({"quota_size": 1024, "permissions": {"/": ["list", "upload", "chmod"]}, "uid": 5})
        ),
        dumped("bob", &json!({})),
    ]);
    let mut alice = user(7, "alice");
    alice["permissions"] = json!(["upload", "chmod", "list"]);
    let users = json!([alice, user(8, "bob")]);
    let fake = Fake::answering([(200, users), answer(200, "User updated", "")]);
    let told = import(&fake, &dump, &["--update"]).done();
    assert_eq!(
        told,
        "\
changed alice: uid: 0 → 5; quota_size: unlimited → 1 KiB

Added 0, changed 1, unchanged 1, skipped 0, failed 0.

2 users keep the password they have, whether it is the same or not; --update-passwords sets them
"
    );
    let requests = fake.requests();
    assert_eq!(requests[1].line, "PUT /api/v1/user/7");
    assert_eq!(requests[1].body, json!({"uid": 5, "quota_size": 1024}));
}

#[test]
fn passwords_of_those_who_exist_are_set_when_asked_for() {
    let fake = Fake::answering([
        (200, json!([user(8, "bob")])),
        answer(200, "User updated", ""),
    ]);
    let dump = json!([dumped("bob", &json!({}))]);
    let told = import(
        &fake,
        &dump,
        &["--update", "--update-passwords", "--output=json"],
    )
    .done();
    assert!(!told.contains("SECRET"), "{told}");
    assert_eq!(
        serde_json::from_str::<Value>(&told).unwrap(),
        json!({
            "dry_run": false, "added": [], "unchanged": [], "skipped": [], "failed": [], "notes": [],
            "changed": [{
                "username": "bob", "notes": [], "changes": [{"field": "password", "from": null, "to": null}],
            }],
        })
    );
    assert_eq!(fake.requests()[1].body, json!({"password": HASH}));
}

#[test]
fn a_dry_run_asks_and_changes_nothing() {
    let dump = json!([
        dumped("alice", &json!({})),
        dumped("bob", &json!({"uid": 5})),
        dumped("carol", &json!({"uid": -1}))
    ]);
    let fake = Fake::answering([
        (200, json!([user(8, "bob")])),
        (200, json!({})),
        (200, json!({})),
    ]);
    let told = import(&fake, &dump, &["--update", "-n"]);
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(
        told.stdout.starts_with(
            "\
would add alice
would change bob: uid: 0 → 5

Would add 1, change 1; unchanged 0, skipped 1. Nothing was done.

OUTCOME  USER   REASON
skipped  carol  its uid -1 is out of range
"
        ),
        "{told:?}"
    );
    assert_eq!(
        fake.request_lines(),
        ["GET /api/v1/user?offset=0&limit=500&order=ASC"]
    );
}

#[test]
fn few_users_are_not_looked_for_among_all_of_a_large_server() {
    let page: Vec<Value> = (0..500).map(|id| user(id, &format!("u{id}"))).collect();
    let fake = Fake::answering([
        (200, Value::from(page)),
        (200, json!([])),
        (200, user(1, "alice")),
        (200, json!([user(9, "zoe")])),
    ]);
    let dump = json!([
        dumped("alice", &json!({})),
        dumped("u3", &json!({})),
        dumped("zoe", &json!({}))
    ]);
    let told = import(&fake, &dump, &[]).done();
    assert!(
        told.contains("Added 1, changed 0, unchanged 0, skipped 2"),
        "{told}"
    );
    assert_eq!(
        fake.request_lines(),
        [
            "GET /api/v1/user?offset=0&limit=500&order=ASC",
            "GET /api/v1/user?username=alice",
            "POST /api/v1/user",
            "GET /api/v1/user?username=zoe",
        ]
    );
}

#[test]
fn when_the_server_goes_away_the_rest_is_not_tried() {
    let fake = Fake::saying(vec![
        crate::fake::http(200, "[]"),
        crate::fake::http(200, &user(1, "a").to_string()),
        String::new(),
    ]);
    let dump = json!([
        dumped("a", &json!({})),
        dumped("b", &json!({})),
        dumped("c", &json!({}))
    ]);
    let told = import(&fake, &dump, &[]);
    assert_eq!(told.code, Some(3), "{told:?}");
    assert!(
        told.stdout.starts_with("added a\n") && told.stdout.contains("stopped: 2 users are left"),
        "{told:?}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_place_and_changes_nothing() {
    let files = TempDir::new().unwrap();
    let dump = files.path().join("dump.json");
    fs::write(&dump, "{\"users\": [\n  {\"username\": bob}\n]}").unwrap();
    let dump = dump.to_str().unwrap();
    for (arguments, told) in [
        (&[dump][..], "line 2 column 16"),
        (&["/does/not/exist"], "/does/not/exist"),
        (&["--passwd=/does/not/exist"], "/does/not/exist"),
        (&[dump, "--permission=list"], "--passwd"),
        (&[dump, "--shadow=x"], "--passwd"),
        (&[dump, "--passwd=x"], "--passwd"),
        (&[dump, "--update-passwords"], "--update"),
        (&[], "--passwd"),
    ] {
        let fake = Fake::answering([(200, json!([]))]);
        let complaint = fake
            .run(&[&["user", "import"], arguments].concat())
            .failed(2);
        assert!(complaint.contains(told), "{arguments:?}: {complaint}");
        assert!(fake.requests().is_empty(), "{arguments:?}");
    }
}
