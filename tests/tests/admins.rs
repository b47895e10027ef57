//! Admins from the first start on, by the command line as an operator types it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, binary, python};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";

/// Somebody at a terminal with a home of their own.
struct Operator<'a> {
    server: &'a Server,
    home: TempDir,
    password: PathBuf,
}

impl<'a> Operator<'a> {
    fn of(server: &'a Server) -> Self {
        let home = tempfile::tempdir().unwrap();
        let password = home.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        Self {
            server,
            home,
            password,
        }
    }

    /// Does a command, and says whether it was done, and what was printed.
    fn types(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(binary("sftpgo-cli"))
            .args(arguments)
            .env("SFTPGO_URL", url(self.server))
            .env("HOME", self.home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("SFTPGO_API_KEY")
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), text)
    }

    #[track_caller]
    fn does(&self, arguments: &[&str]) -> String {
        let (is_done, text) = self.types(arguments);
        assert!(is_done, "{arguments:?}: {text}");
        text
    }

    /// With the password's file behind.
    #[track_caller]
    fn does_with_password(&self, arguments: &[&str]) -> String {
        let file = self.password.to_str().unwrap();
        self.does(&[arguments, &["--password-file", file]].concat())
    }
}

#[test]
fn from_the_setup_code_to_a_key_and_back_in_after_being_locked_out() {
    let server = Server::start();
    let operator = Operator::of(&server);
    let code = server.path("setup-code");
    let mode = fs::metadata(&code).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    operator.does(&["user", "list"]);

    let code = code.to_str().unwrap().to_owned();
    operator.does_with_password(&["admin", "add", "root", "--setup-code-file", &code]);
    assert!(!fs::exists(&code).unwrap(), "it passes no more");
    let (is_done, text) = operator.types(&["user", "list"]);
    assert!(!is_done && text.contains("sftpgo-cli login"), "{text}");

    operator.does_with_password(&["login", "--username", "root"]);
    let kept = operator.home.path().join(".config/sftpgo/cli.toml");
    let mode = fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!fs::read_to_string(&kept).unwrap().contains(PASSWORD));
    operator.does(&["user", "list"]);

    operator.does_with_password(&["admin", "add", "viewer", "--permission", "view_users"]);
    let listed: Value =
        serde_json::from_str(&operator.does(&["admin", "list", "-o", "json"])).unwrap();
    assert_eq!(listed[1]["permissions"], json!(["view_users"]));
    operator.does(&["admin", "update", "viewer", "--allow-api-keys"]);
    let key = operator.does(&["key", "add", "robot", "--admin", "viewer"]);
    let file = operator.home.path().join("robot.key");
    fs::write(&file, &key).unwrap();
    let with_key = ["--api-key", file.to_str().unwrap()];
    operator.does(&[&with_key[..], &["user", "list"]].concat());
    let (is_done, text) = operator.types(&[&with_key[..], &["connection", "list"]].concat());
    assert!(!is_done && text.contains("not allowed"), "{text}");
    let id = key.split('.').next().unwrap();
    operator.does(&["key", "revoke", id]);
    assert!(
        !operator
            .types(&[&with_key[..], &["user", "list"]].concat())
            .0
    );

    let (is_done, text) = operator.types(&["admin", "delete", "root", "--yes"]);
    assert!(!is_done, "{text}");
    operator.does(&["admin", "delete", "viewer", "--yes"]);

    let reset = Command::new(binary("sftpgo-server"))
        .args(["reset-admin", "--config-dir"])
        .arg(server.path(""))
        .arg("root")
        .output()
        .unwrap();
    assert!(reset.status.success(), "{reset:?}");
    assert!(!operator.types(&["user", "list"]).0, "the old login");
    let said = String::from_utf8(reset.stdout).unwrap();
    let password = said.split_whitespace().last().unwrap();
    fs::write(&operator.password, password).unwrap();
    operator.does_with_password(&["login", "--username", "root"]);
    operator.does(&["user", "list"]);
    let told = server.log_lines("admins").into_iter();
    let told = told.filter(|line| line["username"] == "root" && line["by_type"] == "program");
    let told: Vec<_> = told.map(|line| line["message"].clone()).collect();
    assert_eq!(told, ["admin updated", "password of the admin changed"]);
}

#[test]
fn a_token_goes_only_to_the_server_that_gave_it() {
    let (server, other) = (Server::start(), Server::start());
    let operator = Operator::of(&server);
    for made_at in [&server, &other] {
        let code = made_at.path("setup-code");
        let code = code.to_str().unwrap();
        let at = url(made_at);
        operator.does_with_password(&[
            "--server",
            &at,
            "admin",
            "add",
            "root",
            "--setup-code-file",
            code,
        ]);
    }
    operator.does_with_password(&["login", "--username", "root"]);
    operator.does(&["user", "list"]);
    let (is_done, text) = operator.types(&["--server", &url(&other), "user", "list"]);
    assert!(!is_done && text.contains("log in first"), "{text}");
}

fn url(server: &Server) -> String {
    format!("http://127.0.0.1:{}", server.http_port)
}

#[test]
fn the_client_for_sftpgo_2_manages_admins_and_keys_unchanged() {
    let server = Server::start();
    let operator = Operator::of(&server);
    let code = server.path("setup-code");
    let code = code.to_str().unwrap();
    operator.does_with_password(&["admin", "add", "root", "--setup-code-file", code]);
    python(&server, &format!("PASSWORD = {PASSWORD:?}\n{CLIENT}")).assert_ok();
}

const CLIENT: &str = r#"
import base64, os
from sftpgo_client.base import AuthenticatedClient, Client
from sftpgo_client.base.api.admins import (add_admin, delete_admin, get_admin_by_username, get_admin_profile,
    get_admin_totp_configs, get_admins, update_admin, update_admin_profile)
from sftpgo_client.base.api.api_keys import (add_api_key, delete_api_key, get_api_key_by_id, get_api_keys,
    update_api_key)
from sftpgo_client.base.api.connections import get_connections
from sftpgo_client.base.api.maintenance import get_status, get_version
from sftpgo_client.base.api.token import get_token, logout
from sftpgo_client.base.models import (APIKey, APIKeyScope, Admin, AdminFilters, AdminPermissions, AdminProfile,
    AdminStatus)
BASE = os.environ["HTTP"] + "/api/v2"

class WithPassword(Client):
    def get_headers(self):
        return {"Authorization": "Basic " + base64.b64encode(f"root:{PASSWORD}".encode()).decode()}

given = get_token.sync_detailed(client=WithPassword(base_url=BASE))
assert given.status_code == 200, given
me = AuthenticatedClient(base_url=BASE, token=given.parsed.access_token)
def ask(call, *args, status=200, **more):
    answer = call.sync_detailed(*args, client=me, **more)
    assert answer.status_code == status, (call, answer)
    return answer.parsed

ask(get_version); ask(get_status)
assert ask(get_connections) == []
ask(add_admin, status=201, json_body=Admin(username="alice", password="pw 12345", status=AdminStatus.VALUE_1,
    permissions=[AdminPermissions.VIEW_USERS], email="a@example.com",
    filters=AdminFilters(allow_list=["127.0.0.0/8"], allow_api_key_auth=True)))
assert [admin.username for admin in ask(get_admins)] == ["alice", "root"]
alice = ask(get_admin_by_username, "alice")
alice.description = "changed"
ask(update_admin, "alice", json_body=alice)
assert ask(get_admin_by_username, "alice").description == "changed"
made = ask(add_api_key, status=201, json_body=APIKey(name="k", scope=APIKeyScope.VALUE_1, admin="alice"))
key = ask(get_api_keys)[0]
assert made.key.startswith(key.id)
key.name = "renamed"
ask(update_api_key, key.id, json_body=key)
assert ask(get_api_key_by_id, key.id).name == "renamed"
ask(delete_api_key, key.id)
ask(update_admin_profile, json_body=AdminProfile(email="r@example.com"))
assert ask(get_admin_profile).email == "r@example.com"
assert [config.name for config in ask(get_admin_totp_configs)] == ["Default"]
ask(delete_admin, "alice")
ask(logout)
ask(get_version, status=401)
"#;
