//! Each call of the system on the way of an upload fails in turn, as with a disk that is broken or full: in all threads, so that the
//! database and the log meet it too. An upload that was acknowledged is there, another one left the old file or the new one, nothing
//! is left over, and the server serves on.

use std::fs;

use serde_json::json;
use sftpgo_e2e::{Random, Server, Tracer, may_trace, noise_of, sftp, wait_for};

use crate::rounds;

/// What an upload, and what is around it, asks of the system.
const CALLS: [&str; 15] = [
    "openat2",
    "openat",
    "pwrite64",
    "write",
    "writev",
    "fsync",
    "fdatasync",
    "renameat2",
    "renameat",
    "unlinkat",
    "ftruncate",
    "statx",
    "fstat",
    "pread64",
    "fchmod",
];
const ERRORS: [&str; 2] = ["EIO", "ENOSPC"];

#[test]
fn every_call_of_an_upload_fails_in_turn() {
    if let Err(reason) = may_trace() {
        eprintln!("SKIPPED: strace may not trace here: {reason}");
        return;
    }
    let turns = rounds(1);
    let mut random = Random::new();
    let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", "1")]);
    server.add_user(
        "bob",
        &json!({"quota_size": 1_u64 << 40, "quota_files": 1000}),
    );
    let (mut stored, mut refused) = (0, 0);
    for turn in 1..=turns {
        for (number, call) in CALLS.into_iter().enumerate() {
            // In the short form one error each.
            let errors = ERRORS
                .iter()
                .enumerate()
                .filter(|(error, _)| turns > 1 || (number + error) % 2 == 0);
            for (_, error) in errors {
                let what = format!("{error} of {call}, call {turn} of each thread");
                if upload(&server, &mut random, call, error, turn, &what) {
                    stored += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 0, "nothing has failed");
    eprintln!(
        "{} calls failed {turns} times each: {stored} uploads were acknowledged, {refused} were not",
        CALLS.len()
    );
}

/// Overwrites a file while `call` fails; was that acknowledged?
fn upload(
    server: &Server,
    random: &mut Random,
    call: &str,
    error: &str,
    turn: usize,
    what: &str,
) -> bool {
    let home = server.home("bob");
    let old = fs::read(home.join("f")).ok();
    let size = usize::try_from(random.below(1 << 18)).unwrap();
    let new = noise_of(random.below(u64::MAX) | 1, size);
    fs::write(server.path("new"), &new).unwrap();

    let tracer = inject(server, &format!("inject=?{call}:error={error}:when={turn}"));
    let is_acknowledged = sftp(server, "bob", &[], "put new f\n").ok;
    tracer.detach();

    sftp(server, "bob", &[], "ls\n").assert_ok();
    let now = fs::read(home.join("f")).ok();
    if is_acknowledged {
        assert!(
            now.as_ref() == Some(&new),
            "{what}: the acknowledged file is not there"
        );
    } else {
        assert!(
            now == old || now.as_ref() == Some(&new),
            "{what}: {:?} bytes are neither old nor new",
            now.map(|now| now.len())
        );
    }
    let names = || -> Vec<_> {
        let names = fs::read_dir(&home).unwrap();
        names.map(|entry| entry.unwrap().file_name()).collect()
    };
    wait_for(
        &format!("{what}: nothing left over of {:?}", names()),
        || names().iter().all(|name| name == "f"),
    );
    wait_for(
        &format!(
            "{what}: the usage {:?} to be {:?}",
            server.usage("bob"),
            server.on_disk("bob")
        ),
        || server.usage("bob") == server.on_disk("bob"),
    );
    is_acknowledged
}

fn inject(server: &Server, fault: &str) -> Tracer {
    let log = server.path("sftpgo.log");
    let mut arguments = vec!["-e", fault];
    // Threads wake each other by the same calls, which no disk makes fail: of these only the log's.
    if fault.starts_with("inject=?write") {
        arguments.extend(["-P", log.to_str().unwrap()]);
    }
    Tracer::attach(server, "/dev/null", &arguments)
}
