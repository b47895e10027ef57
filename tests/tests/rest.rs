//! REST as a contract: requests that nobody thought of, and those of the client that operators have.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::process::Command;

use sftpgo_e2e::{Server, python};

#[test]
fn the_contract_holds_against_generated_requests() {
    let server = Server::start();
    let hooked = &["--exclude-checks", "positive_data_acceptance"];
    assert_contract_holds(
        &server,
        "/api/v1/openapi.yaml",
        hooked,
        Some("contract_hooks"),
    );
    let (status, _) = server.rest("GET", "/api/v1/version", None);
    assert_eq!(status, 200);
}

/// Of the second version, whose document names no rule for names and secrets, and which may be asked by three kinds of
/// logins. What ends the login is left out.
#[test]
fn the_contract_of_the_second_version_holds_against_generated_requests() {
    let server = Server::start_with(&[
        ("SFTPGO_DATA_PROVIDER__CREATE_DEFAULT_ADMIN", "true"),
        ("SFTPGO_DEFAULT_ADMIN_USERNAME", "root"),
        ("SFTPGO_DEFAULT_ADMIN_PASSWORD", "secret"),
    ]);
    let arguments = [
        "--exclude-checks",
        "positive_data_acceptance,unsupported_method,ignored_auth",
        "--exclude-path",
        "/logout",
        "--exclude-path",
        "/admin/changepwd",
        "--exclude-path",
        "/admin/totp/save",
        "-H",
        // root:secret
        "Authorization: Basic cm9vdDpzZWNyZXQ=",
    ];
    assert_contract_holds(&server, "/openapi/openapi.yaml", &arguments, None);
    let (status, _) = server.rest("GET", "/healthz", None);
    assert_eq!(status, 200);
}

#[track_caller]
fn assert_contract_holds(server: &Server, document: &str, arguments: &[&str], hooks: Option<&str>) {
    let schemathesis = std::path::PathBuf::from(std::env::var("SFTPGO_TEST_PYTHON").unwrap())
        .with_file_name("schemathesis");
    let mut command = Command::new(schemathesis);
    command
        .args(["run", "--max-examples", "25", "--seed", "1", "--no-color"])
        .args(arguments)
        .arg(format!("http://127.0.0.1:{}{document}", server.http_port))
        .env("PYTHONPATH", env!("CARGO_MANIFEST_DIR"))
        .current_dir(server.path(""));
    if let Some(hooks) = hooks {
        command.env("SCHEMATHESIS_HOOKS", hooks);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// The shapes of its requests: numbers are always there, what was not given on its command line is left out.
#[test]
fn the_calls_of_sftpgos_python_client_work_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().to_str().unwrap();
    let server = Server::start_with(&[("SFTPGO_DATA_PROVIDER__USERS_BASE_DIR", base)]);
    let script = r#"
import os, requests
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOnGqkYMKmoFXKHEYc4cX4Hl9WGJtKKGy2FUQbDGvYu9"
def call(method, path, expected, **kw):
    answer = requests.request(method, os.environ["HTTP"] + "/api/v1/" + path, **kw)
    assert answer.status_code == expected, (method, path, answer.status_code, answer.text)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return answer.json()
def user(id=0, username="", **given):
    numbers = dict.fromkeys(["uid", "gid", "max_sessions", "quota_size", "quota_files", "upload_bandwidth",
                             "download_bandwidth", "expiration_date"], 0)
    return {"id": id, "username": username, **numbers, "status": 1, **given}
def get(id): return call("GET", f"user/{id}", 200)

full = user(username="carol", uid=1000, gid=1000, max_sessions=2, quota_files=3, upload_bandwidth=100,
            download_bandwidth=60, status=0, expiration_date=4102444800000, password="test_pwd",
            home_dir=os.getcwd() + "/carol", permissions=["list", "download", "upload"], public_keys=[KEY])
carol = call("POST", "user", 200, json=full)
assert "password" not in carol
assert carol["used_quota_file"] == carol["used_quota_files"] == 0
assert all(carol[name] == value for name, value in full.items() if name not in ("id", "password"))

dave = call("POST", "user", 200, json=user(username="dave", password="p", permissions=["*"]))
assert dave["home_dir"].endswith("/dave") and "public_keys" not in dave
erin = call("POST", "user", 200, json=user(username="erin", public_keys=[KEY], permissions=["*"]))
call("POST", "user", 400, json=user(username="frank", permissions=["*"]))
call("POST", "user", 400, json=user(username="frank", password="p"))
call("POST", "user", 400, json=user(username="dave", password="p", permissions=["*"]))

# Numbers are replaced by what was sent, and what was left out stays.
assert call("PUT", f"user/{carol['id']}", 200, json=user(carol["id"], "carol"))["message"] == "User updated"
kept = get(carol["id"])
assert kept["quota_files"] == 0 and kept["status"] == 1 and kept["expiration_date"] == 0
assert kept["permissions"] == ["list", "download", "upload"] and kept["home_dir"] == full["home_dir"]
assert kept["public_keys"] == [KEY]
call("PUT", f"user/{carol['id']}", 200, json=user(carol["id"], "carol", password="new", public_keys=[],
     home_dir=os.getcwd() + "/elsewhere", permissions=["*"]))
changed = get(carol["id"])
assert changed["permissions"] == ["*"] and changed["home_dir"].endswith("/elsewhere") and "public_keys" not in changed
call("PUT", "user/9999", 404, json=user(9999, "nobody"))

page = {"limit": 100, "offset": 0, "order": "ASC"}
def names(**params): return [u["username"] for u in call("GET", "user", 200, params={**page, **params})]
assert names() == ["carol", "dave", "erin"] and names(order="DESC") == ["erin", "dave", "carol"]
assert names(limit=1, offset=1) == ["dave"] and names(username="erin") == ["erin"] and names(username="Erin") == []

assert call("GET", "connection", 200) == []
assert call("DELETE", "connection/nothing", 404)["status"] == 404
assert call("GET", "quota_scan", 200) == []
# Users without limits are not tracked, and may be scanned all the same.
assert call("POST", "quota_scan", 201, json=user(username="carol"))["message"] == "Scan started"
call("POST", "quota_scan", 404, json=user(username="nobody"))
assert set(call("GET", "version", 200)[0]) == {"version", "build_date", "commit_hash"}
assert call("GET", "providerstatus", 200) == {"status": 200, "message": "Alive", "error": ""}
for one in (carol, dave, erin):
    assert call("DELETE", f"user/{one['id']}", 200)["message"] == "User deleted"
    call("GET", f"user/{one['id']}", 404); call("DELETE", f"user/{one['id']}", 404)
"#;
    python(&server, script).assert_ok();
}
