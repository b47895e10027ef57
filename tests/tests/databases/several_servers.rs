//! Two servers over one database.

use std::process::{Child, Stdio};

use serde_json::{Value, json};
use sftpgo_databases::Database;
use sftpgo_e2e::{Server, python_command, sftp, wait_for};

use super::{Kind, on_each, start_on};

on_each!(
    users_are_the_same_on_both,
    sessions_are_limited_on_both_together,
    whoever_is_closed_on_one_is_closed_on_both,
    other_rights_end_the_sessions_on_both_and_other_limits_do_not,
    a_quota_holds_on_both_together,
    what_a_killed_server_left_is_counted_by_the_other,
);

struct Two {
    one: Server,
    two: Server,
    _database: Database,
}

/// Two servers, and `bob`, whose home both see.
fn two(kind: Kind, fields: &Value) -> Two {
    let database = Database::new(kind);
    let start = || start_on(&database, &database.name);
    let (one, two) = (start(), start());
    one.add_user("bob", fields);
    Two {
        one,
        two,
        _database: database,
    }
}

/// A session that lasts until the server ends it, or for a minute.
struct Session {
    client: Child,
}

impl Session {
    fn begin(server: &Server) -> Self {
        let script = r#"
import os, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
s = paramiko.SFTPClient.from_transport(t)
f = s.open("of-session", "wb")
f.write(b"x" * 1000)
print("in", flush=True)
for _ in range(600):
    time.sleep(0.1)
    if not t.is_active(): raise SystemExit(7)
"#;
        let mut client = python_command(server, script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = client.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
        assert_eq!(line, "in\n");
        Self { client }
    }

    /// Was it ended by the server?
    fn has_ended(&mut self) -> bool {
        let ended = self.client.try_wait().unwrap();
        ended.is_some_and(|status| status.code() == Some(7))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn can_log_in(server: &Server) -> bool {
    sftp(server, "bob", &[], "pwd\n").ok
}

fn users_are_the_same_on_both(kind: Kind) {
    let Two {
        one,
        two,
        _database,
    } = two(kind, &json!({}));
    assert!(can_log_in(&one) && can_log_in(&two));
    let bob = two.rest("GET", "/api/v1/user?username=bob", None).1[0].clone();
    let path = format!("/api/v1/user/{}", bob["id"]);
    let changed = two.rest("PUT", &path, Some(&json!({"password": "another"})));
    assert_eq!(changed.0, 200, "{}", changed.1);
    assert!(!can_log_in(&one) && !can_log_in(&two));
    one.add_user("alice", &json!({}));
    assert!(sftp(&two, "alice", &[], "pwd\n").ok);
}

fn sessions_are_limited_on_both_together(kind: Kind) {
    let Two {
        one,
        two,
        _database,
    } = two(kind, &json!({"max_sessions": 1}));
    let session = Session::begin(&one);
    assert!(!can_log_in(&one) && !can_log_in(&two));
    drop(session);
    wait_for("the session to be given back", || can_log_in(&two));
    wait_for("the session to be given back", || can_log_in(&one));
}

fn whoever_is_closed_on_one_is_closed_on_both(kind: Kind) {
    let Two {
        one,
        two,
        _database,
    } = two(kind, &json!({}));
    let bob = one.rest("GET", "/api/v1/user?username=bob", None).1[0].clone();
    let path = format!("/api/v1/user/{}", bob["id"]);
    for change in [
        ("PUT", Some(json!({"status": 0}))),
        ("PUT", Some(json!({"expiration_date": 1}))),
        ("DELETE", None),
    ] {
        let mut sessions = [&one, &two].map(Session::begin);
        let (method, body) = &change;
        assert_eq!(one.rest(method, &path, body.as_ref()).0, 200, "{change:?}");
        for session in &mut sessions {
            wait_for("both sessions to end", || session.has_ended());
        }
        assert!(!can_log_in(&one) && !can_log_in(&two));
        let again = json!({"status": 1, "expiration_date": 0});
        one.rest("PUT", &path, Some(&again));
    }
}

fn other_rights_end_the_sessions_on_both_and_other_limits_do_not(kind: Kind) {
    let Two {
        one,
        two,
        _database,
    } = two(kind, &json!({}));
    let bob = one.rest("GET", "/api/v1/user?username=bob", None).1[0].clone();
    let path = format!("/api/v1/user/{}", bob["id"]);
    for change in [
        json!({"permissions": ["list", "download", "upload", "overwrite"]}),
        json!({"password": "secret"}),
    ] {
        let mut sessions = [&one, &two].map(Session::begin);
        let limits = json!({"quota_files": 1000, "upload_bandwidth": 1000, "max_sessions": 9});
        assert_eq!(one.rest("PUT", &path, Some(&limits)).0, 200);
        assert_eq!(one.rest("PUT", &path, Some(&change)).0, 200, "{change}");
        for session in &mut sessions {
            wait_for("both sessions to end", || session.has_ended());
        }
        // The next session begins under what holds now, and nothing ends it.
        assert!(can_log_in(&one) && can_log_in(&two));
    }
}

fn a_quota_holds_on_both_together(kind: Kind) {
    const QUOTA: u64 = 20_000_000;
    let Two {
        one,
        two,
        _database,
    } = two(kind, &json!({"quota_size": QUOTA}));
    let clients: Vec<Child> = [&one, &two, &one, &two]
        .iter()
        .enumerate()
        .map(|(number, server)| {
            let script = format!(
                r#"
import os, paramiko
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
s = paramiko.SFTPClient.from_transport(t)
refused = 0
for number in range(100):
    if refused == 5: break
    try:
        with s.open(f"c{number}-{{number}}", "wb") as f: f.write(b"x" * 700_000)
    except OSError as error:
        assert "quota exceeded" in str(error), error
        refused += 1
assert refused == 5
"#
            );
            python_command(server, &script).spawn().unwrap()
        })
        .collect();
    for mut client in clients {
        assert!(client.wait().unwrap().success());
    }
    let there = one.on_disk("bob").0;
    assert!(there <= QUOTA, "{there}");
    // All that fits: the next piece of a file would pass the limit.
    assert!(there > QUOTA - 40_000, "{there}");
    for server in [&one, &two] {
        wait_for("the usage", || server.usage("bob") == one.on_disk("bob"));
    }
}

fn what_a_killed_server_left_is_counted_by_the_other(kind: Kind) {
    let Two {
        mut one,
        two,
        _database,
    } = two(kind, &json!({"max_sessions": 1}));
    let session = Session::begin(&one);
    one.kill();
    drop(session);
    assert!(!can_log_in(&two));
    wait_for("the session to be free", || can_log_in(&two));
    wait_for("the usage", || two.usage("bob") == one.on_disk("bob"));
    assert_eq!(two.usage("bob"), (1000, 1));
}
