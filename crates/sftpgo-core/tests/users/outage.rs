//! The ledger goes away and comes back while files change.

use std::{sync::Arc, time::Duration};

use sftpgo_core::{
    StoredUser, cluster,
    filesystem::FileId,
    ledger::{DirtyJournal, MemoryJournal},
    provider::{NodeId, QuotaLedger},
    quota::{LedgerWriter, QuotaAccount, Rescan, ScanOutcome, Tracking, UsageManager},
    usage::FileChange,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, LedgerState, add, wait_for};

/// A server whose ledger may go away.
struct Server {
    provider: Arc<FaultyProvider>,
    journal: Arc<MemoryJournal>,
    usage: Arc<UsageManager>,
    bob: StoredUser,
}

/// Both kinds of store, with a user who may have 1000 bytes.
fn servers() -> [Server; 2] {
    [MemoryProvider::new(), MemoryProvider::shared()].map(|stored| {
        let provider = FaultyProvider::new(stored);
        let bob = add(provider.stored.as_ref(), "bob", |draft| {
            draft.quota_size = 1000
        });
        let journal = Arc::new(MemoryJournal::default());
        let usage = usage(&provider, &journal);
        Server {
            provider,
            journal,
            usage,
            bob,
        }
    })
}

fn usage(provider: &Arc<FaultyProvider>, journal: &Arc<MemoryJournal>) -> Arc<UsageManager> {
    let node = NodeId::random();
    UsageManager::of_server(provider.clone(), Tracking::All, node, journal.clone())
}

impl Server {
    fn add_file(&self, account: &QuotaAccount, number: u64, size: u64) -> sftpgo_core::Result<()> {
        let names = account.lock_namespace();
        let delta = account.reserve(FileChange {
            file_id: FileId::new(1, number),
            before: None,
            after: Some(size),
        })?;
        drop(names);
        // What the ledger does not take is kept.
        let _ = account.commit(delta);
        Ok(())
    }

    fn stored_size(&self) -> i64 {
        self.provider.stored.usage(self.bob.id).unwrap().size
    }

    fn writer(&self) -> LedgerWriter {
        LedgerWriter::start(Arc::clone(&self.usage), Duration::from_millis(5)).unwrap()
    }

    fn wait_until_stored(&self, size: i64) {
        wait_for("the usage to be stored", || self.stored_size() == size);
    }
}

#[test]
fn sessions_go_on_within_the_limit_and_all_is_written_afterwards() {
    for server in servers() {
        let _writer = server.writer();
        let account = server.usage.account(&server.bob.effective()).unwrap();
        server.provider.ledger_is(LedgerState::Down);
        server.add_file(&account, 1, 600).unwrap();
        server.add_file(&account, 2, 300).unwrap();
        assert!(server.add_file(&account, 3, 101).is_err());
        assert_eq!(server.journal.users().unwrap(), [server.bob.id]);
        assert_eq!(server.usage.write_behind_usage()[&server.bob.id].size, 900);
        server.provider.ledger_is(LedgerState::Up);
        server.wait_until_stored(900);
        assert_eq!(server.journal.users().unwrap(), []);
        server.add_file(&account, 3, 100).unwrap();
        drop(account);
        // The writer may have the account just then, and writes it itself.
        server.wait_until_stored(1000);
    }
}

#[test]
fn what_the_last_session_left_is_written_without_another() {
    for server in servers() {
        let _writer = server.writer();
        let account = server.usage.account(&server.bob.effective()).unwrap();
        server.add_file(&account, 1, 100).unwrap();
        server.wait_until_stored(100);
        server.provider.ledger_is(LedgerState::Down);
        server.add_file(&account, 2, 300).unwrap();
        drop(account);
        assert_eq!(server.stored_size(), 100);
        server.provider.ledger_is(LedgerState::Up);
        server.wait_until_stored(400);
        wait_for("everything to be written", || {
            server.usage.write_behind_usage().is_empty()
        });
    }
}

#[test]
fn who_only_the_journal_knows_of_is_counted_after_a_crash() {
    for server in servers() {
        let account = server.usage.account(&server.bob.effective()).unwrap();
        server.provider.ledger_is(LedgerState::Down);
        server.add_file(&account, 1, 100).unwrap();
        drop(account);

        let restarted = usage(&server.provider, &server.journal);
        server.provider.ledger_is(LedgerState::Up);
        let mut dirty = restarted.left_dirty().unwrap();
        dirty.extend(cluster::users_to_rescan(&restarted).unwrap());
        assert_eq!(dirty, [server.bob.id]);
        let is_needed = || {
            let to_count = cluster::users_to_rescan(&restarted).unwrap();
            restarted.needs_rescan(server.bob.id) || to_count == [server.bob.id]
        };
        assert!(is_needed());
        // A session that comes and goes before the count changes nothing of that.
        drop(
            restarted
                .account(&server.bob.effective())
                .unwrap()
                .lock_namespace(),
        );
        assert!(is_needed());
        let account = restarted.account(&server.bob.effective()).unwrap();
        account.begin_rescan().unwrap();
        let counted = Rescan::begin(account).finish(None, false).unwrap();
        assert_eq!(counted, ScanOutcome::Exact);
        restarted.rescanned(server.bob.id);
        drop(restarted.account(&server.bob.effective()).unwrap());
        assert!(!is_needed());
        assert_eq!(server.journal.users().unwrap(), []);
    }
}

#[test]
fn a_user_who_is_gone_leaves_the_journal() {
    for server in servers() {
        server.journal.add(server.bob.id).unwrap();
        server.usage.left_dirty().unwrap();
        server.usage.forget(server.bob.id);
        assert_eq!(server.journal.users().unwrap(), []);
        assert!(!server.usage.needs_rescan(server.bob.id));
    }
}
