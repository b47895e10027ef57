//! What `user` asks and prints.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{Fake, Request, answer, user};

#[test]
fn add_sends_every_field_that_is_given() {
    let files = TempDir::new().unwrap();
    let password = files.path().join("password");
    fs::write(&password, "a secret\n").unwrap();
    let keys = files.path().join("keys");
    fs::write(
        &keys,
        "# laptop\nssh-ed25519 AAAA bob@laptop\n\nssh-rsa BBBB\n",
    )
    .unwrap();
    let other_keys = files.path().join("other.pub");
    fs::write(&other_keys, "ecdsa-sha2-nistp256 CCCC\n").unwrap();
    let fake = Fake::answering([(200, user(7, "bob"))]);
    let shown = fake.run(&[
        "user",
        "add",
        "bob",
        "--home-dir=/srv/bob",
        "--permission=list,download",
        "--permission=upload",
        "--password-file",
        password.to_str().unwrap(),
        "--public-key",
        keys.to_str().unwrap(),
        "--public-key",
        other_keys.to_str().unwrap(),
        "--uid=1000",
        "--gid=65535",
        "--max-sessions=3",
        "--quota-size=10GiB",
        "--quota-files=1000",
        "--upload-bandwidth=5MB",
        "--download-bandwidth=250",
        "--expires=2027-01-01",
        "--disabled",
    ]);
    assert_eq!(
        shown.done(),
        "User bob is added with id 7 and home directory /srv/bob.\n"
    );
    assert_eq!(
        fake.requests(),
        [Request {
            line: "POST /api/v1/user".to_owned(),
            body: json!({
                "username": "bob", "status": 0, "expiration_date": 1_798_761_600_000_i64,
                "password": "a secret",
                "public_keys": ["ssh-ed25519 AAAA bob@laptop", "ssh-rsa BBBB", "ecdsa-sha2-nistp256 CCCC"],
                "home_dir": "/srv/bob", "uid": 1000, "gid": 65535, "max_sessions": 3,
                "quota_size": 10_737_418_240_u64, "quota_files": 1000,
                "permissions": ["list", "download", "upload"],
                "upload_bandwidth": 5000, "download_bandwidth": 250,
            }),
        }]
    );
}

#[test]
fn add_without_more_makes_an_enabled_user_who_may_do_all() {
    let fake = Fake::answering([(200, user(1, "bob"))]);
    fake.run_with(&["user", "add", "bob", "--password-stdin"], "secret\n")
        .done();
    assert_eq!(
        fake.requests()[0].body,
        json!({"username": "bob", "status": 1, "password": "secret", "permissions": ["*"]})
    );
}

#[test]
fn add_prints_the_stored_user_as_json() {
    let fake = Fake::answering([(200, user(1, "bob"))]);
    let arguments = ["-o", "json", "user", "add", "bob", "--password-stdin"];
    let shown: Value = serde_json::from_str(&fake.run_with(&arguments, "secret").done()).unwrap();
    assert_eq!(shown, user(1, "bob"));
}

#[test]
fn update_sends_only_what_is_given() {
    for (arguments, body) in [
        (&["--quota-size", "unlimited"][..], json!({"quota_size": 0})),
        (&["--expires", "never"], json!({"expiration_date": 0})),
        (&["--enabled"], json!({"status": 1})),
        (&["--disabled"], json!({"status": 0})),
        (&["--no-public-keys"], json!({"public_keys": []})),
        (&["--permission", "*"], json!({"permissions": ["*"]})),
        (&["--home-dir", "/x"], json!({"home_dir": "/x"})),
        (&["--uid", "0"], json!({"uid": 0})),
        (
            &["--deny-login", "publickey,password"],
            json!({"filters": {"denied_login_methods": ["publickey", "password"]}}),
        ),
        (
            &["--deny-login", "none"],
            json!({"filters": {"denied_login_methods": []}}),
        ),
        (&["--password-stdin"], json!({"password": "new"})),
    ] {
        let fake = Fake::answering([
            (200, json!([user(7, "bob")])),
            answer(200, "User updated", ""),
        ]);
        let shown = fake.run_with(&[&["user", "update", "bob"], arguments].concat(), "new\n");
        assert_eq!(shown.done(), "User bob is updated.\n");
        let requests = fake.requests();
        assert_eq!(requests[0].line, "GET /api/v1/user?username=bob");
        assert_eq!(requests[1].line, "PUT /api/v1/user/7");
        assert_eq!(requests[1].body, body, "{arguments:?}");
    }
}

#[test]
fn show_finds_by_name_or_by_id() {
    let fake = Fake::answering([(200, json!([user(7, "a b&c=d/é")]))]);
    fake.run(&["user", "show", "a b&c=d/é"]).done();
    assert_eq!(
        fake.request_lines(),
        ["GET /api/v1/user?username=a%20b%26c%3Dd%2F%C3%A9"]
    );

    let fake = Fake::answering([(200, user(7, "bob"))]);
    fake.run(&["user", "show", "--id", "7"]).done();
    assert_eq!(fake.request_lines(), ["GET /api/v1/user/7"]);
}

#[test]
fn show_is_for_people_or_the_servers_data() {
    let mut bob = user(7, "bob");
    bob["quota_size"] = json!(10_737_418_240_u64);
    bob["used_quota_size"] = json!(1536);
    bob["expiration_date"] = json!(4_102_444_800_000_u64);
    bob["upload_bandwidth"] = json!(5000);
    bob["permissions"] = json!(["list", "download"]);
    bob["public_keys"] = json!(["ssh-ed25519 AAAA bob@laptop"]);
    bob["a_field_of_tomorrow"] = json!({"kept": [1, null]});
    let fake = Fake::answering([(200, json!([bob])), (200, json!([bob]))]);
    assert_eq!(
        fake.run(&["user", "show", "bob"]).done(),
        "\
ID              7
User            bob
Status          enabled
Expires         2100-01-01 00:00:00 UTC
Last login      never
Home directory  /srv/bob
Permissions     list, download
Owner           uid 0, gid 0
Sessions        unlimited
Size used       1.5 KiB
Size allowed    10 GiB
Files used      0
Files allowed   unlimited
Last counted    never
Upload          5 MB/s
Download        unlimited
Denied logins   none
Second factor   no
Public keys     1
  ssh-ed25519 AAAA bob@laptop
"
    );
    let shown = fake.run(&["user", "show", "bob", "--output=json"]).done();
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), bob);
    assert!(shown.starts_with("{\n  \"id\": 7,\n"), "pretty: {shown}");
}

#[test]
fn list_is_a_table_with_limits_and_states() {
    let mut bob = user(12, "bob");
    bob["used_quota_size"] = json!(1_048_576);
    bob["quota_size"] = json!(1_073_741_824);
    bob["used_quota_files"] = json!(3);
    bob["quota_files"] = json!(10);
    bob["expiration_date"] = json!(1000);
    let mut carol = user(3, "carol");
    carol["status"] = json!(0);
    let fake = Fake::answering([(200, json!([bob, carol]))]);
    assert_eq!(
        fake.run(&["user", "list"]).done(),
        "\
ID  USER   STATUS    HOME        SIZE            FILES    EXPIRES                  LAST LOGIN
12  bob    expired   /srv/bob    1 MiB of 1 GiB  3 of 10  1970-01-01 00:00:01 UTC  never
3   carol  disabled  /srv/carol  0 B             0        never                    never
"
    );
    assert_eq!(
        fake.request_lines(),
        ["GET /api/v1/user?offset=0&limit=500&order=ASC"]
    );
}

#[test]
fn list_pages_through_all() {
    let page = |from: i32, to: i32| {
        let users: Vec<Value> = (from..to)
            .map(|id| user(id, &format!("u {id:04}")))
            .collect();
        (200, Value::from(users))
    };
    let fake = Fake::answering([page(0, 500), page(500, 1000), page(1000, 1001)]);
    let shown = fake.run(&["user", "list", "--output=json"]).done();
    let users: Vec<Value> = serde_json::from_str(&shown).unwrap();
    let ids: Vec<i64> = users
        .iter()
        .map(|user| user["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (0..1001).collect::<Vec<i64>>());
    assert_eq!(
        fake.request_lines(),
        [
            "GET /api/v1/user?offset=0&limit=500&order=ASC",
            "GET /api/v1/user?after=u%200499&limit=500&order=ASC",
            "GET /api/v1/user?after=u%200999&limit=500&order=ASC",
        ]
    );

    let down = |from: i32, to: i32| {
        let (status, mut users) = page(from, to);
        users.as_array_mut().unwrap().reverse();
        (status, users)
    };
    let fake = Fake::answering([down(2, 502), down(0, 2)]);
    fake.run(&["user", "list", "--limit=502", "--offset=9", "--order=desc"])
        .done();
    assert_eq!(
        fake.request_lines(),
        [
            "GET /api/v1/user?offset=9&limit=500&order=DESC",
            "GET /api/v1/user?after=u%200002&limit=2&order=DESC",
        ]
    );
}

#[test]
fn a_server_that_knows_no_names_to_go_on_after_is_not_asked_for_ever() {
    let page: Vec<Value> = (0..500).map(|id| user(id, &format!("u{id:03}"))).collect();
    let page = (200, Value::from(page));
    let fake = Fake::answering([page.clone(), page.clone(), page]);
    let listed = fake.run(&["user", "list"]).failed(1);
    assert!(listed.contains("it is older than this program"), "{listed}");
    assert_eq!(fake.request_lines().len(), 2);
}

#[test]
fn delete_asks_nothing_with_yes() {
    let fake = Fake::answering([
        (200, json!([user(7, "bob")])),
        answer(200, "User deleted", ""),
    ]);
    let shown = fake.run(&["user", "delete", "bob", "--yes"]).done();
    assert_eq!(shown, "User bob is deleted.\n");
    assert_eq!(fake.request_lines()[1], "DELETE /api/v1/user/7");
}

#[test]
fn a_name_cannot_draw_on_the_screen() {
    let name = "\u{1b}[2Jx\u{202e}\u{9b}";
    let fake = Fake::answering([
        (200, json!([user(7, name)])),
        (200, json!([user(7, name)])),
        answer(400, "", &format!("{name} is taken")),
    ]);
    let shown = fake.run(&["user", "list"]).done();
    assert!(shown.contains(r"\u{1b}[2Jx\u{202e}\u{9b}"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{shown}");
    let shown = fake.run(&["user", "list", "--output=json"]).done();
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{shown}");
    let users: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(users[0]["username"], name);
    let complaint = fake.run(&["user", "list"]).failed(1);
    assert!(
        !complaint.contains(['\u{1b}', '\u{202e}', '\u{9b}']),
        "{complaint}"
    );
}

#[test]
fn a_second_factor_is_shown_once_and_its_state_later() {
    let made = json!({
        "config_name": "Default", "issuer": "SFTPGo", "secret": "BASE32", "url": "otpauth://totp/SFTPGo:bob?secret=BASE32",
        "qr_code": "iVBOR", "protocols": ["SSH"], "recovery_codes": ["one", "two"],
    });
    let bob = || (200, json!([user(7, "bob")]));
    let fake = Fake::answering([bob(), (200, made.clone())]);
    let shown = fake.run(&["user", "totp", "enable", "bob"]);
    let text = shown.done();
    for part in [
        "BASE32",
        "otpauth://totp/SFTPGo:bob?secret=BASE32",
        "  one\n  two\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let requests = fake.requests();
    assert_eq!(requests[1].line, "POST /api/v1/user/7/totp");
    assert_eq!(requests[1].body, json!({"protocols": ["SSH"]}));
    let fake = Fake::answering([bob(), (200, made)]);
    let options = ["--config", "Other", "--protocol", "SSH,FTP"];
    fake.run(&[&["user", "totp", "enable", "bob"][..], &options].concat())
        .done();
    let expected = json!({"config_name": "Other", "protocols": ["SSH", "FTP"]});
    assert_eq!(fake.requests()[1].body, expected);

    let state = json!({"enabled": true, "config_name": "Default", "protocols": ["SSH"], "recovery_codes_left": 11});
    let fake = Fake::answering([bob(), (200, state)]);
    let shown = fake.run(&["user", "totp", "show", "bob"]);
    assert!(shown.done().contains("Recovery codes left  11\n"));
    assert_eq!(fake.request_lines()[1], "GET /api/v1/user/7/totp");

    let fake = Fake::answering([bob(), answer(200, "2FA disabled", "")]);
    let done = fake.run(&["user", "totp", "disable", "bob", "--yes"]);
    assert_eq!(done.done(), "User bob has no second factor any more.\n");
    assert_eq!(fake.request_lines()[1], "DELETE /api/v1/user/7/totp");
}
