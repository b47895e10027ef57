//! Limits that hold, and a ledger that says what was written.

use std::{sync::Arc, thread};

use sftpgo_core::{
    ErrorKind, UserId,
    filesystem::{FileId, SpaceInfo},
    provider::{QuotaLedger, Users},
    quota::{QuotaAccount, Rescan, ScanOutcome, Tracking, UsageManager},
    storage_usage::UsageDelta,
    usage::{FileChange, QuotaStatus},
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::add;

fn delta(size: i64, files: i32) -> UsageDelta {
    UsageDelta { size, files }
}

/// A file of this many bytes appears.
fn file(number: u64, size: u64) -> FileChange {
    FileChange {
        file_id: FileId::new(1, number),
        before: None,
        after: Some(size),
    }
}

/// A file appears, and the operation that made it ends.
fn add_file(account: &QuotaAccount, number: u64, size: u64) {
    let delta = account.reserve(file(number, size)).unwrap();
    account.commit(delta).unwrap();
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
fn limited(tracking: Tracking) -> (Arc<MemoryProvider>, Arc<UsageManager>, Arc<QuotaAccount>) {
    let provider = Arc::new(MemoryProvider::new());
    let bob = add(provider.as_ref(), "bob", |draft| {
        draft.quota_size = 100;
        draft.quota_files = 3;
    });
    let manager = UsageManager::new(provider.clone(), tracking);
    let account = manager.account(&bob.effective()).unwrap();
    (provider, manager, account)
}

#[test]
fn a_limit_can_be_reached_and_not_passed() {
    let (_, _, account) = limited(Tracking::All);
    account.reserve_staged(delta(100, 3)).unwrap();
    for passing in [delta(1, 0), delta(0, 1), delta(1, -1), delta(-1, 1)] {
        let error = account.reserve_staged(passing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
        assert_eq!(error.message(), "quota exceeded");
        assert_eq!(used(&account), (100, 3), "{passing:?}");
    }
    assert!(account.reserve(file(1, 0)).is_err());
    account.reserve_staged(delta(0, 0)).unwrap();
    account.reserve_staged(delta(-1, -1)).unwrap();
    account.reserve(file(1, 1)).unwrap();
    assert!(account.reserve_staged(delta(i64::MAX, 0)).is_err());
    assert_eq!(used(&account), (100, 3));
}

#[test]
fn above_the_limit_shrinking_works_and_growing_does_not() {
    let (_, _, account) = limited(Tracking::All);
    for number in 0..9 {
        account.record(file(number, 100));
    }
    assert_eq!(used(&account), (900, 9));
    let shrink = FileChange {
        file_id: FileId::new(1, 1),
        before: Some(100),
        after: Some(40),
    };
    assert_eq!(account.reserve(shrink).unwrap(), delta(-60, 0));
    assert!(account.reserve_staged(delta(1, 0)).is_err());
    assert!(account.reserve_staged(delta(0, 1)).is_err());
    assert_eq!(used(&account), (840, 9));
}

#[test]
fn parallel_reservations_stay_within_the_limit() {
    let (_, _, account) = limited(Tracking::Limited);
    let won: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..50)
                        .filter(|_| account.reserve_staged(delta(3, 0)).is_ok())
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
fn what_is_committed_is_in_the_ledger_and_what_is_reserved_not_yet() {
    let (provider, manager, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    let reserved = account.reserve(file(1, 40)).unwrap();
    assert_eq!(stored(&provider, bob.id), (0, 0));
    account.commit(reserved).unwrap();
    assert_eq!(stored(&provider, bob.id), (40, 1));
    assert_eq!(used(&account), (40, 1));
    // The next session after the last one starts from the ledger.
    drop(account);
    assert_eq!(used(&manager.account(&bob.effective()).unwrap()), (40, 1));
}

#[test]
fn sessions_of_a_user_share_one_account() {
    let (provider, manager, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    let alice = add(provider.as_ref(), "alice", |_| ());
    assert!(Arc::ptr_eq(
        &account,
        &manager.account(&bob.effective()).unwrap()
    ));
    let of_alice = manager.account(&alice.effective()).unwrap();
    assert!(!Arc::ptr_eq(&account, &of_alice));
    account.reserve(file(1, 10)).unwrap();
    assert_eq!(used(&of_alice), (0, 0));
}

#[test]
fn who_is_not_tracked_has_no_limit_and_no_usage() {
    let (provider, _, account) = limited(Tracking::Off);
    account.reserve_staged(delta(1000, 1000)).unwrap();
    add_file(&account, 1, 1000);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    assert_eq!(stored(&provider, bob.id), (0, 0));

    let alice = add(provider.as_ref(), "alice", |_| ());
    for (tracking, expected) in [(Tracking::Limited, (0, 0)), (Tracking::All, (5, 1))] {
        let manager = UsageManager::new(provider.clone(), tracking);
        add_file(&manager.account(&alice.effective()).unwrap(), 1, 5);
        assert_eq!(stored(&provider, alice.id), expected, "{tracking:?}");
    }
}

#[test]
fn one_limit_leaves_the_other_figure_free() {
    let provider = Arc::new(MemoryProvider::new());
    let manager = UsageManager::new(provider.clone(), Tracking::Limited);
    let bytes = add(provider.as_ref(), "bytes", |draft| draft.quota_size = 10);
    let files = add(provider.as_ref(), "files", |draft| draft.quota_files = 10);
    let bytes = manager.account(&bytes.effective()).unwrap();
    bytes.reserve_staged(delta(10, 1000)).unwrap();
    assert!(bytes.reserve_staged(delta(1, 0)).is_err());
    let files = manager.account(&files.effective()).unwrap();
    files.reserve_staged(delta(1 << 40, 10)).unwrap();
    assert!(files.reserve_staged(delta(0, 1)).is_err());
}

#[test]
fn a_count_replaces_both_figures_and_knows_what_changed_behind_the_walk() {
    let (provider, _, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    add_file(&account, 1, 40);
    account.reserve_staged(delta(5, 1)).unwrap();
    let mut count = Rescan::begin(Arc::clone(&account));
    count.saw(FileId::new(1, 1), 30);
    count.saw(FileId::new(1, 2), 20);
    // One by its second name, one that is gone when the walk has passed, one that appears behind it.
    count.saw(FileId::new(1, 2), 20);
    count.saw(FileId::new(1, 3), 9);
    let gone = FileChange {
        file_id: FileId::new(1, 3),
        before: Some(9),
        after: None,
    };
    account.commit(account.record(gone)).unwrap();
    let reserved = account.reserve(file(4, 7)).unwrap();
    assert_eq!(count.finish(None, false).unwrap(), ScanOutcome::Exact);
    drop(count);
    // The upload that is not under its name is in the use and in no count; one that goes on is committed later.
    assert_eq!(used(&account), (62, 4));
    assert_eq!(stored(&provider, bob.id), (50, 2));
    account.commit(reserved).unwrap();
    assert_eq!(stored(&provider, bob.id), (57, 3));
}

#[test]
fn a_count_during_which_directories_move_changes_nothing() {
    let (provider, _, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    add_file(&account, 1, 40);
    let mut count = Rescan::begin(Arc::clone(&account));
    count.saw(FileId::new(1, 9), 1);
    account.tree_changed();
    assert_eq!(count.finish(None, false).unwrap(), ScanOutcome::TreeMoved);
    assert_eq!(used(&account), (40, 1));
    assert_eq!(stored(&provider, bob.id), (40, 1));
}

#[test]
fn a_user_is_dirty_from_the_first_change_to_the_end_of_the_last_session() {
    let (provider, manager, account) = limited(Tracking::All);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    let dirty = || provider.dirty_users().unwrap();
    assert_eq!(dirty(), []);
    drop(account.lock_namespace());
    assert_eq!(dirty(), [bob.id]);
    let second = manager.account(&bob.effective()).unwrap();
    drop(account);
    assert_eq!(dirty(), [bob.id]);
    drop(second);
    assert_eq!(dirty(), []);

    // Left over from a run that was killed: until the files are counted.
    provider.set_dirty(bob.id, true).unwrap();
    assert_eq!(manager.left_dirty().unwrap(), [bob.id]);
    drop(manager.account(&bob.effective()).unwrap());
    assert_eq!(dirty(), [bob.id]);
    manager.rescanned(bob.id);
    drop(manager.account(&bob.effective()).unwrap());
    assert_eq!(dirty(), []);
}

#[test]
fn nothing_is_marked_for_who_is_not_tracked() {
    let (provider, _, account) = limited(Tracking::Off);
    drop(account.lock_namespace());
    assert_eq!(provider.dirty_users().unwrap(), []);
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
