//! Uploads that cannot lie: whatever breaks in the middle of them, each file is what its upload mode promises.
//!
//! Each round overwrites files by several clients at once and breaks something at a random moment.
//! `SFTPGO_TEST_ROUNDS` asks for more rounds, `SFTPGO_TEST_SEED` repeats a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says how often it ran"
)]

use std::{
    fs,
    io::Write,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::json;
use sftpgo_e2e::{
    Proxy, Random, Server, binary, make_key, noise_of, python_command, sftp, ssh_options, wait_for,
};

/// What breaks.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    ServerKilled,
    ClientsKilled,
    ConnectionsCut,
}

/// An upload mode's number in the configuration.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mode {
    Standard = 0,
    Atomic = 1,
    AtomicWithResume = 2,
}

/// Two `sftp` with two files each, one after the other, and a paramiko with two at once.
const FILES: usize = 6;
/// One process of OpenSSH for each of these.
const SFTP_FILES: [[usize; 2]; 2] = [[0, 1], [2, 3]];

/// Uploads two files in two threads once there is a file `go`, and says of each when its CLOSE was answered.
const PARAMIKO: &str = r#"
import os, paramiko, threading, time
t = paramiko.Transport(("127.0.0.1", int(os.environ["PROXY"])))
t.connect(username="bob", pkey=paramiko.Ed25519Key.from_private_key_file("key"))
def upload(n, s):
    f = s.open(f"f{n}", "wb")
    f.set_pipelined(True)
    f.write(open(f"new{n}", "rb").read())
    # Its own close() says nothing when there is no answer.
    s._request(paramiko.sftp.CMD_CLOSE, f.handle)
    os.write(1, f"stored {n}\n".encode())
# A session each: its threads may not share one.
threads = [threading.Thread(target=upload, args=(n, paramiko.SFTPClient.from_transport(t))) for n in (4, 5)]
while not os.path.exists("go"): time.sleep(0.001)
for thread in threads: thread.start()
for thread in threads: thread.join()
"#;

/// One file of a round.
struct Upload {
    old: Option<Vec<u8>>,
    new: Vec<u8>,
}

#[test]
fn killing_the_server_in_mode_0() {
    repeat(Mode::Standard, Fault::ServerKilled);
}

#[test]
fn killing_the_server_in_mode_1() {
    repeat(Mode::Atomic, Fault::ServerKilled);
}

#[test]
fn killing_the_server_in_mode_2() {
    repeat(Mode::AtomicWithResume, Fault::ServerKilled);
}

#[test]
fn killing_the_clients_in_every_mode() {
    for mode in [Mode::Standard, Mode::Atomic, Mode::AtomicWithResume] {
        repeat(mode, Fault::ClientsKilled);
    }
}

#[test]
fn cutting_the_connections_in_every_mode() {
    for mode in [Mode::Standard, Mode::Atomic, Mode::AtomicWithResume] {
        repeat(mode, Fault::ConnectionsCut);
    }
}

fn repeat(mode: Mode, fault: Fault) {
    let default = if fault == Fault::ServerKilled { 30 } else { 10 };
    let rounds = std::env::var("SFTPGO_TEST_ROUNDS")
        .map_or(default, |rounds| rounds.parse().expect("a number"));
    let mut random = Random::new();
    let number = (mode as u8).to_string();
    let mut server = Server::start_with(&[
        ("SFTPGO_SFTPD__UPLOAD_MODE", &number),
        ("SFTPGO_COMMON__AUDIT__FILE", "audit.log"),
    ]);
    let key = make_key("ed25519", &server.path("key"));
    // Only users with limits are counted.
    server.add_user(
        "bob",
        &json!({ "public_keys": [key], "quota_size": 1_u64 << 40, "quota_files": 1000 }),
    );
    let (mut replaced, mut kept, mut partial, mut acknowledged) = (0, 0, 0, 0);
    for round in 0..rounds {
        let uploads = prepare(&server, &mut random);
        let stored = break_in_the_middle(&mut server, fault, &mut random);
        acknowledged += stored.len();
        wait_for("the end of the uploads", || temporaries(&server).is_empty());
        wait_for("the usage to be what is there", || {
            server.usage("bob") == server.on_disk("bob")
        });
        verify_audit_log(&server);
        for (number, upload) in uploads.iter().enumerate() {
            let now = fs::read(server.home("bob").join(format!("f{number}"))).ok();
            let what = format!("{mode:?} {fault:?}, round {round}, file {number}");
            if now.as_ref() == Some(&upload.new) {
                replaced += 1;
                continue;
            }
            assert!(
                !stored.contains(&number),
                "{what}: an acknowledged upload is not there"
            );
            if now == upload.old {
                kept += 1;
                continue;
            }
            let now = now.unwrap_or_else(|| panic!("{what}: the old file is gone"));
            partial += 1;
            match (mode, fault) {
                (Mode::Atomic, _) | (Mode::AtomicWithResume, Fault::ServerKilled) => {
                    panic!("{what}: {} bytes are neither old nor new", now.len())
                }
                // It is resumed by its size: what is there has to be right.
                (Mode::AtomicWithResume, _) => assert!(
                    upload.new.starts_with(&now),
                    "{what}: the partial file is not the start of the new one"
                ),
                (Mode::Standard, _) => assert!(now.len() <= upload.new.len(), "{what}"),
            }
        }
    }
    let served = sftp(&server, "bob", &[], "ls\n");
    served.assert_ok();
    eprintln!(
        "{mode:?} {fault:?}: {rounds} rounds, {replaced} new, {kept} old, {partial} partial; {acknowledged} acknowledged"
    );
}

/// Whatever breaks, its chain does not.
fn verify_audit_log(server: &Server) {
    let mut command = Command::new(binary("sftpgo-server"));
    command.args(["audit", "verify"]);
    let said = command.arg(server.path("audit.log")).output().unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stdout)
    );
}

/// Chooses what is uploaded over what; every third file or so is a new one.
fn prepare(server: &Server, random: &mut Random) -> Vec<Upload> {
    let gone: Vec<_> = (0..FILES).filter(|_| random.below(3) == 0).collect();
    let batch: String = gone
        .iter()
        .map(|number| format!("-rm f{number}\n"))
        .collect();
    sftp(server, "bob", &[], &batch).assert_ok();
    (0..FILES)
        .map(|number| {
            let size = usize::try_from(random.below(4 << 20)).unwrap();
            let new = noise_of(random.below(u64::MAX) | 1, size);
            fs::write(server.path(format!("new{number}")), &new).unwrap();
            let old = fs::read(server.home("bob").join(format!("f{number}"))).ok();
            Upload { old, new }
        })
        .collect()
}

/// Runs the uploads until something breaks; answers which of them were acknowledged before.
fn break_in_the_middle(server: &mut Server, fault: Fault, random: &mut Random) -> Vec<usize> {
    let proxy = Proxy::start(server.sftp_port);
    let mut paramiko = python_command(server, PARAMIKO);
    let mut clients = vec![start(paramiko.env("PROXY", proxy.port.to_string()))];
    for files in SFTP_FILES {
        let mut client = start(
            Command::new("sftp")
                .args(ssh_options())
                .args(["-i", "key", "-b", "-", "-P", &proxy.port.to_string()])
                .arg("bob@127.0.0.1")
                .current_dir(server.path("")),
        );
        // All begin together, however long one takes to connect.
        let mut batch = "!while ! test -e go; do sleep 0.01; done\n".to_owned();
        for number in files {
            batch += &format!("put new{number} f{number}\n!echo stored {number}\n");
        }
        let mut input = client.stdin.take().unwrap();
        input.write_all(batch.as_bytes()).unwrap();
        clients.push(client);
    }
    wait_for("every session", || connections(server) == 4);
    fs::write(server.path("go"), "").unwrap();
    sleep(Duration::from_millis(random.below(250)));
    match fault {
        Fault::ServerKilled => server.kill(),
        Fault::ClientsKilled => clients.iter_mut().for_each(|client| client.kill().unwrap()),
        Fault::ConnectionsCut => proxy.cut(),
    }
    let output: String = clients
        .into_iter()
        .map(|client| String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    drop(proxy);
    fs::remove_file(server.path("go")).unwrap();
    if fault == Fault::ServerKilled {
        server.restart();
    } else {
        wait_for("the sessions to end", || connections(server) == 0);
    }
    output
        .lines()
        .filter_map(|line| line.strip_prefix("stored "))
        .map(|number| number.parse().unwrap())
        .collect()
}

fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn connections(server: &Server) -> usize {
    let connections = server.rest("GET", "/api/v1/connection", None).1;
    connections.as_array().map_or(0, Vec::len)
}

fn temporaries(server: &Server) -> Vec<String> {
    let names = fs::read_dir(server.home("bob")).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".sftpgo-upload."))
        .collect()
}
