//! Limits that hold, and a ledger that says what was written.

use std::{sync::Arc, thread};

use sftpgo_core::{
    ErrorKind, UserId,
    filesystem::SpaceInfo,
    provider::{QuotaLedger, UsageDelta, Users},
    quota::{QuotaAccount, QuotaBook, QuotaStatus, Tracking},
};
use sftpgo_store::MemoryProvider;

use crate::common::{add, empty};

fn delta(size: i64, files: i32) -> UsageDelta {
    UsageDelta { size, files }
}

fn used(account: &QuotaAccount) -> (i64, i64) {
    let status = account.status();
    (status.size_used, status.files_used)
}

fn stored(provider: &MemoryProvider, id: UserId) -> (i64, i32) {
    let usage = provider.usage(id).unwrap();
    (usage.size, usage.files)
}

/// An account of a user who may have 100 bytes in 3 files.
fn limited(tracking: Tracking) -> (Arc<MemoryProvider>, Arc<QuotaBook>, Arc<QuotaAccount>) {
    let provider = empty();
    let bob = add(provider.as_ref(), "bob", |draft| {
        draft.quota_size = 100;
        draft.quota_files = 3;
    });
    let book = QuotaBook::new(provider.clone(), tracking);
    let account = book.account(&bob).unwrap();
    (provider, book, account)
}

#[test]
fn a_limit_can_be_reached_and_not_passed() {
    let (_, _, account) = limited(Tracking::All);
    account.reserve(delta(100, 3)).unwrap();
    for passing in [delta(1, 0), delta(0, 1), delta(1, -1), delta(-1, 1)] {
        let error = account.reserve(passing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
        assert_eq!(error.message(), "quota exceeded");
        assert_eq!(used(&account), (100, 3), "{passing:?}");
    }
    account.reserve(delta(0, 0)).unwrap();
    account.reserve(delta(-1, -1)).unwrap();
    account.reserve(delta(1, 1)).unwrap();
    assert!(account.reserve(delta(i64::MAX, 0)).is_err());
    assert_eq!(used(&account), (100, 3));
}

#[test]
fn above_the_limit_shrinking_works_and_growing_does_not() {
    let (_, _, account) = limited(Tracking::All);
    account.charge(delta(500, 9));
    assert_eq!(used(&account), (500, 9));
    account.reserve(delta(-100, 0)).unwrap();
    assert!(account.reserve(delta(1, 0)).is_err());
    assert!(account.reserve(delta(0, 1)).is_err());
    assert_eq!(used(&account), (400, 9));
}

#[test]
fn parallel_reservations_stay_within_the_limit() {
    let (_, _, account) = limited(Tracking::Limited);
    let won: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..50)
                        .filter(|_| account.reserve(delta(3, 0)).is_ok())
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(won, 33);
    assert_eq!(used(&account), (99, 0));
}

#[test]
fn what_is_settled_is_in_the_ledger_and_what_is_reserved_not_yet() {
    let (provider, book, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    account.reserve(delta(40, 1)).unwrap();
    assert_eq!(stored(&provider, bob.id), (0, 0));
    account.settle(delta(40, 1)).unwrap();
    assert_eq!(stored(&provider, bob.id), (40, 1));
    assert_eq!(used(&account), (40, 1));
    // The next session after the last one starts from the ledger.
    drop(account);
    assert_eq!(used(&book.account(&bob).unwrap()), (40, 1));
}

#[test]
fn sessions_of_a_user_share_one_account() {
    let (provider, book, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    let alice = add(provider.as_ref(), "alice", |_| ());
    assert!(Arc::ptr_eq(&account, &book.account(&bob).unwrap()));
    let of_alice = book.account(&alice).unwrap();
    assert!(!Arc::ptr_eq(&account, &of_alice));
    account.reserve(delta(10, 1)).unwrap();
    assert_eq!(used(&of_alice), (0, 0));
}

#[test]
fn who_is_not_tracked_has_no_limit_and_no_usage() {
    let (provider, _, account) = limited(Tracking::Off);
    account.reserve(delta(1000, 1000)).unwrap();
    account.charge(delta(1, 1));
    account.settle(delta(1000, 1000)).unwrap();
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    assert_eq!(stored(&provider, bob.id), (0, 0));

    let alice = add(provider.as_ref(), "alice", |_| ());
    for (tracking, expected) in [(Tracking::Limited, (0, 0)), (Tracking::All, (5, 1))] {
        let book = QuotaBook::new(provider.clone(), tracking);
        let account = book.account(&alice).unwrap();
        account.reserve(delta(5, 1)).unwrap();
        account.settle(delta(5, 1)).unwrap();
        assert_eq!(stored(&provider, alice.id), expected, "{tracking:?}");
    }
}

#[test]
fn one_limit_leaves_the_other_figure_free() {
    let provider = empty();
    let book = QuotaBook::new(provider.clone(), Tracking::Limited);
    let bytes = add(provider.as_ref(), "bytes", |draft| draft.quota_size = 10);
    let files = add(provider.as_ref(), "files", |draft| draft.quota_files = 10);
    let bytes = book.account(&bytes).unwrap();
    bytes.reserve(delta(10, 1000)).unwrap();
    assert!(bytes.reserve(delta(1, 0)).is_err());
    let files = book.account(&files).unwrap();
    files.reserve(delta(1 << 40, 10)).unwrap();
    assert!(files.reserve(delta(0, 1)).is_err());
}

#[test]
fn a_scan_replaces_both_figures_for_open_sessions_too() {
    let (provider, book, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    account.reserve(delta(40, 1)).unwrap();
    account.settle(delta(40, 1)).unwrap();
    book.replace(bob.id, 90, 3).unwrap();
    assert_eq!(stored(&provider, bob.id), (90, 3));
    assert_eq!(used(&account), (90, 3));
    assert!(account.reserve(delta(11, 0)).is_err());
    let nobody = book.replace(UserId(99), 1, 1).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
}

#[test]
fn the_disk_is_shown_as_large_as_the_limit_and_never_as_more_than_is_there() {
    let disk = SpaceInfo {
        block_size: 4096,
        fragment_size: 10,
        blocks: 1000,
        blocks_free: 7,
        blocks_available: 6,
        files: 500,
        files_free: 400,
        files_available: 300,
        ..SpaceInfo::default()
    };
    let unlimited = QuotaStatus {
        size_limit: 0,
        size_used: 50,
        files_limit: 0,
        files_used: 5,
    };
    assert_eq!(unlimited.shown_in(disk), disk);
    let limited = QuotaStatus {
        size_limit: 90,
        size_used: 50,
        files_limit: 20,
        files_used: 5,
    };
    let shown = limited.shown_in(disk);
    assert_eq!(
        (shown.blocks, shown.blocks_free, shown.blocks_available),
        (9, 4, 4)
    );
    assert_eq!(
        (shown.files, shown.files_free, shown.files_available),
        (20, 15, 15)
    );
    let generous = QuotaStatus {
        size_limit: 10_000,
        files_limit: 450,
        ..limited
    };
    let shown = generous.shown_in(disk);
    assert_eq!((shown.blocks_free, shown.blocks_available), (7, 6));
    assert_eq!((shown.files_free, shown.files_available), (400, 300));
    let over = QuotaStatus {
        size_used: 95,
        files_used: 21,
        ..limited
    };
    let shown = over.shown_in(disk);
    assert_eq!((shown.blocks_free, shown.files_free), (0, 0));
}
