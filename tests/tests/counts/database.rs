//! Changes of the database, by triggers on all its tables.

use sftpgo_e2e::{Outcome, Server, python};

use crate::work::{self, Work};

pub(crate) fn each(work: Work) -> f64 {
    let server = Server::start_with(work.settings());
    work::add_user(&server);
    ask(
        &server,
        r#"
tables = [name for (name,) in d.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if not name.startswith("sqlite_")]
assert "users" in tables, tables
d.execute("CREATE TABLE changes (number)")
d.execute("INSERT INTO changes VALUES (0)")
for table in tables:
    for change in ["INSERT", "UPDATE", "DELETE"]:
        d.execute(f"CREATE TRIGGER count_{change}_{table} AFTER {change} ON {table} BEGIN UPDATE changes SET number = number + 1; END")
"#,
    );
    work.each(&server, |act| {
        let before = so_far(&server);
        act();
        let changes = so_far(&server) - before;
        // A login is one, so none at all means that nobody counts.
        assert!(changes > 0, "changes of the database are not counted");
        changes
    })
}

fn so_far(server: &Server) -> u64 {
    let printed = ask(
        server,
        r#"print(*d.execute("SELECT number FROM changes").fetchone())"#,
    );
    printed.trim().parse().unwrap()
}

/// Runs a script with the database as `d`.
#[track_caller]
fn ask(server: &Server, script: &str) -> String {
    let opened = r#"
import sqlite3
d = sqlite3.connect("sftpgo.db", timeout=20, isolation_level=None)
"#;
    let asked: Outcome = python(server, &format!("{opened}{script}"));
    asked.assert_ok()
}
