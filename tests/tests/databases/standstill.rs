//! What stands still for a while and goes on: a server, the database, a row in it. Nobody starts anything anew.

use std::{
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use serde_json::json;
use sftpgo_databases::Server as Database;
use sftpgo_e2e::{Server, python_command, wait_for};

use super::{Kind, on_each, start_on};

on_each!(
    a_server_that_stands_still_is_taken_for_dead_and_nothing_is_lost,
    servers_outlive_a_database_that_stands_still,
    one_row_that_is_held_keeps_nobody_else,
    a_database_that_hangs_holds_up_no_other_channel_and_no_end_of_a_connection,
);

/// Uploads as the user of the first argument and under names that begin with it, until there is a file `stop`.
const UPLOAD: &str = r#"
import os, sys, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username=sys.argv[1], password="secret")
s = paramiko.SFTPClient.from_transport(t)
number = 0
with s.open(sys.argv[2] + "-long", "wb") as long:
    while not os.path.exists("stop"):
        long.write(b"x" * 50_000)
        with s.open(f"{sys.argv[2]}-{number}", "wb") as small: small.write(b"y" * 1000)
        if number % 3 == 0: s.remove(f"{sys.argv[2]}-{number}")
        number += 1
        open("uploads-of-" + sys.argv[2], "w").write(str(number))
        time.sleep(0.05)
s.close(); t.close()
print("done")
"#;

/// Changes files for the first time on one channel while the database hangs, and goes on by another one.
const TWO_CHANNELS: &str = r#"
import os, paramiko, threading, time
def wait_for(name):
    while not os.path.exists(name): time.sleep(0.02)
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
one, two = (paramiko.SFTPClient.from_transport(t) for _ in range(2))
two.listdir(".")
open("connected", "w").close()
wait_for("frozen")
ended = threading.Event()
def change():
    try: one.remove("old")
    except Exception: pass
    ended.set()
threading.Thread(target=change, daemon=True).start()
time.sleep(0.5)
began = time.monotonic()
for _ in range(20):
    assert two.listdir(".") == ["old"]
    t.global_request("keepalive@openssh.com", wait=True)
assert not ended.is_set()
print("went on after", time.monotonic() - began, flush=True)
assert time.monotonic() - began < 8
open("went-on", "w").close()
t.join(3)
assert not t.is_active()
open("closed", "w").close()
"#;

/// A database of its own, and two servers of ours on it.
struct TwoServers {
    database: Database,
    name: String,
    one: Server,
    two: Server,
}

impl TwoServers {
    fn new(kind: Kind) -> Self {
        let database = Database::start(kind);
        let name = database.make_database();
        let start = || start_on(&database, &name);
        let (one, two) = (start(), start());
        Self {
            database,
            name,
            one,
            two,
        }
    }

    /// A user whose home both servers see.
    fn add(&self, username: &str) {
        let limits = json!({"quota_size": 1_000_000_000, "quota_files": 10_000});
        self.one.add_user(username, &limits);
    }

    fn sql(&self, sql: &str) -> String {
        self.database.sql(&self.name, sql).trim().to_owned()
    }

    fn count(&self, table: &str) -> String {
        self.sql(&format!("SELECT COUNT(*) FROM {table}"))
    }

    /// What the ledger has, and every share in it has ended.
    fn wait_until_flushed(&self, username: &str) {
        let usage = format!(
            "SELECT used_quota_size, used_quota_files FROM users WHERE username = '{username}'"
        );
        let (size, files) = self.one.on_disk(username);
        let there = format!("{size}\t{files}");
        wait_for("the usage of what is there", || self.sql(&usage) == there);
        wait_for("all shares to end", || self.count("quota_shares") == "0");
        assert_eq!(self.sql(&usage), there);
        assert!(files > 5);
    }
}

/// An upload that goes on.
struct Upload {
    client: Child,
    name: String,
}

impl Upload {
    fn begin(server: &Server, username: &str, name: &str) -> Self {
        let client = python_command(server, UPLOAD)
            .args([username, name])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let upload = Self {
            client,
            name: name.to_owned(),
        };
        upload.wait_for_more(server);
        upload
    }

    fn wait_for_more(&self, server: &Server) {
        let file = format!("uploads-of-{}", self.name);
        let count = || server.read(&file).parse::<u32>().unwrap_or(0);
        let more = count() + 20;
        wait_for("uploads", || count() >= more);
    }

    fn end(self, server: &Server) {
        std::fs::write(server.path("stop"), "").unwrap();
        let ended = self.client.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stdout), "done\n");
        std::fs::remove_file(server.path("stop")).unwrap();
    }
}

fn a_server_that_stands_still_is_taken_for_dead_and_nothing_is_lost(kind: Kind) {
    let servers = TwoServers::new(kind);
    servers.add("bob");
    let (one, two) = (&servers.one, &servers.two);
    let here = Upload::begin(one, "bob", "here");
    one.signal("STOP");
    wait_for("the node to expire", || servers.count("servers") == "1");
    // The other node rescans and goes on.
    let there = Upload::begin(two, "bob", "there");
    there.end(two);
    one.signal("CONT");
    here.wait_for_more(one);
    let there = Upload::begin(two, "bob", "there-too");
    assert_eq!(servers.count("servers"), "2");
    here.end(one);
    there.end(two);
    servers.wait_until_flushed("bob");
}

fn servers_outlive_a_database_that_stands_still(kind: Kind) {
    let servers = TwoServers::new(kind);
    servers.add("bob");
    let (one, two) = (&servers.one, &servers.two);
    let here = Upload::begin(one, "bob", "here");
    let there = Upload::begin(two, "bob", "there");
    let sessions = servers.sql("SELECT server_id, number FROM open_sessions ORDER BY 1, 2");
    servers.database.freeze();
    // Longer than any node may be silent: one that did not notice that it was the database would have others expire.
    thread::sleep(Duration::from_secs(17));
    servers.database.thaw();
    wait_for("the status to say so", || {
        [one, two].map(|server| server.rest("GET", "/api/v1/providerstatus", None).0) == [200; 2]
    });
    here.wait_for_more(one);
    there.wait_for_more(two);
    // No node expired.
    assert_eq!(servers.count("servers"), "2");
    let now = servers.sql("SELECT server_id, number FROM open_sessions ORDER BY 1, 2");
    assert_eq!(now, sessions);
    let counted = "SELECT COUNT(*) FROM quota_shares WHERE to_count";
    assert_eq!(servers.sql(counted), "0");
    here.end(one);
    there.end(two);
    servers.wait_until_flushed("bob");
}

fn one_row_that_is_held_keeps_nobody_else(kind: Kind) {
    let servers = TwoServers::new(kind);
    for user in ["bob", "alice", "carol"] {
        servers.add(user);
    }
    let (one, two) = (&servers.one, &servers.two);
    let bob = Upload::begin(one, "bob", "bob");
    let mut carol = Upload::begin(two, "carol", "carol");
    let used = |username: &str| {
        let sql = format!("SELECT used_quota_files FROM users WHERE username = '{username}'");
        servers.sql(&sql)
    };
    let of_bob = "SELECT id FROM users WHERE username = 'bob' FOR UPDATE";
    let mut held = servers.database.hold(&servers.name, of_bob);
    bob.wait_for_more(one);
    let alice = Upload::begin(one, "alice", "alice");
    alice.end(one);
    wait_for("the usage of others", || used("alice") != "0");
    let path = {
        let found = one.rest("GET", "/api/v1/user?username=carol", None).1;
        format!("/api/v1/user/{}", found[0]["id"])
    };
    assert_eq!(one.rest("PUT", &path, Some(&json!({"status": 0}))).0, 200);
    wait_for("the session to be ended", || {
        carol.client.try_wait().unwrap().is_some()
    });
    assert!(held.is_held());
    drop(held);
    bob.end(one);
    for user in ["bob", "alice", "carol"] {
        servers.wait_until_flushed(user);
    }
}

fn a_database_that_hangs_holds_up_no_other_channel_and_no_end_of_a_connection(kind: Kind) {
    let servers = TwoServers::new(kind);
    servers.add("bob");
    let one = &servers.one;
    std::fs::create_dir_all(one.home("bob")).unwrap();
    std::fs::write(one.home("bob").join("old"), "").unwrap();
    let mut client = python_command(one, TWO_CHANNELS).spawn().unwrap();
    wait_for("the client to be connected", || {
        one.path("connected").exists()
    });
    let listed = one.rest("GET", "/api/v1/connection", None).1;
    let connection = format!(
        "/api/v1/connection/{}",
        listed[0]["connection_id"].as_str().unwrap()
    );
    servers.database.freeze();
    std::fs::write(one.path("frozen"), "").unwrap();
    let has_ended = |client: &mut Child| client.try_wait().unwrap().is_some();
    wait_for("the other channel", || {
        one.path("went-on").exists() || has_ended(&mut client)
    });
    assert_eq!(one.rest("DELETE", &connection, None).0, 200);
    wait_for("the end of the connection", || has_ended(&mut client));
    servers.database.thaw();
    assert!(client.wait().unwrap().success());
}
