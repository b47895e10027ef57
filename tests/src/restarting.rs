//! Transfers that go on while the server is restarted under them.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{Outcome, Server, python_command, sftp, wait_for};

const USERS: usize = 5;
/// Transfers of one user, half of them uploads.
const TRANSFERS: usize = 10;
const SIZE: usize = 200_000;

/// Every running transfer that REST lists.
fn transfers(server: &Server) -> usize {
    let (status, listed) = server.rest("GET", "/api/v1/connection", None);
    assert_eq!(status, 200, "{listed}");
    let connections = listed.as_array().unwrap().iter();
    connections
        .map(|one| one["active_transfers"].as_array().unwrap().len())
        .sum()
}

fn transfer(server: &Server, name: &str, number: usize) -> Outcome {
    let command = if number.is_multiple_of(2) {
        format!("put new up{number}\n")
    } else {
        format!("get there down{number}\n")
    };
    sftp(server, name, &[], &command)
}

/// Fifty transfers run through three restarts: none fails, nobody who connects is refused, and what is stored as usage is
/// what is on the disk.
pub fn fifty_transfers_run_through_three_restarts(server: &Server) {
    let names: Vec<_> = (0..USERS).map(|number| format!("user{number}")).collect();
    // So slow that none ends before it may.
    let slow = json!({
        "upload_bandwidth": 4, "download_bandwidth": 4, "quota_size": 3_000_000, "quota_files": 20,
    });
    let mut ids = Vec::new();
    for name in &names {
        ids.push(server.add_user(name, &slow)["id"].as_i64().unwrap());
        fs::create_dir_all(server.home(name)).unwrap();
        fs::write(server.home(name).join("there"), vec![7; SIZE]).unwrap();
        let scan = Some(json!({ "username": name }));
        let (status, answer) = server.rest("POST", "/api/v1/quota_scan", scan.as_ref());
        assert_eq!(status, 201, "{answer}");
        wait_for("the scan", || server.usage(name).1 == 1);
    }
    fs::write(server.path("new"), vec![9; SIZE]).unwrap();
    let (is_over, connects) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (is_over, connects) = (&is_over, &connects);
        let connecting = [server.sftp_port, server.http_port].map(|port| {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    TcpStream::connect(("127.0.0.1", port)).expect("a connect was refused");
                    connects.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(20));
                }
            })
        });
        let clients: Vec<_> = (0..USERS * TRANSFERS)
            .map(|number| {
                let name = &names[number / TRANSFERS];
                scope.spawn(move || transfer(server, name, number))
            })
            .collect();
        let all = USERS * TRANSFERS;
        wait_for("all transfers to run", || transfers(server) == all);
        for _ in 0..3 {
            server.hot_restart();
            wait_for("those of the processes before to be listed", || {
                transfers(server) == all
            });
        }
        // Whichever process they are in, they hear of it.
        for id in ids {
            let path = format!("/api/v1/user/{id}");
            let fast = json!({ "upload_bandwidth": 0, "download_bandwidth": 0 });
            let (status, answer) = server.rest("PUT", &path, Some(&fast));
            assert_eq!(status, 200, "{answer}");
        }
        for client in clients {
            client.join().unwrap().assert_ok();
        }
        is_over.store(true, Ordering::Relaxed);
        for thread in connecting {
            thread.join().unwrap();
        }
    });
    assert!(connects.into_inner() > 20);
    let of_each = ((TRANSFERS / 2 + 1) * SIZE) as u64;
    for name in &names {
        let expected = (of_each, TRANSFERS as u64 / 2 + 1);
        assert_eq!(server.on_disk(name), expected);
        wait_for("the usage to be stored", || server.usage(name) == expected);
    }
    for number in (1..USERS * TRANSFERS).step_by(2) {
        let got = fs::read(server.path(format!("down{number}"))).unwrap();
        assert_eq!(got, vec![7; SIZE]);
    }
    wait_for("nobody to be connected", || {
        server.rest("GET", "/api/v1/connection", None).1 == json!([])
    });
}

fn connections(server: &Server) -> Vec<Value> {
    let (_, listed) = server.rest("GET", "/api/v1/connection", None);
    listed.as_array().unwrap().clone()
}

/// A session of bob that has written 1000 bytes to a file and keeps it open, until the server ends it.
pub struct Writing(Child);

impl Writing {
    /// Logs in, writes, and waits until that is done.
    pub fn begin(server: &Server, file: &str) -> Self {
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
        let writing = Self(client);
        wait_for("the session", || server.path(format!("{file}.in")).exists());
        writing
    }

    /// Lets it close its file and leave.
    pub fn finish(mut self, server: &Server, file: &str) {
        fs::write(server.path(format!("{file}.go")), "").unwrap();
        assert_eq!(self.code(), Some(0));
    }

    /// Waits until the server has ended it.
    pub fn ended(mut self) {
        assert_eq!(self.code(), Some(7));
    }

    fn code(&mut self) -> Option<i32> {
        wait_for("the end of the client", || {
            self.0.try_wait().unwrap().is_some()
        });
        self.0.wait().unwrap().code()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The limit of sessions and the quota hold in both processes together while one follows the other, and the sums are right.
pub fn sessions_and_quota_hold_in_both_processes_together(server: &Server) {
    server.add_user(
        "bob",
        &json!({ "max_sessions": 2, "quota_size": 100_000, "quota_files": 4 }),
    );
    let old = Writing::begin(server, "one");
    server.hot_restart();
    let new = Writing::begin(server, "two");
    let third = sftp(server, "bob", &[], "ls\n");
    assert!(!third.ok, "{}", third.text);
    old.finish(server, "one");
    fs::write(server.path("large"), vec![1; 98_001]).unwrap();
    let refused = sftp(server, "bob", &[], "put large\n");
    assert!(!refused.ok, "{}", refused.text);
    fs::write(server.path("fits"), vec![1; 98_000]).unwrap();
    sftp(server, "bob", &[], "rm large\nput fits\n");
    new.finish(server, "two");
    wait_for("the usage to be stored", || {
        server.usage("bob") == server.on_disk("bob")
    });
}

/// A connection that is closed, and a user who is disabled, end in whichever process they are.
pub fn who_is_closed_or_disabled_is_so_in_both_processes(server: &Server) {
    let bob = server.add_user("bob", &json!({}));
    let closed = Writing::begin(server, "one");
    let old = Writing::begin(server, "two");
    server.hot_restart();
    let new = Writing::begin(server, "three");
    wait_for("the sessions of both to be listed", || {
        connections(server).len() == 3
    });
    let listed = connections(server);
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
        connections(server).is_empty()
    });
}
