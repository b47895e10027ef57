//! Several servers that share a store: limits hold on all of them together.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use sftpgo_core::{
    ErrorKind, StoredUser, UserId,
    filesystem::FileId,
    provider::{ClusterStore, NodeId, QuotaLedger},
    quota::{LedgerWriter, QuotaAccount, Tracking, UsageManager},
    storage_usage::StorageUsage,
    usage::FileChange,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, LedgerState, add};

const FILES: i64 = 40;
const BYTES: i64 = 10_000;

/// A file of `after` bytes instead of one of `before`.
pub(crate) fn change(number: u64, before: Option<u64>, after: Option<u64>) -> FileChange {
    FileChange {
        file_id: FileId::new(1, number),
        before,
        after,
    }
}

/// A store, and a user who may have [`BYTES`] in [`FILES`].
pub(crate) fn shared() -> (Arc<MemoryProvider>, StoredUser) {
    let provider = Arc::new(MemoryProvider::shared());
    let bob = limited(provider.as_ref());
    (provider, bob)
}

pub(crate) fn limited(provider: &MemoryProvider) -> StoredUser {
    add(provider, "bob", |draft| {
        draft.quota_size = BYTES;
        draft.quota_files = FILES;
        draft.max_sessions = 2;
    })
}

pub(crate) fn manager(provider: &Arc<MemoryProvider>) -> Arc<UsageManager> {
    UsageManager::new(provider.clone(), Tracking::All)
}

fn writers(managers: &[Arc<UsageManager>], within: Duration) -> Vec<LedgerWriter> {
    let start =
        |manager: &Arc<UsageManager>| LedgerWriter::start(Arc::clone(manager), within).unwrap();
    managers.iter().map(start).collect()
}

fn stored(provider: &MemoryProvider, id: UserId) -> (i64, i64) {
    let usage = provider.usage(id).unwrap();
    (usage.size, usage.files.into())
}

/// Servers that are not known have no share that would be taken over.
fn nothing_is_left(provider: &MemoryProvider) -> bool {
    provider.reclaim(NodeId(1)).unwrap();
    provider.users_to_rescan(NodeId(1)).unwrap().is_empty()
}

/// Has any server a share in the user?
fn has_share(provider: &MemoryProvider, id: UserId) -> bool {
    const OBSERVER: NodeId = NodeId(3);
    provider
        .begin_share(OBSERVER, id, StorageUsage::default(), false)
        .unwrap();
    let is_alone = provider.begin_rescan(OBSERVER, id).unwrap().is_alone;
    assert!(provider.end_share(OBSERVER, id).unwrap());
    !is_alone
}

/// A file appears, and the operation that made it ends.
pub(crate) fn add_file(account: &QuotaAccount, number: u64, size: u64) -> sftpgo_core::Result<()> {
    account.commit(account.reserve(change(number, None, Some(size)))?)
}

#[test]
fn what_one_server_used_another_cannot() {
    let (provider, bob) = shared();
    let (one, two) = (manager(&provider), manager(&provider));
    let (here, there) = (
        one.account(&bob.effective()).unwrap(),
        two.account(&bob.effective()).unwrap(),
    );
    add_file(&here, 1, 6000).unwrap();
    let refused = add_file(&there, 2, 4001).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::QuotaExceeded);
    // Whoever is told so a moment ago is not told anew.
    thread::sleep(Duration::from_millis(150));
    add_file(&there, 2, 4000).unwrap();
    assert_eq!(stored(&provider, bob.id), (10_000, 2));
    assert_eq!(there.status().size_used, 10_000);

    let gone = here.reserve(change(1, Some(6000), None)).unwrap();
    here.commit(gone).unwrap();
    thread::sleep(Duration::from_millis(150));
    add_file(&there, 3, 6000).unwrap();
    drop((here, there));
    assert_eq!(stored(&provider, bob.id), (10_000, 2));
    assert!(nothing_is_left(&provider));
}

#[test]
fn many_who_write_on_several_servers_reach_the_limit_and_do_not_pass_it() {
    let (provider, bob) = shared();
    let managers: Vec<_> = (0..3).map(|_| manager(&provider)).collect();
    let writers = writers(&managers, Duration::from_millis(20));
    let (made, next) = (AtomicI64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for thread in 0..9 {
            let account = managers[thread % managers.len()]
                .account(&bob.effective())
                .unwrap();
            let (made, next) = (&made, &next);
            scope.spawn(move || {
                while add_file(&account, next.fetch_add(1, Ordering::Relaxed), 1).is_ok() {
                    assert!(made.fetch_add(1, Ordering::SeqCst) < FILES);
                }
            });
        }
    });
    drop(writers);
    assert_eq!(made.into_inner(), FILES);
    assert_eq!(stored(&provider, bob.id), (FILES, FILES));
}

#[test]
fn a_report_whose_answer_was_lost_counts_once() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 1, 10).unwrap();
    provider.ledger_is(LedgerState::AnswersLost);
    assert!(add_file(&account, 2, 20).is_err());
    provider.ledger_is(LedgerState::Up);
    add_file(&account, 3, 30).unwrap();
    assert_eq!(stored(&provider.stored, bob.id), (60, 3));
    provider.ledger_is(LedgerState::AnswersLost);
    drop(account);
    provider.ledger_is(LedgerState::Up);
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 4, 40).unwrap();
    drop(account);
    assert_eq!(stored(&provider.stored, bob.id), (100, 4));
}

#[test]
fn a_file_may_go_on_one_server_before_another_says_that_it_came() {
    let (provider, bob) = shared();
    let (one, two) = (manager(&provider), manager(&provider));
    let writer = LedgerWriter::start(Arc::clone(&one), Duration::from_secs(3600)).unwrap();
    let (here, there) = (
        one.account(&bob.effective()).unwrap(),
        two.account(&bob.effective()).unwrap(),
    );
    add_file(&here, 1, 100).unwrap();
    let gone = there.reserve(change(1, Some(100), None)).unwrap();
    there.commit(gone).unwrap();
    drop((here, there, writer));
    assert_eq!(stored(&provider, bob.id), (0, 0));
}

#[test]
fn a_share_whose_end_nobody_heard_of_begins_anew() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 1, 10).unwrap();
    add_file(&account, 2, 10).unwrap();
    provider.ledger_is(LedgerState::AnswersLost);
    drop(account);
    provider.ledger_is(LedgerState::Up);
    let account = manager.account(&bob.effective()).unwrap();
    let gone = account.reserve(change(1, Some(10), None)).unwrap();
    account.commit(gone).unwrap();
    drop(account);
    assert_eq!(stored(&provider.stored, bob.id), (10, 1));
    assert!(nothing_is_left(&provider.stored));
}

#[test]
fn a_share_that_could_not_end_ends_later() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let end = || manager.end_unsure_marks(&|| Ok(()));
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 1, 10).unwrap();
    provider.ledger_is(LedgerState::Down);
    drop(account);
    assert!(end().is_err());
    provider.ledger_is(LedgerState::Up);
    // Not while there is a session, which may still change files; this one does not, and ends nothing.
    let account = manager.account(&bob.effective()).unwrap();
    end().unwrap();
    drop(account);
    assert!(has_share(&provider.stored, bob.id));
    end().unwrap();
    assert!(!has_share(&provider.stored, bob.id));
}

#[test]
fn a_share_that_began_unheard_ends_too() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    provider.ledger_is(LedgerState::AnswersLost);
    assert!(account.begin_rescan().is_err());
    drop(account);
    provider.ledger_is(LedgerState::Up);
    assert!(has_share(&provider.stored, bob.id));
    manager.end_unsure_marks(&|| Ok(())).unwrap();
    assert!(!has_share(&provider.stored, bob.id));
}

#[test]
fn a_share_with_figures_to_write_does_not_end_before() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let manager = UsageManager::new(provider.clone(), Tracking::All);
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 1, 10).unwrap();
    provider.ledger_is(LedgerState::Down);
    assert!(add_file(&account, 2, 20).is_err());
    drop(account);
    provider.ledger_is(LedgerState::Up);
    manager.end_unsure_marks(&|| Ok(())).unwrap();
    let account = manager.account(&bob.effective()).unwrap();
    add_file(&account, 3, 30).unwrap();
    drop(account);
    manager.end_unsure_marks(&|| Ok(())).unwrap();
    assert_eq!(stored(&provider.stored, bob.id), (60, 3));
    assert!(!has_share(&provider.stored, bob.id));
}

#[derive(Debug, Clone)]
enum Step {
    /// Bytes of a file that there may be already.
    Resize(usize, u64, u64),
    Remove(usize, u64),
    /// The running operations of a server end.
    Commit(usize),
    /// All sessions of a server end, and another begins.
    LogInAnew(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let server = 0..3_usize;
    let step = prop_oneof![
        2 => (server.clone(), 0..8_u64, 0..2000_u64).prop_map(|(s, f, n)| Step::Resize(s, f, n)),
        1 => (server.clone(), 0..8_u64).prop_map(|(s, f)| Step::Remove(s, f)),
        2 => server.clone().prop_map(Step::Commit),
        1 => server.prop_map(Step::LogInAnew),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever three servers do in turn, the files never pass the limit, and the ledger knows them all in the end.
    #[test]
    fn any_steps_on_several_servers_stay_within_the_limit(steps in steps()) {
        let (provider, bob) = shared();
        let managers: Vec<_> = (0..3).map(|_| manager(&provider)).collect();
        let writers = writers(&managers, Duration::from_millis(1));
        let log_in = |server: usize| managers[server].account(&bob.effective()).unwrap();
        let mut accounts: Vec<_> = (0..3).map(log_in).collect();
        let mut files: HashMap<u64, u64> = HashMap::new();
        let mut dirty = vec![Vec::new(); 3];
        let commit = |account: &QuotaAccount, deltas: &mut Vec<_>| {
            deltas.drain(..).for_each(|delta| account.commit(delta).unwrap());
        };
        for step in steps {
            let (server, file, after) = match step {
                Step::Resize(server, file, bytes) => (server, file, Some(bytes)),
                Step::Remove(server, file) => (server, file, None),
                Step::Commit(server) => {
                    commit(&accounts[server], &mut dirty[server]);
                    continue;
                }
                Step::LogInAnew(server) => {
                    commit(&accounts[server], &mut dirty[server]);
                    drop(accounts.remove(server));
                    accounts.insert(server, log_in(server));
                    continue;
                }
            };
            // Whichever server made it.
            let change = change(file, files.get(&file).copied(), after);
            if let Ok(delta) = accounts[server].reserve(change) {
                dirty[server].push(delta);
                match after {
                    Some(bytes) => files.insert(file, bytes),
                    None => files.remove(&file),
                };
            }
            prop_assert!(files.values().sum::<u64>() <= BYTES as u64);
        }
        for (account, deltas) in accounts.iter().zip(&mut dirty) {
            commit(account, deltas);
        }
        drop((accounts, writers));
        let truth = (files.values().sum::<u64>() as i64, files.len() as i64);
        prop_assert_eq!(stored(&provider, bob.id), truth);
        prop_assert!(!has_share(&provider, bob.id));
    }
}
