//! Room that is asked of the ledger ahead, while nobody waits for the answer.

use std::{sync::Arc, thread};

use sftpgo_core::{
    Error, ErrorKind, Result, UserId,
    ledger::DirtyJournal,
    provider::NodeId,
    quota::{QuotaAccount, Tracking, UsageManager},
    storage_usage::UsageDelta,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, LedgerState};

use crate::shared::{change, limited};

fn wait(account: &Arc<QuotaAccount>, delta: UsageDelta) {
    while let Some(wait) = account.wait_for_headroom(delta) {
        thread::sleep(wait);
    }
}

#[test]
fn whoever_can_come_back_does_not_wait_for_a_ledger_that_hangs() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    drop(account.lock_namespace());
    let new = change(1, None, Some(100));
    provider.ledger_is(LedgerState::Hanging);
    for _ in 0..3 {
        assert!(account.wait_for_headroom(new.delta()).is_some());
    }
    // Whatever needs no room does not wait for that.
    assert_eq!(account.wait_for_headroom(UsageDelta::default()), None);
    provider.ledger_is(LedgerState::Up);
    wait(&account, new.delta());
    // The answer is known then.
    let calls = provider.ledger_calls();
    account.reserve(new).unwrap();
    let shorter = change(1, Some(100), Some(10));
    assert_eq!(account.wait_for_headroom(shorter.delta()), None);
    account.reserve(shorter).unwrap();
    assert_eq!(provider.ledger_calls(), calls);
}

#[test]
fn that_there_is_no_room_is_not_asked_again_by_who_comes_back() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let managers = [(); 2].map(|()| UsageManager::new(provider.clone(), Tracking::All));
    let [here, there] = managers
        .each_ref()
        .map(|manager| manager.account(&bob.effective()).unwrap());
    here.reserve(change(1, None, Some(9000))).unwrap();
    let new = change(2, None, Some(5000));
    assert!(there.wait_for_headroom(new.delta()).is_some());
    wait(&there, new.delta());
    let calls = provider.ledger_calls();
    let refused = there.reserve(new).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(provider.ledger_calls(), calls);
    // Less may fit.
    there.reserve(change(3, None, Some(10))).unwrap();
}

#[test]
fn where_the_ledger_is_this_servers_alone_nothing_is_asked() {
    let provider = FaultyProvider::new(MemoryProvider::new());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    for size in [1, 1_000_000] {
        let new = change(1, None, Some(size));
        assert_eq!(account.wait_for_headroom(new.delta()), None);
    }
}

#[test]
fn whoever_can_come_back_does_not_wait_until_the_user_is_marked() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    provider.ledger_is(LedgerState::Hanging);
    for _ in 0..3 {
        assert!(account.wait_for_headroom(UsageDelta::default()).is_some());
    }
    provider.ledger_is(LedgerState::Up);
    wait(&account, UsageDelta::default());
    let calls = provider.ledger_calls();
    drop(account.lock_namespace());
    assert_eq!(account.wait_for_headroom(UsageDelta::default()), None);
    assert_eq!(provider.ledger_calls(), calls);
}

/// A journal on a disk that is full.
struct Full;

impl DirtyJournal for Full {
    fn users(&self) -> Result<Vec<UserId>> {
        Ok(Vec::new())
    }

    fn add(&self, _: UserId) -> Result<()> {
        Err(Error::new(ErrorKind::StorageFull, "the disk is full"))
    }

    fn remove(&self, _: UserId) -> Result<()> {
        Ok(())
    }
}

#[test]
fn that_nobody_takes_the_mark_is_not_tried_again_by_who_comes_back() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::of_server(
        provider.clone(),
        Tracking::All,
        NodeId::random(),
        Arc::new(Full),
    );
    let account = manager.account(&bob.effective()).unwrap();
    provider.ledger_is(LedgerState::Down);
    for delta in [UsageDelta::default(), change(1, None, Some(9000)).delta()] {
        assert!(account.wait_for_headroom(delta).is_some());
        // Comes to an end.
        wait(&account, delta);
        let calls = provider.ledger_calls();
        drop(account.lock_namespace());
        assert_eq!(provider.ledger_calls(), calls);
        thread::sleep(std::time::Duration::from_millis(300));
    }
    // Later it is.
    provider.ledger_is(LedgerState::Up);
    wait(&account, UsageDelta::default());
    drop(account.lock_namespace());
    assert_eq!(account.wait_for_headroom(UsageDelta::default()), None);
}
