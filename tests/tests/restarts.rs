//! Restarts without a pause: for a while two processes are one server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    process::{Child, Stdio},
};

use serde_json::{Value, json};
use sftpgo_e2e::{
    Server, fifty_transfers_run_through_three_restarts, python_command, send, sftp, wait_for,
};

#[test]
fn fifty_transfers_run_through_three_restarts_on_sqlite() {
    let server = Server::start_with(&[("SFTPGO_DATA_PROVIDER__TRACK_QUOTA", "1")]);
    fifty_transfers_run_through_three_restarts(&server);
}

/// A session of bob that has written 1000 bytes to a file and keeps it open, until the server ends it.
struct Session(Child);

impl Session {
    fn begin(server: &Server, file: &str) -> Self {
        let script = r#"
import os, paramiko, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.connect(username="bob", password="secret")
s = paramiko.SFTPClient.from_transport(t)
f = s.open(os.environ["FILE"], "wb")
f.write(b"x" * 1000)
f.stat()
open(os.environ["FILE"] + ".in", "w")
while not os.path.exists(os.environ["FILE"] + ".go"):
    time.sleep(0.05)
    if not t.is_active(): raise SystemExit(7)
f.close()
t.close()
"#;
        let client = python_command(server, script)
            .env("FILE", file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let session = Self(client);
        wait_for("the session", || server.path(format!("{file}.in")).exists());
        session
    }

    /// Lets it close its file and leave.
    fn finish(mut self, server: &Server, file: &str) {
        fs::write(server.path(format!("{file}.go")), "").unwrap();
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }

    /// Waits until the server has ended it.
    fn ended(mut self) {
        assert_eq!(self.0.wait().unwrap().code(), Some(7));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connections(server: &Server) -> Vec<Value> {
    let (_, listed) = server.rest("GET", "/api/v1/connection", None);
    listed.as_array().unwrap().clone()
}

#[test]
fn sessions_and_quota_hold_in_both_processes_together() {
    let server = Server::start();
    server.add_user(
        "bob",
        &json!({ "max_sessions": 2, "quota_size": 100_000, "quota_files": 4 }),
    );
    let old = Session::begin(&server, "one");
    server.hot_restart();
    let new = Session::begin(&server, "two");
    let third = sftp(&server, "bob", &[], "ls\n");
    assert!(!third.ok, "{}", third.text);
    old.finish(&server, "one");
    fs::write(server.path("large"), vec![1; 98_001]).unwrap();
    let refused = sftp(&server, "bob", &[], "put large\n");
    assert!(!refused.ok, "{}", refused.text);
    fs::write(server.path("fits"), vec![1; 98_000]).unwrap();
    sftp(&server, "bob", &[], "rm large\nput fits\n");
    new.finish(&server, "two");
    wait_for("the usage to be stored", || {
        server.usage("bob") == server.on_disk("bob")
    });
}

#[test]
fn who_is_closed_or_disabled_is_so_in_both_processes() {
    let server = Server::start();
    let bob = server.add_user("bob", &json!({}));
    let closed = Session::begin(&server, "one");
    let old = Session::begin(&server, "two");
    server.hot_restart();
    let new = Session::begin(&server, "three");
    wait_for("the sessions of both to be listed", || {
        connections(&server).len() == 3
    });
    let listed = connections(&server);
    let of_first = listed.iter().find(|one| {
        one["active_transfers"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("/one")
    });
    let id = of_first.unwrap()["connection_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/connection/{id}");
    assert_eq!(server.rest("DELETE", &path, None).0, 200);
    closed.ended();
    assert_eq!(
        server.rest("DELETE", "/api/v1/connection/nobody", None).0,
        404
    );
    let path = format!("/api/v1/user/{}", bob["id"]);
    let (status, answer) = server.rest("PUT", &path, Some(&json!({ "status": 0 })));
    assert_eq!(status, 200, "{answer}");
    old.ended();
    new.ended();
    wait_for("the process before to end", || {
        connections(&server).is_empty()
    });
}

#[test]
fn who_does_nothing_is_listed_after_a_second_restart_too() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let idle = Session::begin(&server, "one");
    for _ in 0..2 {
        server.hot_restart();
        wait_for("the session to be listed", || {
            connections(&server).len() == 1
        });
    }
    idle.finish(&server, "one");
}

#[test]
fn a_process_that_is_killed_while_two_are_there_leaves_the_usage_right() {
    for kills_old in [true, false] {
        // Longer than anybody waits here: nobody serves meanwhile, so it is not waited for.
        let mut server = Server::start_with(&[
            ("SFTPGO_DATA_PROVIDER__TRACK_QUOTA", "1"),
            ("SFTPGO_GRACE_TIME", "3600"),
        ]);
        server.add_user("bob", &json!({}));
        let old = Session::begin(&server, "one");
        let next = server.hot_restart();
        let new = Session::begin(&server, "two");
        if kills_old {
            server.kill();
            new.finish(&server, "two");
        } else {
            send(next, "KILL");
            // Nobody serves, so that whoever watches over the service starts it anew.
            assert_eq!(server.wait(), Some(1));
            server.restart();
        }
        drop(old);
        wait_for("the usage to be what is on the disk", || {
            server.usage("bob") == server.on_disk("bob")
        });
        sftp(&server, "bob", &[], "ls\n").assert_ok();
    }
}

#[test]
fn the_end_of_the_service_is_the_end_of_the_processes_before() {
    let mut server = Server::start();
    server.add_user("bob", &json!({}));
    let old = Session::begin(&server, "one");
    let next = server.hot_restart();
    send(next, "TERM");
    old.ended();
    assert_eq!(server.wait(), Some(0));
}

/// A setting of the service's unit in the Debian package.
fn of_unit(variable: &str) -> &'static str {
    let unit = include_str!("../../packaging/debian/sftpgo.service");
    let setting = format!("Environment={variable}=");
    unit.lines()
        .find_map(|line| line.strip_prefix(&setting))
        .expect(variable)
}

#[test]
fn a_reload_of_the_service_cuts_no_transfer_and_a_stop_does_in_its_time() {
    let start = |more: &[(&str, &str)]| {
        let server = Server::start_with(&[&[("SFTPGO_GRACE_TIME", "1")], more].concat());
        server.add_user("bob", &json!({}));
        server
    };
    let drain_time = [("SFTPGO_DRAIN_TIME", of_unit("SFTPGO_DRAIN_TIME"))];
    let mut service = start(&drain_time);
    let goes_on = Session::begin(&service, "one");
    let stays = Session::begin(&service, "two");
    let next = service.hot_restart();
    // Without that setting the grace time holds. When it is over there, it is here.
    let another = start(&[]);
    let cut = Session::begin(&another, "one");
    another.hot_restart();
    cut.ended();
    goes_on.finish(&service, "one");
    let stored = fs::read(service.home("bob").join("one")).unwrap();
    assert_eq!(stored.len(), 1000);
    send(next, "TERM");
    stays.ended();
    assert_eq!(service.wait(), Some(0));
}

#[test]
fn a_drain_time_of_its_own_ends_the_process_before() {
    let mut server =
        Server::start_with(&[("SFTPGO_GRACE_TIME", "3600"), ("SFTPGO_DRAIN_TIME", "1")]);
    server.add_user("bob", &json!({}));
    let old = Session::begin(&server, "one");
    server.hot_restart();
    old.ended();
    assert_eq!(server.wait(), Some(0));
}
