//! The database goes away under load, and comes back.

use std::process::{Child, Stdio};

use serde_json::json;
use sftpgo_databases::Server as Database;
use sftpgo_e2e::{Server, python_command, sftp, wait_for};

use super::{Kind, on_each, start_on};

on_each!(
    uploads_go_on_while_it_is_stopped,
    uploads_go_on_while_it_does_not_answer,
    what_changed_meanwhile_is_counted_when_the_server_is_killed_too,
    who_began_to_upload_without_the_database_is_counted_after_a_kill,
);

/// Uploads all the time and ends when there is a file `stop`: `long` in pieces, and many small files.
const UPLOAD: &str = r#"
import os, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
s = paramiko.SFTPClient.from_transport(t)
number = 0
with s.open("long", "wb") as long:
    while not os.path.exists("stop"):
        long.write(b"x" * 50_000)
        with s.open(f"small{number}", "wb") as small:
            small.write(b"y" * 1000)
        if number % 3 == 0:
            s.remove(f"small{number}")
        number += 1
        open("uploads", "w").write(str(number))
        time.sleep(0.05)
s.close(); t.close()
print("done")
"#;

/// A database of its own, and a server of ours on it.
struct ServerAndDatabase {
    database: Database,
    server: Server,
}

impl ServerAndDatabase {
    fn new(kind: Kind) -> Self {
        let database = Database::start(kind);
        let name = database.make_database();
        let server = start_on(&database, &name);
        server.add_user(
            "bob",
            &json!({"quota_size": 1_000_000_000, "quota_files": 10_000}),
        );
        Self { database, server }
    }

    fn upload(&self) -> Child {
        let uploading = python_command(&self.server, UPLOAD)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        self.wait_for_uploads();
        uploading
    }

    /// A few more operations than by now.
    fn wait_for_uploads(&self) {
        let count = || self.server.read("uploads").parse::<u32>().unwrap_or(0);
        let more = count() + 10;
        wait_for("uploads", || count() >= more);
    }

    fn provider_status(&self) -> u16 {
        self.server.rest("GET", "/api/v1/providerstatus", None).0
    }

    fn gauge(&self) -> bool {
        let metrics = self.server.rest("GET", "/metrics", None).1;
        metrics
            .as_str()
            .unwrap()
            .contains("\nsftpgo_dataprovider_availability 1\n")
    }

    fn can_log_in(&self) -> bool {
        sftp(&self.server, "bob", &[], "pwd\n").ok
    }

    /// A login works, or fails because no connection was opened in time: on a busy machine that says nothing yet.
    fn can_log_in_by_now(&self) -> bool {
        let can = self.can_log_in();
        if !can {
            let refused = self.server.log_lines("connection_failed").pop().unwrap();
            let reason = refused["error"].as_str().unwrap();
            let too_slow = ["were busy for", "timeout expired", "(110", "error: 110"];
            let is_too_slow = too_slow.iter().any(|text| reason.contains(text));
            assert!(is_too_slow, "{reason}");
        }
        can
    }

    fn wait_until_counted(&self) {
        wait_for("the usage of what is there", || {
            self.server.usage("bob") == self.server.on_disk("bob")
        });
    }
}

/// `go` takes the database away, `come` brings it back.
fn uploads_go_on(kind: Kind, go: fn(&Database), come: fn(&Database)) {
    let both = ServerAndDatabase::new(kind);
    let uploading = both.upload();
    assert!(both.gauge());
    go(&both.database);
    wait_for("the status to say so", || both.provider_status() == 500);
    wait_for("the metrics to say so", || !both.gauge());
    // What waits for the database waits no longer than a login does: what had begun to before the first of them has ended
    // with the second.
    assert!(!both.can_log_in() && !both.can_log_in());
    let refused = both.server.log_lines("connection_failed");
    let reason = refused.last().unwrap()["error"].as_str().unwrap();
    assert!(reason.contains("the provider failed"), "{reason}");
    both.wait_for_uploads();

    come(&both.database);
    wait_for("the status to say so", || both.provider_status() == 200);
    wait_for("the metrics to say so", || both.gauge());
    wait_for("a login", || both.can_log_in_by_now());
    both.wait_for_uploads();
    std::fs::write(both.server.path("stop"), "").unwrap();
    let uploaded = uploading.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&uploaded.stdout), "done\n");
    both.wait_until_counted();
    assert!(both.server.on_disk("bob").1 > 20);
}

fn uploads_go_on_while_it_is_stopped(kind: Kind) {
    uploads_go_on(kind, Database::stop, Database::start_again);
}

fn uploads_go_on_while_it_does_not_answer(kind: Kind) {
    uploads_go_on(kind, Database::freeze, Database::thaw);
}

fn what_changed_meanwhile_is_counted_when_the_server_is_killed_too(kind: Kind) {
    let mut both = ServerAndDatabase::new(kind);
    let mut uploading = both.upload();
    both.database.stop();
    both.wait_for_uploads();
    both.server.kill();
    assert!(!uploading.wait().unwrap().success());
    both.database.start_again();
    both.server.restart();
    both.wait_until_counted();
}

fn who_began_to_upload_without_the_database_is_counted_after_a_kill(kind: Kind) {
    let mut both = ServerAndDatabase::new(kind);
    // Logged in, and nothing changed yet.
    let script = r#"
import os, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
s = paramiko.SFTPClient.from_transport(t)
s.listdir(".")
open("in", "w").close()
while not os.path.exists("go"): time.sleep(0.02)
with s.open("f", "wb") as f: f.write(b"x" * 100_000)
open("out", "w").close()
time.sleep(60)
"#;
    let mut client = python_command(&both.server, script).spawn().unwrap();
    wait_for("the login", || both.server.path("in").exists());
    both.database.stop();
    std::fs::write(both.server.path("go"), "").unwrap();
    wait_for("the upload", || both.server.path("out").exists());
    both.server.kill();
    client.kill().unwrap();
    client.wait().unwrap();
    both.database.start_again();
    both.server.restart();
    both.wait_until_counted();
    assert_eq!(both.server.usage("bob"), (100_000, 1));
    wait_for("the journal to hold nobody", || {
        !both.server.read("sftpgo.journal").contains('+')
    });
}
