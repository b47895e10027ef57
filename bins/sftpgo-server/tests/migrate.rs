//! `migrate`, in each database of this build.
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::path::Path;

use common::{Ended, run};

/// Settings by which a server has an empty database of its own.
type Variables = Vec<(String, String)>;

fn migrate(directory: &Path, variables: &Variables, arguments: &[&str]) -> Ended {
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let arguments: Vec<_> = ["migrate"].iter().chain(arguments).copied().collect();
    run(directory, &arguments, &variables)
}

fn says(ended: &Ended, code: i32, text: &str) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(code), "{said}");
    assert!(said.contains(text), "{said}");
}

fn goes_to_and_fro(variables: &Variables, sql: impl Fn(&Path, &str)) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let run = |arguments: &[&str]| migrate(directory, variables, arguments);
    assert_eq!(run(&["--check"]).code, Some(3));
    says(&run(&["--revert"]), 0, "nothing to take back");
    let first = run(&["--run"]);
    says(&first, 0, "create_users\n");
    says(&first, 0, "the database is up to date");
    says(&run(&["--check"]), 0, "the database is up to date");
    says(&run(&["--drop-takeover-copy"]), 0, "nothing to drop");
    sql(directory, "CREATE TABLE users_before_takeover (id integer)");
    says(&run(&["--drop-takeover-copy"]), 0, "with 0 rows");
    says(&run(&["--drop-takeover-copy"]), 0, "nothing to drop");
    assert!(!run(&["--run"]).stdout.contains("ran "));

    sql(
        directory,
        "INSERT INTO users (username, home_dir, uid, gid, max_sessions, quota_size, quota_files, permissions, \
         used_quota_size, used_quota_files, last_quota_update, upload_bandwidth, download_bandwidth, \
         expiration_date, last_login, status) VALUES ('bob', '/', 0, 0, 0, 0, 0, '[]', 0, 0, 0, 0, 0, 0, 0, 1)",
    );
    sql(
        directory,
        "INSERT INTO api_keys (id, name, hash, description, admin, created_at, updated_at, last_use_at, expires_at) \
         VALUES ('k', 'ci', 'x', '', '', 0, 0, 0, 0)",
    );
    sql(
        directory,
        "INSERT INTO ip_lists (list, network, mode, protocols, description, created_at, updated_at) \
         VALUES (2, '192.0.2.0/24', 2, 0, '', 0, 0)",
    );
    let refused = || loop {
        let ended = run(&["--revert"]);
        if ended.code != Some(0) {
            break ended;
        }
    };
    let listed = refused();
    says(&listed, 1, "1 entries of lists of addresses would be lost");
    says(&listed, 1, "--drop-ip-lists");
    says(&run(&["--revert", "--drop-ip-lists"]), 0, "create_ip_lists");
    let refused = refused();
    says(&refused, 1, "0 admins and 1 API keys would be lost");
    says(&refused, 1, "--drop-admins");
    says(&run(&["--revert", "--drop-users"]), 1, "--drop-admins");
    says(&run(&["--revert", "--drop-admins"]), 0, "create_admins");

    let took_back = |ended: &Ended| ended.code == Some(0);
    let mut steps = 0;
    let refused = loop {
        let ended = run(&["--revert"]);
        if !took_back(&ended) {
            break ended;
        }
        steps += 1;
        says(&ended, 0, "took back ");
        says(&run(&["--check"]), 3, "due: ");
    };
    assert!(steps > 0);
    says(&refused, 1, "1 users would be lost");
    says(&refused, 1, "--drop-users");
    says(&run(&["--revert", "--drop-users"]), 0, "create_users");
    says(&run(&["--check"]), 3, "create_users");
    says(&run(&["--run"]), 0, "the database is up to date");
}

#[test]
#[cfg(feature = "sqlite")]
fn in_sqlite() {
    let python = |directory: &Path, sql: &str| {
        let program =
            "import sqlite3, sys\nwith sqlite3.connect('sftpgo.db') as db: db.execute(sys.argv[1])";
        let status = std::process::Command::new("python3")
            .args(["-c", program, sql])
            .current_dir(directory)
            .status();
        assert!(status.unwrap().success());
    };
    goes_to_and_fro(&Variables::new(), python);
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn on_a_server(kind: sftpgo_databases::Kind) {
    let database = sftpgo_databases::Database::new(kind);
    let variables = database.settings(&database.name);
    goes_to_and_fro(&variables, |_, statement| {
        database.sql(statement);
    });
}

#[test]
#[cfg(feature = "postgres")]
fn in_postgresql() {
    on_a_server(sftpgo_databases::Kind::Postgres);
}

#[test]
#[cfg(feature = "mysql")]
fn in_mariadb() {
    on_a_server(sftpgo_databases::Kind::Mariadb);
}

#[test]
fn one_thing_has_to_be_chosen() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["--check", "--run"], &["--check", "--drop-users"]] {
        assert_eq!(
            migrate(directory.path(), &Variables::new(), arguments).code,
            Some(2)
        );
    }
}
