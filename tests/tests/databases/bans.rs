//! Bans of two servers over one database.

use std::{fs, process::Command};

use serde_json::{Value, json};
use sftpgo_databases::Database;
use sftpgo_e2e::{Server, sftp, wait_for};

use super::{Kind, on_each, start_with};

on_each!(what_both_have_counted_bans_on_both_and_is_freed_by_either);

const ROOT: &str = "root:correct horse battery";
/// Whose failures count.
const ADDRESS: &str = "127.0.0.2";

/// A call of `/api/v2`.
fn curl(server: &Server, arguments: &[&str], path: &str) -> Value {
    let url = format!("http://127.0.0.1:{}/api/v2/{path}", server.http_port);
    let output = Command::new("curl")
        .args(["-sS", "--fail-with-body"])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|_| text.into())
}

/// Spares only the address from which the admin comes.
fn spare_only_the_admin(server: &Server) {
    let code = fs::read_to_string(server.path("setup-code")).unwrap();
    let (name, password) = ROOT.split_once(':').unwrap();
    let root = json!({
        "username": name, "password": password, "status": 1, "permissions": ["*"],
    });
    let header = format!("X-SFTPGO-SETUP-CODE: {}", code.trim());
    curl(server, &["-H", &header, "-d", &root.to_string()], "admins");
    let itself = json!({"ipornet": "127.0.0.1", "mode": 1}).to_string();
    curl(server, &["-u", ROOT, "-d", &itself], "iplists/2");
    curl(
        server,
        &["-u", ROOT, "-X", "DELETE"],
        "iplists/2/127.0.0.0%2F8",
    );
}

/// Does a login with the password `secret`, which is alice's and not bob's?
fn logs_in(server: &Server, username: &str) -> bool {
    let bind = format!("-oBindAddress={ADDRESS}");
    sftp(server, username, &[&bind], "pwd\n").ok
}

/// What a server knows of the address, in this field.
fn known(server: &Server, field: &str) -> Option<Value> {
    let hosts = curl(server, &["-u", ROOT], "defender/hosts");
    let mut hosts = hosts.as_array().unwrap().iter();
    let host = hosts.find(|host| host["ip"] == ADDRESS)?;
    host.get(field).cloned()
}

fn what_both_have_counted_bans_on_both_and_is_freed_by_either(kind: Kind) {
    let database = Database::new(kind);
    let start = || {
        start_with(
            &database,
            &database.name,
            &[
                ("SFTPGO_COMMON__DEFENDER__DRIVER", "provider"),
                ("SFTPGO_COMMON__DEFENDER__THRESHOLD", "4"),
            ],
        )
    };
    let one = start();
    one.add_user("alice", &json!({}));
    one.add_user("bob", &json!({"password": "another one"}));
    spare_only_the_admin(&one);
    let two = start();
    for _ in 0..2 {
        assert!(!logs_in(&two, "bob"));
    }
    wait_for("the score to be known on both", || {
        known(&one, "score") == Some(2.into())
    });
    for _ in 0..2 {
        assert!(!logs_in(&one, "bob"));
    }
    for server in [&one, &two] {
        wait_for("the ban", || known(server, "ban_time").is_some());
        assert!(!logs_in(server, "alice"));
    }
    let id: String = ADDRESS.bytes().map(|byte| format!("{byte:02x}")).collect();
    let host = format!("defender/hosts/{id}");
    curl(&two, &["-u", ROOT, "-X", "DELETE"], &host);
    for server in [&two, &one] {
        wait_for("the ban to be taken back", || {
            known(server, "ban_time").is_none()
        });
        assert!(logs_in(server, "alice"));
    }
}
