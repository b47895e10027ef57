//! Nodes that expire, rightly or not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sftpgo_core::{
    UserId, cluster,
    cluster::{HEARTBEAT_INTERVAL, Heartbeat},
    event::Events,
    provider::{ClusterStore, NodeId, QuotaLedger},
    quota::{Tracking, UsageManager},
    registry::Connections,
    storage_usage::{StorageUsage, Usage},
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, LedgerState};

use crate::shared::{add_file, change, limited, manager, shared};

/// Does what a node does that has reclaimed the share of an expired one, when its rescan finds `files` in `size` bytes.
fn rescan_for_expired(provider: &MemoryProvider, id: UserId, size: i64, files: i32) {
    const HEIR: NodeId = NodeId(2);
    provider.expire_silent(HEIR, Duration::ZERO).unwrap();
    provider.reclaim(HEIR).unwrap();
    assert_eq!(provider.users_to_rescan(HEIR).unwrap(), [id]);
    assert!(provider.begin_rescan(HEIR, id).unwrap().is_alone);
    let usage = Usage {
        size,
        files,
        updated_at: 1,
    };
    let none = StorageUsage::default();
    assert!(
        provider
            .replace_usage(HEIR, id, usage, none, false)
            .unwrap()
    );
    assert!(provider.end_share(HEIR, id).unwrap());
}

#[test]
fn what_a_node_went_on_with_after_it_expired_is_rescanned() {
    for end in [80, 5000] {
        let (provider, bob) = shared();
        let one = manager(&provider);
        let (store, server) = one.cluster().unwrap();
        store.keep_alive(server).unwrap();
        let here = one.account(&bob.effective()).unwrap();
        let mut delta = here.reserve(change(1, None, Some(30))).unwrap();
        rescan_for_expired(&provider, bob.id, 30, 1);
        store.keep_alive(server).unwrap();
        thread::sleep(Duration::from_millis(150));
        delta += here.reserve(change(1, Some(30), Some(end))).unwrap();
        here.commit(delta).unwrap();
        drop(here);
        assert_eq!(cluster::users_to_rescan(&one).unwrap(), [bob.id], "{end}");
    }
}

#[test]
fn a_node_that_expired_says_again_whose_files_may_change() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let (_, server) = manager.cluster().unwrap();
    let connections = Connections::of_server(Events::default(), provider.clone(), server);
    let heartbeat = Heartbeat::of(&connections, &manager).unwrap();
    heartbeat.send().unwrap();
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 1, 10).unwrap();
    // That it was forgotten is not lost with an answer.
    for state in [LedgerState::Up, LedgerState::AnswersLost] {
        rescan_for_expired(&provider.stored, bob.id, 10, 1);
        provider.ledger_is(state);
        assert_eq!(heartbeat.send().is_ok(), state == LedgerState::Up);
        provider.ledger_is(LedgerState::Up);
        heartbeat.send().unwrap();
        assert_eq!(cluster::users_to_rescan(&manager).unwrap(), [bob.id]);
    }
    // What it had told before does not count twice.
    add_file(&account, 2, 5).unwrap();
    let usage = provider.stored.usage(bob.id).unwrap();
    assert_eq!((usage.size, usage.files), (15, 2));
}

#[test]
fn a_rescan_does_not_hide_that_the_share_was_lost() {
    let (provider, bob) = shared();
    let one = manager(&provider);
    let (store, server) = one.cluster().unwrap();
    store.keep_alive(server).unwrap();
    let account = one.account(&bob.effective()).unwrap();
    add_file(&account, 1, 10).unwrap();
    rescan_for_expired(&provider, bob.id, 10, 1);
    assert!(account.begin_rescan().unwrap().unwrap().is_due);
    // The walk fails.
    add_file(&account, 2, 5).unwrap();
    drop(account);
    let usage = provider.usage(bob.id).unwrap();
    assert_eq!((usage.size, usage.files), (15, 2));
    assert_eq!(cluster::users_to_rescan(&one).unwrap(), [bob.id]);
}

#[test]
fn who_is_to_be_rescanned_stays_so_until_that_is_done() {
    let (provider, bob) = shared();
    let manager = manager(&provider);
    provider
        .begin_share(NodeId(9), bob.id, StorageUsage::default(), false)
        .unwrap();
    let (store, server) = manager.cluster().unwrap();
    store.keep_alive(server).unwrap();
    for _ in 0..2 {
        store.reclaim(server).unwrap();
        // A session that comes and goes changes nothing of that.
        drop(manager.account(&bob.effective()).unwrap().lock_namespace());
        assert_eq!(store.users_to_rescan(server).unwrap(), [bob.id]);
    }
}

/// A node whose clock a test moves, and whose store remembers how often the node had others expire.
struct Node {
    provider: Arc<FaultyProvider>,
    heartbeat: Heartbeat,
    seconds: Arc<AtomicU64>,
    expired: Arc<AtomicUsize>,
}

impl Node {
    fn new() -> Self {
        let (seconds, expired) = (Arc::<AtomicU64>::default(), Arc::<AtomicUsize>::default());
        let calls = Arc::clone(&expired);
        let provider = FaultyProvider::with_hook(MemoryProvider::shared(), move |call| {
            calls.fetch_add(usize::from(call == "expire_silent"), Ordering::SeqCst);
            Ok(())
        });
        let usage = UsageManager::new(provider.clone(), Tracking::All);
        let (_, node) = usage.cluster().unwrap();
        let connections = Connections::of_server(Events::default(), provider.clone(), node);
        let (start, passed) = (Instant::now(), Arc::clone(&seconds));
        let now = move || start + Duration::from_secs(passed.load(Ordering::SeqCst));
        Self {
            heartbeat: Heartbeat::with_clock(&connections, &usage, now).unwrap(),
            provider,
            seconds,
            expired,
        }
    }

    /// Sends heartbeats for so many seconds, and says how many of them had others expire.
    fn go_on_for(&self, seconds: u64) -> usize {
        let before = self.expired.load(Ordering::SeqCst);
        for _ in 0..seconds / HEARTBEAT_INTERVAL.as_secs() {
            self.seconds
                .fetch_add(HEARTBEAT_INTERVAL.as_secs(), Ordering::SeqCst);
            let _ = self.heartbeat.send();
        }
        self.expired.load(Ordering::SeqCst) - before
    }
}

#[test]
fn a_node_that_has_just_started_has_nobody_expire() {
    let node = Node::new();
    node.heartbeat.send().unwrap();
    assert_eq!(node.go_on_for(15), 0);
    assert_eq!(node.go_on_for(30), 10);
}

#[test]
fn after_the_store_was_away_nobody_expires_until_others_could_be_heard_again() {
    let node = Node::new();
    node.heartbeat.send().unwrap();
    assert!(node.go_on_for(30) > 0);
    for (away, is_gap) in [(6, false), (9, true), (600, true)] {
        node.provider.ledger_is(LedgerState::Down);
        assert_eq!(node.go_on_for(away), 0);
        node.provider.ledger_is(LedgerState::Up);
        // Its own next heartbeat is another 3 seconds later.
        assert_eq!(node.go_on_for(3), usize::from(!is_gap), "{away}");
        assert_eq!(node.go_on_for(15), if is_gap { 0 } else { 5 }, "{away}");
        assert_eq!(node.go_on_for(3), 1, "{away}");
    }
}
