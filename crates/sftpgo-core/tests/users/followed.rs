//! A server that had the store for itself, and is followed by another while its sessions go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sftpgo_core::{
    Error, ErrorKind, StoredUser,
    cluster::Heartbeat,
    event::Events,
    ledger::MemoryJournal,
    provider::{ClusterStore, NodeId, QuotaLedger, Users},
    quota::{LedgerWriter, Tracking, UsageManager},
    registry::Connections,
    storage_usage::StorageUsage,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::FaultyProvider;

use crate::shared::{add_file, change, limited, manager};

fn alone() -> (Arc<MemoryProvider>, StoredUser) {
    let provider = Arc::new(MemoryProvider::new());
    let bob = limited(provider.as_ref());
    (provider, bob)
}

fn share(provider: &Arc<MemoryProvider>, manager: &UsageManager) {
    let store = provider.clone().begin_sharing().unwrap();
    manager.begin_sharing(store).unwrap();
}

fn stored(provider: &MemoryProvider, bob: &StoredUser) -> (i64, i64) {
    let usage = provider.usage(bob.id).unwrap();
    (usage.size, usage.files.into())
}

#[test]
fn what_running_operations_have_taken_the_next_server_does_not_give_away() {
    let (provider, bob) = alone();
    let old = manager(&provider);
    let here = old.account(&bob.effective()).unwrap();
    add_file(&here, 1, 3000).unwrap();
    let running = here.reserve(change(2, None, Some(4000))).unwrap();
    share(&provider, &old);
    let new = manager(&provider);
    let there = new.account(&bob.effective()).unwrap();
    let refused = add_file(&there, 3, 3001).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::QuotaExceeded);
    thread::sleep(Duration::from_millis(150));
    add_file(&there, 3, 2999).unwrap();
    // The old one has to ask as well.
    let refused = here.reserve(change(4, None, Some(2))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::QuotaExceeded);
    here.commit(running).unwrap();
    assert_eq!(stored(&provider, &bob), (9999, 3));
    drop((here, there));
    assert_eq!(stored(&provider, &bob), (9999, 3));
    assert!(provider.dirty_users().unwrap().is_empty());
    provider.reclaim(NodeId(1)).unwrap();
    assert!(provider.users_to_rescan(NodeId(1)).unwrap().is_empty());
}

#[test]
fn who_was_deleted_while_a_session_still_ends_does_not_hold_up_the_others() {
    let (provider, bob) = alone();
    let old = manager(&provider);
    let ending = old.account(&bob.effective()).unwrap();
    add_file(&ending, 1, 100).unwrap();
    let running = ending.reserve(change(2, None, Some(50))).unwrap();
    provider.delete_user(bob.id).unwrap();
    share(&provider, &old);
    let nobody = ending.commit(running).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    drop(ending);
    assert!(provider.dirty_users().unwrap().is_empty());
}

#[test]
fn the_limit_is_reached_and_not_passed_while_the_store_becomes_a_shared_one() {
    for _ in 0..20 {
        let (provider, bob) = alone();
        let old = manager(&provider);
        let writer = LedgerWriter::start(Arc::clone(&old), Duration::from_millis(5)).unwrap();
        let (made, next) = (AtomicI64::new(0), AtomicU64::new(0));
        let fill = |manager: &Arc<UsageManager>, most: i64| {
            let account = manager.account(&bob.effective()).unwrap();
            while made.load(Ordering::SeqCst) < most
                && add_file(&account, next.fetch_add(1, Ordering::Relaxed), 1).is_ok()
            {
                made.fetch_add(1, Ordering::SeqCst);
            }
        };
        thread::scope(|scope| {
            let _keeps = scope.spawn(|| fill(&old, i64::MAX));
            scope.spawn(|| {
                // Sessions come and go meanwhile.
                for most in 0..30 {
                    fill(&old, most);
                }
            });
            share(&provider, &old);
            let new = manager(&provider);
            let fill = &fill;
            scope.spawn(move || fill(&new, i64::MAX));
        });
        drop(writer);
        assert_eq!(made.into_inner(), 40);
        assert_eq!(stored(&provider, &bob), (40, 40));
        assert!(provider.dirty_users().unwrap().is_empty());
    }
}

#[test]
fn sessions_that_there_are_count_for_the_next_server() {
    let (provider, bob) = alone();
    let server = NodeId(1);
    let old = Connections::of_server(Events::default(), provider.clone(), server);
    let quotas = UsageManager::of_server(
        provider.clone(),
        Tracking::All,
        server,
        Arc::new(MemoryJournal::default()),
    );
    let first = old.log_in(&bob, &bob.effective()).unwrap();
    share(&provider, &quotas);
    old.begin_sharing(provider.clone(), server);
    Heartbeat::of(&old, &quotas).unwrap().send().unwrap();
    let new = Connections::of_server(Events::default(), provider.clone(), NodeId(2));
    let _second = new.log_in(&bob, &bob.effective()).unwrap();
    for refuses in [&old, &new] {
        let refused = refuses.log_in(&bob, &bob.effective()).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::LimitReached);
    }
    drop(first);
    let _third = new.log_in(&bob, &bob.effective()).unwrap();
    assert!(old.log_in(&bob, &bob.effective()).is_err());
}

#[test]
fn wherever_the_change_is_cut_off_the_user_stays_dirty_and_it_can_go_on() {
    let mut fails_at = 0;
    let is_done = AtomicBool::new(false);
    while !is_done.load(Ordering::Relaxed) {
        let (calls, is_armed) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let hook = {
            let (calls, is_armed) = (Arc::clone(&calls), Arc::clone(&is_armed));
            move |_: &str| {
                let is_armed = is_armed.load(Ordering::Relaxed);
                if is_armed && calls.fetch_add(1, Ordering::Relaxed) == fails_at {
                    return Err(Error::new(ErrorKind::Unavailable, "cut off"));
                }
                Ok(())
            }
        };
        let provider = FaultyProvider::with_hook(MemoryProvider::new(), hook);
        let bob = limited(&provider.stored);
        let manager = UsageManager::new(provider.clone(), Tracking::All);
        let account = manager.account(&bob.effective()).unwrap();
        add_file(&account, 1, 100).unwrap();
        let running = account.reserve(change(2, None, Some(50))).unwrap();
        let store = provider.clone().begin_sharing().unwrap();
        is_armed.store(true, Ordering::Relaxed);
        let begun = manager.begin_sharing(store.clone());
        is_armed.store(false, Ordering::Relaxed);
        is_done.store(begun.is_ok(), Ordering::Relaxed);

        // As a start after a kill finds it: nobody is known, so whoever has a share is to be rescanned.
        let has_mark = !provider.stored.dirty_users().unwrap().is_empty();
        let observer = NodeId(1);
        store
            .begin_share(observer, bob.id, StorageUsage::default(), false)
            .unwrap();
        let has_share = !store.begin_rescan(observer, bob.id).unwrap().is_alone;
        assert!(store.end_share(observer, bob.id).unwrap());
        assert!(has_mark || has_share, "call {fails_at}");

        manager.begin_sharing(store).unwrap();
        account.commit(running).unwrap();
        drop(account);
        assert_eq!(stored(&provider.stored, &bob), (150, 2), "call {fails_at}");
        fails_at += 1;
    }
    assert!(fails_at > 3, "{fails_at}");
}
