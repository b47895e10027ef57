//! What the server does for a MiB and for a small file, in counts that are the same on every machine: allocations,
//! system calls, changes of the database. Time is measured by `cargo xtask bench`.
//!
//! Each figure is a difference: the work is done once and then in another size, and what the larger one takes beyond the
//! smaller one is divided by how much larger it is. Start, login and end of a session are the same in both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints what it counted"
)]

mod allocations;
mod database;
mod system_calls;
mod work;

use work::Work;

/// What a MiB or a file may take: about a quarter more than it was seen to take. Who makes it less lowers the bound; who
/// has to make it more says here why.
struct Bounds {
    work: Work,
    allocations: f64,
    system_calls: f64,
    database_changes: f64,
}

const BOUNDS: [Bounds; 6] = [
    // 32 packets, each with its reply, which allocate nothing; the head of a WRITE that two packets share is queued. One
    // allocation for each packet does not fit in.
    Bounds {
        work: Work::UploadMib,
        allocations: 24.0,
        system_calls: 78.0,
        database_changes: 0.0,
    },
    // 32 requests, each answered by one read of the file, in packets that go out several at once.
    Bounds {
        work: Work::DownloadMib,
        allocations: 6.0,
        system_calls: 24.0,
        database_changes: 0.0,
    },
    // OPEN, WRITE and CLOSE: three round trips, one name made, and the usage stored for many files at once.
    Bounds {
        work: Work::UploadFile,
        allocations: 20.0,
        system_calls: 18.0,
        database_changes: 0.05,
    },
    // LSTAT, OPEN, two READs and CLOSE; nothing of it concerns the database.
    Bounds {
        work: Work::DownloadFile,
        allocations: 24.0,
        system_calls: 25.0,
        database_changes: 0.0,
    },
    // What a file takes, and a record, a wake-up of the thread that writes, and one batch under a lock of the file.
    Bounds {
        work: Work::AuditedFile,
        allocations: 44.0,
        system_calls: 30.0,
        database_changes: 0.05,
    },
    // What a file takes; its file opened once more and looked at; and on another thread read, and a receipt written and
    // renamed.
    Bounds {
        work: Work::ReceiptedFile,
        allocations: 106.0,
        system_calls: 50.0,
        database_changes: 0.05,
    },
];

/// How often what is too much is counted again: how many packets one call reads is a matter of luck too.
const ATTEMPTS: usize = 3;

#[test]
fn allocations_stay_within_their_bounds() {
    check("allocations", allocations::each, |bounds| {
        bounds.allocations
    });
}

#[test]
fn system_calls_stay_within_their_bounds() {
    if let Err(reason) = sftpgo_e2e::may_trace() {
        println!("SKIPPED: strace may not trace here: {reason}");
        return;
    }
    check("system calls", system_calls::each, |bounds| {
        bounds.system_calls
    });
}

#[test]
fn changes_of_the_database_stay_within_their_bounds() {
    check("changes of the database", database::each, |bounds| {
        bounds.database_changes
    });
}

/// Tells all figures, and fails when one of them is above its bound each time.
fn check(what: &str, each: fn(Work) -> f64, most: fn(&Bounds) -> f64) {
    let above = BOUNDS.iter().filter(|bounds| {
        let most = most(bounds);
        (0..ATTEMPTS).all(|_| {
            let each = each(bounds.work);
            println!("{}: {each:.2} {what}, {most} at most", bounds.work.title());
            each > most
        })
    });
    let above: Vec<_> = above.map(|bounds| bounds.work.title()).collect();
    assert!(above.is_empty(), "more {what} than the bound for {above:?}");
}
