//! No more files can be opened, by this process or on this machine: what is open goes on, what is new is refused in words, and
//! who connected meanwhile is served afterwards.

use std::{fs, process::Command, thread};

use serde_json::json;
use sftpgo_e2e::{Server, Tracer, may_trace, sftp, wait_for};

use crate::uploads::Uploads;

/// What makes a descriptor.
const CALLS: &str =
    "?openat2,?openat,?open,?accept4,?accept,?socket,?dup,?pipe2,?eventfd2,?epoll_create1";

/// What lets nobody open anything.
enum Fault<'a> {
    /// `EMFILE`; with the limit before.
    OfProcess(&'a Server, String),
    /// `ENFILE`
    OfMachine(Tracer),
}

fn of_process(server: &Server) -> Fault<'_> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let of_files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let before = of_files.unwrap().split_whitespace().next().unwrap();
    limit(server, "3");
    Fault::OfProcess(server, before.to_owned())
}

fn of_machine(server: &Server) -> Fault<'_> {
    let fault = format!("inject={CALLS}:error=ENFILE");
    Fault::OfMachine(Tracer::attach(server, "/dev/null", &["-e", &fault]))
}

impl Fault<'_> {
    fn end(self) {
        match self {
            Self::OfProcess(server, before) => limit(server, &before),
            Self::OfMachine(tracer) => tracer.detach(),
        }
    }
}

/// What a process has open above its limit stays open.
fn limit(server: &Server, open_files: &str) {
    let limited = Command::new("prlimit")
        .args(["--pid", &server.pid().to_string()])
        .arg(format!("--nofile={open_files}:"))
        .status();
    assert!(limited.unwrap().success());
}

#[test]
fn a_process_that_may_open_no_more_goes_on_with_what_is_open() {
    run_out(of_process);
}

#[test]
fn a_machine_that_can_open_no_more_lets_it_go_on_with_what_is_open() {
    if let Err(reason) = may_trace() {
        eprintln!("SKIPPED: strace may not trace here: {reason}");
        return;
    }
    run_out(of_machine);
}

fn run_out(begin: fn(&Server) -> Fault<'_>) {
    let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", "1")]);
    for user in ["alice", "bob"] {
        server.add_user(
            user,
            &json!({"quota_size": 1_u64 << 40, "quota_files": 1000}),
        );
    }
    fs::write(server.path("new"), "content").unwrap();
    let mut uploads = Uploads::start(&server);
    let fault = begin(&server);
    thread::scope(|scope| {
        uploads.wait_until(&server, "refusals", |before, now| {
            now.refused > before.refused + 10 && now.moved > before.moved + 10
        });
        let transfer = scope.spawn(|| sftp(&server, "alice", &[], "put new f\nget f back\n"));
        let request = scope.spawn(|| server.rest("GET", "/api/v1/user", None));
        wait_for("the log to say so", || {
            let log = server.read("sftpgo.log");
            ["SFTP", "HTTP"]
                .iter()
                .all(|name| log.contains(&format!("no connection can be accepted for {name}")))
        });
        uploads.wait_for_turns(&server);
        fault.end();
        transfer.join().unwrap().assert_ok();
        assert_eq!(request.join().unwrap().0, 200);
    });
    uploads.wait_until(&server, "uploads", |before, now| {
        now.turns - before.turns > now.refused - before.refused + 10
    });
    let told = server
        .read("sftpgo.log")
        .matches("no connection can be accepted")
        .count();
    // Each once, or again where one could be accepted in between, and not each try.
    assert!((2..6).contains(&told), "{told}");
    assert!(
        uploads.finish(&server),
        "the file that was open all the time"
    );
    wait_for("the usage to be what is there", || {
        server.usage("bob") == server.on_disk("bob")
    });
}
