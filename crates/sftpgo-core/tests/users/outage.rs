//! The ledger goes away and comes back while files change.

use std::{sync::Arc, thread, time::Duration};

use sftpgo_core::{
    StoredUser, cluster,
    filesystem::FileId,
    ledger::{DirtyJournal, MemoryJournal},
    provider::{NodeId, QuotaLedger},
    quota::{LedgerWriter, QuotaAccount, Rescan, ScanOutcome, Tracking, UsageManager},
    usage::FileChange,
};
use sftpgo_store::MemoryProvider;

use crate::{
    common::add,
    flaky::{Flaky, Mood},
};

struct World {
    provider: Arc<Flaky>,
    journal: Arc<MemoryJournal>,
    book: Arc<UsageManager>,
    bob: StoredUser,
}

/// Both kinds of store, with a user who may have 1000 bytes.
fn worlds() -> [World; 2] {
    [MemoryProvider::new(), MemoryProvider::shared()].map(|stored| {
        let provider = Flaky::new(stored);
        let bob = add(provider.stored.as_ref(), "bob", |draft| {
            draft.quota_size = 1000
        });
        let journal = Arc::new(MemoryJournal::default());
        let book = book(&provider, &journal);
        World {
            provider,
            journal,
            book,
            bob,
        }
    })
}

fn book(provider: &Arc<Flaky>, journal: &Arc<MemoryJournal>) -> Arc<UsageManager> {
    let server = NodeId::random();
    UsageManager::of_server(provider.clone(), Tracking::All, server, journal.clone())
}

impl World {
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
        LedgerWriter::start(Arc::clone(&self.book), Duration::from_millis(5)).unwrap()
    }

    fn wait_until_stored(&self, size: i64) {
        while self.stored_size() != size {
            thread::yield_now();
        }
    }
}

#[test]
fn sessions_go_on_within_the_limit_and_all_is_written_afterwards() {
    for world in worlds() {
        let _writer = world.writer();
        let account = world.book.account(&world.bob.effective()).unwrap();
        world.provider.is(Mood::Down);
        world.add_file(&account, 1, 600).unwrap();
        world.add_file(&account, 2, 300).unwrap();
        assert!(world.add_file(&account, 3, 101).is_err());
        assert_eq!(world.journal.users().unwrap(), [world.bob.id]);
        assert_eq!(world.book.unwritten_usage()[&world.bob.id].size, 900);
        world.provider.is(Mood::Well);
        world.wait_until_stored(900);
        assert_eq!(world.journal.users().unwrap(), []);
        world.add_file(&account, 3, 100).unwrap();
        drop(account);
        // The writer may have the account just then, and writes it itself.
        world.wait_until_stored(1000);
    }
}

#[test]
fn what_the_last_session_left_is_written_without_another() {
    for world in worlds() {
        let _writer = world.writer();
        let account = world.book.account(&world.bob.effective()).unwrap();
        world.add_file(&account, 1, 100).unwrap();
        world.wait_until_stored(100);
        world.provider.is(Mood::Down);
        world.add_file(&account, 2, 300).unwrap();
        drop(account);
        assert_eq!(world.stored_size(), 100);
        world.provider.is(Mood::Well);
        world.wait_until_stored(400);
        while !world.book.unwritten_usage().is_empty() {
            thread::yield_now();
        }
    }
}

#[test]
fn who_only_the_journal_knows_of_is_counted_after_a_crash() {
    for world in worlds() {
        let account = world.book.account(&world.bob.effective()).unwrap();
        world.provider.is(Mood::Down);
        world.add_file(&account, 1, 100).unwrap();
        drop(account);

        let restarted = book(&world.provider, &world.journal);
        world.provider.is(Mood::Well);
        let mut dirty = restarted.left_dirty().unwrap();
        dirty.extend(cluster::users_to_count(&restarted).unwrap());
        assert_eq!(dirty, [world.bob.id]);
        let is_needed = || {
            let to_count = cluster::users_to_count(&restarted).unwrap();
            restarted.is_count_needed(world.bob.id) || to_count == [world.bob.id]
        };
        assert!(is_needed());
        // A session that comes and goes before the count changes nothing of that.
        drop(
            restarted
                .account(&world.bob.effective())
                .unwrap()
                .lock_namespace(),
        );
        assert!(is_needed());
        let account = restarted.account(&world.bob.effective()).unwrap();
        account.begin_count().unwrap();
        let counted = Rescan::begin(account).finish(None, false).unwrap();
        assert_eq!(counted, ScanOutcome::Exact);
        restarted.counted(world.bob.id);
        drop(restarted.account(&world.bob.effective()).unwrap());
        assert!(!is_needed());
        assert_eq!(world.journal.users().unwrap(), []);
    }
}

#[test]
fn a_user_who_is_gone_leaves_the_journal() {
    for world in worlds() {
        world.journal.add(world.bob.id).unwrap();
        world.book.left_dirty().unwrap();
        world.book.forget(world.bob.id);
        assert_eq!(world.journal.users().unwrap(), []);
        assert!(!world.book.is_count_needed(world.bob.id));
    }
}
