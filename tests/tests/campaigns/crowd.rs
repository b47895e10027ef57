//! A hostile crowd beside a client that pays: the client's transfer goes on, and the memory comes back. How fast is told and not
//! asserted, for it is the machine's.

use std::{
    fs,
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
/// The memory has come back by then.
const PATIENCE: Duration = Duration::from_secs(60);
/// What has not come back by then is taken to be set up for good.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_hostile_crowd_leaves_a_client_its_transfer_and_the_server_its_memory() {
    let crowd = rounds(CROWD);
    let size = if crowd > CROWD { 256 * MIB } else { 16 * MIB };
    let server = Server::start();
    server.add_user("alice", &json!({}));
    fs::write(server.path("new"), noise(size)).unwrap();
    let transfer = || {
        let began = Instant::now();
        sftp(&server, "alice", &[], "put new f\nget f back\n").assert_ok();
        let is_same = fs::read(server.path("back")).unwrap() == noise(size);
        assert!(is_same, "another file came back");
        2.0 * size as f64 / MIB as f64 / began.elapsed().as_secs_f64()
    };
    let alone = transfer();
    let at_first = memory(&server);
    // What the first crowd has the server set up is set up once; what the second one leaves would be left by each.
    beside_crowd(&server, crowd, || 0.0);
    let before = settled(&server, at_first, SOON);
    let (beside, most, connects) = beside_crowd(&server, crowd, transfer);
    let allowed = before + before / 10 + 4 * MIB;
    let after = settled(&server, allowed, PATIENCE);
    eprintln!(
        "beside {crowd} hostile connections, {connects} in all: {beside:.0} MiB/s after {alone:.0} alone; memory {} MiB at first, {} after a crowd, {} at most, {} after another one",
        at_first / MIB,
        before / MIB,
        most / MIB,
        after / MIB
    );
    assert!(after <= allowed, "{after} bytes are left, after {before}");
}

/// Does something beside the crowd, and returns what came of it, what memory there was then, and how often the crowd connected.
fn beside_crowd(server: &Server, crowd: usize, transfer: impl Fn() -> f64) -> (f64, usize, usize) {
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

/// What the server has once that is no more than so much, or when it has been waited for long enough.
fn settled(server: &Server, enough: usize, patience: Duration) -> usize {
    let until = Instant::now() + patience;
    loop {
        let now = memory(server);
        if now <= enough || Instant::now() >= until {
            return now;
        }
        thread::sleep(Duration::from_millis(100));
    }
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
fn memory(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<usize>().unwrap() * 1024
}
