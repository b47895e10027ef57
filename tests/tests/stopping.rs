//! The end of a server while a client transfers a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use sftpgo_e2e::{Outcome, Server, sftp, wait_for};

const MIB: usize = 1 << 20;

/// Has `bob` download `size` bytes with 2 MB/s, and calls `act` while that runs.
fn during_a_download(server: &Server, size: usize, act: impl FnOnce()) -> Outcome {
    server.add_user("bob", &json!({ "download_bandwidth": 2000 }));
    sftp(server, "bob", &[], "ls\n").assert_ok();
    fs::write(server.home("bob").join("f"), vec![1; size]).unwrap();
    thread::scope(|scope| {
        let download = scope.spawn(|| sftp(server, "bob", &[], "get f b\n"));
        wait_for("the transfer", || {
            let (_, listed) = server.rest("GET", "/api/v1/connection", None);
            listed[0]["active_transfers"][0]["size"].as_u64() > Some(0)
        });
        act();
        download.join().unwrap()
    })
}

#[test]
fn sigterm_lets_a_transfer_finish_in_its_grace_time_and_ends_with_0() {
    let mut server = Server::start_with(&[("SFTPGO_GRACE_TIME", "30")]);
    let outcome = during_a_download(&server, 4 * MIB, || {
        server.signal("TERM");
        for port in [server.sftp_port, server.http_port] {
            wait_for("new connections to be refused", || {
                TcpStream::connect(("127.0.0.1", port)).is_err()
            });
        }
    });
    outcome.assert_ok();
    assert_eq!(server.wait(), Some(0));
    assert_eq!(
        fs::metadata(server.path("b")).unwrap().len(),
        4 * MIB as u64
    );
}

#[test]
fn a_transfer_is_cut_when_its_grace_time_is_over() {
    for (grace, seconds) in [("0", 0), ("1", 1)] {
        let mut server = Server::start_with(&[("SFTPGO_GRACE_TIME", grace)]);
        let mut asked = Instant::now();
        let outcome = during_a_download(&server, 60 * MIB, || {
            asked = Instant::now();
            server.signal("TERM");
        });
        assert!(!outcome.ok, "{}", outcome.text);
        assert_eq!(server.wait(), Some(0));
        let took = asked.elapsed();
        // The whole file takes half a minute.
        let allowed = Duration::from_secs(seconds)..Duration::from_secs(seconds + 15);
        assert!(allowed.contains(&took), "{took:?}");
    }
}

#[test]
fn a_second_sigterm_cuts_what_the_first_lets_finish() {
    let mut server = Server::start_with(&[("SFTPGO_GRACE_TIME", "60")]);
    let outcome = during_a_download(&server, 60 * MIB, || {
        server.signal("TERM");
        wait_for("the first signal", || {
            server
                .read("stderr")
                .contains("in 60 seconds at the latest")
        });
        server.signal("TERM");
    });
    assert!(!outcome.ok, "{}", outcome.text);
    assert_eq!(server.wait(), Some(1));
}
