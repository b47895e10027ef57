//! A hostile crowd beside a client that pays: the client's transfer goes on, and the memory comes back. How fast is told and not
//! asserted, for it is the machine's.

use std::{
    fmt, fs,
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use sftpgo_e2e::{Server, noise, sftp, wait_for};

use crate::rounds;

/// Connections of the crowd in the short form.
const CROWD: usize = 300;
/// Threads that keep the crowd connected.
const HANDS: usize = 4;
const MIB: usize = 1 << 20;
/// The server looks several times meanwhile whether memory can go back.
const WHILE: Duration = Duration::from_secs(15);

#[test]
fn a_hostile_crowd_leaves_a_client_its_transfer_and_the_server_its_memory() {
    let crowd = rounds(CROWD);
    let size = if crowd > CROWD { 256 * MIB } else { 16 * MIB };
    let server = Server::start();
    server.add_user("alice", &json!({}));
    fs::write(server.path("new"), noise(size)).unwrap();
    let transfer = || {
        let began = Instant::now();
        // Of the crowd's own address some make room for others until they are logged in.
        let elsewhere = ["-o", "BindAddress=127.0.0.2"];
        sftp(&server, "alice", &elsewhere, "put new f\nget f back\n").assert_ok();
        let is_same = fs::read(server.path("back")).unwrap() == noise(size);
        assert!(is_same, "another file came back");
        2.0 * size as f64 / MIB as f64 / began.elapsed().as_secs_f64()
    };
    let at_start = at_rest(&server);
    ordinary_day(&server);
    let alone = transfer();
    let warm = at_rest(&server);
    for _ in 0..2 {
        let (beside, most, connects) = beside_crowd(&server, crowd, transfer);
        eprintln!(
            "beside {crowd} hostile connections, {connects} in all: {beside:.0} MiB/s after {alone:.0} alone; memory {at_start} at the start, {warm} after an ordinary day, {most} beside them"
        );
        wait_for_no_more_than(&server, warm.all + warm.all / 10);
        eprintln!("memory {} when they had gone", memory(&server));
    }
}

/// A login, a transfer and a request of each kind.
fn ordinary_day(server: &Server) {
    fs::write(server.path("small"), "content").unwrap();
    let commands = "put small s\nrename s t\nmkdir d\nls -l\nget t got\nrm t\nrmdir d\n";
    sftp(server, "alice", &[], commands).assert_ok();
    assert!(!sftp(server, "nobody", &[], "ls\n").ok);
    let user = server.add_user("guest", &json!({}));
    let of_guest = format!("/api/v1/user/{}", user["id"]);
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/web/login"),
        ("GET", "/api/v1/version"),
        ("GET", "/api/v1/providerstatus"),
        ("GET", "/api/v1/connection"),
        ("GET", "/api/v1/quota_scan"),
        ("GET", "/api/v1/user"),
        ("GET", &of_guest),
        ("DELETE", &of_guest),
    ] {
        let (status, answer) = server.rest(method, path, None);
        assert!(status < 400, "{method} {path}: {status} {answer}");
    }
}

/// Does something beside the crowd, and returns what came of it, what memory there was then, and how often the crowd connected.
fn beside_crowd(server: &Server, crowd: usize, transfer: impl Fn() -> f64) -> (f64, Memory, usize) {
    let (stop, connects) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let (stop, connects, port) = (&stop, &connects, server.sftp_port);
            scope.spawn(move || press(hand, crowd / HANDS, port, stop, connects));
        }
        wait_for("the crowd", || connects.load(Ordering::SeqCst) >= crowd);
        let beside = transfer();
        let most = memory(server);
        stop.store(true, Ordering::SeqCst);
        (beside, most, connects.load(Ordering::SeqCst))
    })
}

/// What the server has when it has done nothing for a while.
fn at_rest(server: &Server) -> Memory {
    thread::sleep(WHILE);
    memory(server)
}

/// Waits until the server has had no more than this for a while: at times it has less for a moment.
fn wait_for_no_more_than(server: &Server, most: usize) {
    let mut since = None;
    wait_for("the memory to come back", || {
        let is_back = memory(server).all <= most;
        since = since.filter(|_| is_back).or(is_back.then(Instant::now));
        since.is_some_and(|since: Instant| since.elapsed() >= WHILE)
    });
}

/// Keeps so many connections open that say nothing, a word, or garbage, and replaces those that were closed.
fn press(hand: usize, many: usize, port: u16, stop: &AtomicBool, connects: &AtomicUsize) {
    let sayings: [&[u8]; 3] = [b"", b"SSH-2.0-hostile\r\n", b"GET / HTTP/1.0\r\n\r\n"];
    let mut open: Vec<TcpStream> = Vec::new();
    let connect = |number: usize| {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let mut client = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
        client.set_nonblocking(true).ok()?;
        let _ = client.write_all(sayings[(hand + number) % sayings.len()]);
        connects.fetch_add(1, Ordering::SeqCst);
        Some(client)
    };
    while !stop.load(Ordering::SeqCst) {
        open.retain_mut(|client| {
            let mut answer = [0; 4096];
            !matches!(client.read(&mut answer), Ok(0))
                && client.take_error().is_ok_and(|error| error.is_none())
        });
        for number in open.len()..many {
            match connect(number) {
                Some(client) => open.push(client),
                None => break,
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// What the server has of the machine's memory, in bytes.
#[derive(Clone, Copy)]
struct Memory {
    /// What it has for itself.
    own: usize,
    /// The same with pages of its program and of libraries.
    all: usize,
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes| bytes as f64 / MIB as f64;
        let (own, all) = (mib(self.own), mib(self.all));
        write!(formatter, "{own:.1} MiB ({all:.1} with its program)")
    }
}

fn memory(server: &Server) -> Memory {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<usize>().unwrap() * 1024
    };
    Memory {
        own: bytes("RssAnon:"),
        all: bytes("VmRSS:"),
    }
}
