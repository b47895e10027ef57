//! `user export`: a dump that `user import` reads, whole or not at all.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    process::Command,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{Fake, answer, user};

const NOTE: &str = "note: the dump holds no passwords";

fn page(ids: impl IntoIterator<Item = i32>) -> (u16, Value) {
    let users = ids.into_iter().map(|id| user(id, &format!("u{id:04}")));
    (200, users.collect())
}

fn ids(dump: &str) -> Vec<i64> {
    let dump: Value = serde_json::from_str(dump).unwrap();
    let users = dump["users"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn the_form_is_that_of_sftpgo() {
    let mut bob = user(7, "b\u{202e}b");
    bob["permissions"] = json!(["list", "download"]);
    bob["public_keys"] = json!(["ssh-ed25519 AAAA"]);
    let fake = Fake::answering([(200, json!([bob]))]);
    let told = fake.run(&["user", "export"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(
        told.stderr.starts_with(NOTE) && told.stderr.lines().count() == 1,
        "{told:?}"
    );
    assert!(
        !told.stdout.contains('\u{202e}'),
        "a name cannot draw on the screen"
    );
    assert_eq!(
        serde_json::from_str::<Value>(&told.stdout).unwrap(),
        json!({"users": [{
            "id": 7, "status": 1, "username": "b\u{202e}b", "expiration_date": 0, "public_keys": ["ssh-ed25519 AAAA"],
            "home_dir": "/srv/b\u{202e}b", "uid": 0, "gid": 0, "max_sessions": 0, "quota_size": 0, "quota_files": 0,
            "permissions": {"/": ["list", "download"]}, "used_quota_size": 0, "used_quota_files": 0,
            "last_quota_update": 0, "upload_bandwidth": 0, "download_bandwidth": 0, "last_login": 0,
        }]})
    );
    let fake = Fake::answering([(200, json!([bob]))]);
    let read = fake
        .run_with(&["user", "import", "-", "--update"], &told.stdout)
        .done();
    assert!(read.contains("unchanged 1"), "{read}");
}

#[test]
fn a_server_without_users_is_a_dump_without_users() {
    let fake = Fake::answering([(200, json!([]))]);
    assert!(ids(&fake.run(&["user", "export", "-"]).stdout).is_empty());
}

#[test]
fn each_page_goes_on_after_the_last_name_of_the_one_before() {
    let fake = Fake::answering([page(0..500), page(500..1000), page(1000..1003)]);
    let told = fake.run(&["user", "export"]);
    assert_eq!(ids(&told.stdout), (0..1003).collect::<Vec<i64>>());
    assert_eq!(
        fake.request_lines(),
        ["offset=0", "after=u0499", "after=u0999"]
            .map(|start| format!("GET /api/v1/user?{start}&limit=500&order=ASC"))
    );
}

#[test]
fn a_file_is_for_its_owner_and_whole_or_as_it_was() {
    let files = TempDir::new().unwrap();
    let path = files.path().join("dump.json");
    fs::write(&path, "before").unwrap();
    let arguments = ["user", "export", path.to_str().unwrap()];

    let fake = Fake::answering([page(0..500), answer(500, "", "the database is gone")]);
    fake.run(&arguments).failed(1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");

    let told = Fake::answering([page(0..3)]).run(&arguments);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(
        told.stdout,
        format!("3 users are exported to {}.\n", path.display())
    );
    assert!(told.stderr.starts_with(NOTE), "{told:?}");
    assert_eq!(ids(&fs::read_to_string(&path).unwrap()), [0, 1, 2]);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read_dir(files.path()).unwrap().count(), 1);

    let link = files.path().join("link");
    symlink(&path, &link).unwrap();
    Fake::answering([page(0..1)]).run(&["user", "export", link.to_str().unwrap()]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(ids(&fs::read_to_string(&path).unwrap()), [0]);

    let nowhere = Fake::answering([page(0..3)]).run(&["user", "export", "/does/not/exist"]);
    assert!(nowhere.failed(2).contains("/does/not/exist"));
}

#[test]
fn a_pipe_is_written_to_and_stays() {
    let files = TempDir::new().unwrap();
    let path = files.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let told = thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read_to_string(&path).unwrap());
        let fake = Fake::answering([page(0..3)]);
        let outcome = fake.run(&["user", "export", path.to_str().unwrap()]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
        reader.join().unwrap()
    });
    assert_eq!(ids(&told), [0, 1, 2]);
}
