//! How many connections and open files there may be, and that one user's leave others theirs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use sftpgo_e2e::{Server, python_command, sftp, wait_for};

/// Opens files and directories on two channels of each of two connections until that is refused everywhere, says how
/// many there are, and holds them until its input ends.
const HOARD: &str = r#"
import os, paramiko, sys
opened = []
def hoard(open_one):
    while True:
        try:
            opened.append(open_one())
        except IOError as error:
            assert "too many open" in str(error), error
            return
transports = []
for _ in range(2):
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.connect(username="mallory", password="secret")
    transports.append(t)
    for _ in range(2):
        s = paramiko.SFTPClient.from_transport(t)
        hoard(lambda: s.open("f%d" % len(opened), "w"))
        hoard(lambda: s._request(paramiko.sftp.CMD_OPENDIR, b"/"))
print(len(opened), flush=True)
sys.stdin.read()
"#;

/// Begins as many SFTP sessions of a user as a line of its input says, and holds all of them until that ends.
const LOG_IN: &str = r#"
import os, paramiko, sys
sessions = []
for line in sys.stdin:
    user, count = line.split()
    for _ in range(int(count)):
        t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
        t.connect(username=user, password="secret")
        s = paramiko.SFTPClient.from_transport(t)
        sessions.append((t, s))
    print(" ".join(sorted(s.listdir())) or "nothing", flush=True)
for t, s in sessions: t.close()
"#;

fn start(server: &Server, script: &str) -> Child {
    python_command(server, script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn line(client: &mut Child) -> String {
    let mut said = String::new();
    let output = client.stdout.as_mut().unwrap();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        said.push(char::from(byte[0]));
    }
    said
}

fn hoard(server: &Server) -> (Child, usize) {
    let mut client = start(server, HOARD);
    let opened = line(&mut client).parse().unwrap();
    (client, opened)
}

/// What the server has open, without the database, to which it connects as often as work needs it at once.
fn descriptors(server: &Server) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    let leads_to = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    leads_to
        .filter(|path| !path.to_string_lossy().contains("sftpgo.db"))
        .count()
}

/// A figure that has been the same for a second: what requests had open for a moment is closed.
fn at_rest(figure: impl Fn() -> usize) -> usize {
    let mut last = figure();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(50));
        let now = figure();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

#[test]
fn an_idle_session_takes_one_descriptor_and_those_of_a_home_one_more() {
    let server = Server::start();
    for user in ["alice", "bob"] {
        server.add_user(user, &json!({}));
    }
    let mut client = start(&server, LOG_IN);
    let mut log_in = |user: &str, count: usize| {
        let input = client.stdin.as_mut().unwrap();
        writeln!(input, "{user} {count}").unwrap();
        line(&mut client)
    };
    assert_eq!(log_in("bob", 1), "nothing");
    let mut open = at_rest(|| descriptors(&server));
    let mut opened = |more: usize, what: &str| {
        open += more;
        // An operation that has just ended may have something open still.
        wait_for(what, || descriptors(&server) == open);
    };
    log_in("bob", 50);
    opened(50, "a descriptor for each of 50 sessions");
    log_in("alice", 3);
    opened(
        3 + 1,
        "a descriptor for each of three sessions and one for the other home",
    );

    // A directory that has taken the place of a home is another home.
    fs::rename(server.home("bob"), server.path("moved")).unwrap();
    fs::create_dir(server.home("bob")).unwrap();
    fs::write(server.home("bob").join("new"), "").unwrap();
    assert_eq!(log_in("bob", 2), "new");
    opened(
        2 + 1,
        "a descriptor for each of two sessions and one for the new home",
    );
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success());
}

#[test]
fn a_user_who_opens_all_that_can_be_had_leaves_others_files_and_connections() {
    for upload_mode in ["0", "1"] {
        let server =
            Server::start_with_open_files(256, &[("SFTPGO_SFTPD__UPLOAD_MODE", upload_mode)]);
        server.add_user("mallory", &json!({}));
        server.add_user("bob", &json!({ "quota_files": 1000 }));
        let (mut client, opened) = hoard(&server);
        assert!(opened > 20, "{opened}");
        let descriptors = descriptors(&server);
        assert!(descriptors < 192, "{descriptors} for {opened} handles");
        fs::write(server.path("l"), "content").unwrap();
        for _ in 0..3 {
            sftp(&server, "bob", &[], "put l a\nget a b\nls\n").assert_ok();
            let (status, _) = server.rest("GET", "/api/v1/user", None);
            assert_eq!(status, 200);
        }
        assert!(!server.read("sftpgo.log").contains("can be accepted"));
        drop(client.stdin.take());
        assert!(client.wait().unwrap().success());
    }
}

/// A mount over a home, which is taken away with it.
struct ReadOnly(PathBuf);

impl ReadOnly {
    /// None where this system lets nobody mount, which is said.
    fn over(home: PathBuf) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let mounted = Command::new("mount").args(arguments).arg(&home).output();
            mounted.is_ok_and(|mounted| mounted.status.success())
        };
        let itself = home.to_str().unwrap();
        if !mount(&["--bind", itself]) {
            eprintln!("not tested, because nothing can be mounted here");
            return None;
        }
        assert!(mount(&["-o", "remount,bind,ro"]));
        Some(Self(home))
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_home_that_was_mounted_anew_is_not_reached_by_the_mount_of_an_older_session() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let mut client = start(&server, LOG_IN);
    writeln!(client.stdin.as_mut().unwrap(), "bob 1").unwrap();
    assert_eq!(line(&mut client), "nothing");
    let Some(mounted) = ReadOnly::over(server.home("bob")) else {
        return;
    };
    let refused = sftp(&server, "bob", &[], "mkdir d\n");
    assert!(!refused.ok && !server.home("bob").join("d").exists());
    drop(mounted);
    sftp(&server, "bob", &[], "mkdir d\n").assert_ok();
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success());
}

/// Connects and reads what the server says first: nothing when it refuses.
fn greeting(server: &Server) -> (TcpStream, bool) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.sftp_port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let is_greeted = matches!(stream.read(&mut [0]), Ok(1));
    (stream, is_greeted)
}

#[test]
fn connections_are_limited_in_all_and_for_each_address_and_told_of_once() {
    for (key, name) in [
        (
            "SFTPGO_COMMON__MAX_TOTAL_CONNECTIONS",
            "max_total_connections",
        ),
        (
            "SFTPGO_COMMON__MAX_PER_HOST_CONNECTIONS",
            "max_per_host_connections",
        ),
    ] {
        // The defender spares this machine, and whom it spares has no limit for the address.
        let defender = ("SFTPGO_COMMON__DEFENDER__ENABLED", "false");
        let server = Server::start_with(&[(key, "3"), defender]);
        server.add_user("bob", &json!({}));
        let mut open = Vec::new();
        // The connection that looked whether the server listens may be there still.
        wait_for("three to be let in", || {
            let (stream, is_greeted) = greeting(&server);
            if is_greeted {
                open.push(stream);
            }
            open.len() == 3
        });
        for _ in 0..20 {
            assert!(!greeting(&server).1);
        }
        let told = || server.read("sftpgo.log").matches(name).count();
        // Once more where that connection left in between.
        assert!((1..=2).contains(&told()), "{}", server.read("sftpgo.log"));
        open.pop();
        wait_for("one to be let in", || {
            let (stream, is_greeted) = greeting(&server);
            if is_greeted {
                open.push(stream);
            }
            is_greeted
        });
        drop(open);
        wait_for("a login", || sftp(&server, "bob", &[], "ls\n").ok);
    }
}
