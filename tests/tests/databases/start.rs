//! What an operator sees when the database is there, and when it is not.

use std::process::Command;

use serde_json::json;
use sftpgo_databases::{Database, PASSWORD, Server};
use sftpgo_e2e::{binary, sftp};

use super::{Kind, on_each, start_on};

on_each!(
    users_are_served_and_no_secret_is_told,
    what_is_wrong_is_said_in_one_line,
);

fn users_are_served_and_no_secret_is_told(kind: Kind) {
    let database = Database::new(kind);
    let server = start_on(&database, &database.name);
    server.add_user("bob", &json!({}));
    sftp(&server, "bob", &[], "ls\n").assert_ok();
    assert_eq!(server.rest("GET", "/api/v1/providerstatus", None).0, 200);
    let said = server.read("stdout") + &server.read("stderr") + &server.read("sftpgo.log");
    assert!(said.contains(&database.name), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    let checked = run(&database, "check-config", &[]);
    assert!(!checked.contains(PASSWORD), "{checked}");
}

fn what_is_wrong_is_said_in_one_line(kind: Kind) {
    let database = Database::new(kind);
    for (key, value, expected) in [
        ("PORT", "1", ["Connection refused", "Can't connect to"]),
        (
            "PASSWORD",
            "hunter2",
            ["password authentication failed", "Access denied"],
        ),
        ("NAME", "nowhere", ["does not exist", "Unknown database"]),
    ] {
        let said = run(&database, "serve", &[(key, value)]);
        let errors: Vec<_> = said
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{said}");
        assert!(errors[0].starts_with("error: data_provider ("), "{said}");
        assert!(
            expected.iter().any(|text| errors[0].contains(text)),
            "{said}"
        );
        assert!(
            !said.contains("hunter2") && !said.contains(PASSWORD),
            "{said}"
        );
    }
}

/// Everything that a command that ends prints.
fn run(server: &Server, command: &str, changed: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let database = server.make_database();
    let output = Command::new(binary("sftpgo-server"))
        .arg(command)
        .env("SFTPGO_CONFIG_DIR", directory.path())
        .env("SFTPGO_HTTPD__BIND_PORT", "0")
        .env("SFTPGO_SFTPD__BIND_PORT", "0")
        .envs(server.settings(&database))
        .envs(
            changed
                .iter()
                .map(|(key, value)| (format!("SFTPGO_DATA_PROVIDER__{key}"), *value)),
        )
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
