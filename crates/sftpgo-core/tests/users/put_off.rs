//! A ledger that is written a little later, by a writer that all sessions share.

use std::{sync::Arc, thread, time::Duration};

use sftpgo_core::{
    StoredUser,
    accounts::Accounts,
    event::Events,
    filesystem::FileId,
    provider::{Order, PageStart, QuotaLedger, UserQuery, Users},
    quota::{LedgerWriter, QuotaAccount, Tracking, UsageManager},
    registry::Connections,
    usage::FileChange,
};
use sftpgo_store::MemoryProvider;

use crate::common::{add, empty};

/// Longer than any test runs: what is written meanwhile was not waited for.
const MUCH_LATER: Duration = Duration::from_secs(3600);

struct World {
    provider: Arc<MemoryProvider>,
    book: Arc<UsageManager>,
    bob: StoredUser,
}

impl World {
    fn new() -> Self {
        let provider = empty();
        let bob = add(provider.as_ref(), "bob", |draft| draft.quota_size = 1000);
        let book = UsageManager::new(provider.clone(), Tracking::All);
        Self {
            provider,
            book,
            bob,
        }
    }

    fn writer(&self, within: Duration) -> LedgerWriter {
        LedgerWriter::start(Arc::clone(&self.book), within).unwrap()
    }

    fn account(&self) -> Arc<QuotaAccount> {
        self.book.account(&self.bob.effective()).unwrap()
    }

    fn stored(&self) -> i64 {
        self.provider.usage(self.bob.id).unwrap().size
    }

    /// What REST shows, asked for in each of the ways.
    fn shown(&self) -> i64 {
        let accounts = Accounts::new(
            self.provider.clone(),
            Connections::new(Events::default()),
            Arc::clone(&self.book),
            Events::default(),
            true,
            None,
        );
        let all = UserQuery {
            start: PageStart::default(),
            limit: 10,
            order: Order::Ascending,
            username: None,
        };
        let listed = accounts.list(&all).unwrap().remove(0).usage;
        assert_eq!(accounts.by_id(self.bob.id).unwrap().usage, listed);
        assert_eq!(accounts.by_name("bob").unwrap().usage, listed);
        listed.size
    }
}

/// A file of this many bytes appears, and the operation that made it ends.
fn add_file(account: &QuotaAccount, number: u64, size: u64) {
    let change = FileChange {
        file_id: FileId::new(1, number),
        before: None,
        after: Some(size),
    };
    account.commit(account.reserve(change).unwrap()).unwrap();
}

#[test]
fn what_is_put_off_is_shown_at_once_and_written_when_the_writer_ends() {
    let world = World::new();
    let writer = world.writer(MUCH_LATER);
    let account = world.account();
    add_file(&account, 1, 40);
    add_file(&account, 2, 2);
    assert_eq!((world.stored(), world.shown()), (0, 42));
    // Until then a crash is noticed.
    assert_eq!(world.provider.dirty_users().unwrap(), [world.bob.id]);
    drop(writer);
    assert_eq!((world.stored(), world.shown()), (42, 42));
    assert!(world.book.unwritten_usage().is_empty());
    add_file(&account, 3, 8);
    assert_eq!(world.stored(), 50);
}

#[test]
fn the_last_session_of_a_user_writes_what_is_put_off() {
    let world = World::new();
    let _writer = world.writer(MUCH_LATER);
    let (account, second) = (world.account(), world.account());
    add_file(&account, 1, 40);
    drop(account);
    assert_eq!((world.stored(), second.status().size_used), (0, 40));
    drop(second);
    assert_eq!((world.stored(), world.shown()), (40, 40));
    assert_eq!(world.provider.dirty_users().unwrap(), []);
    assert_eq!(world.account().status().size_used, 40);
}

#[test]
fn the_writer_writes_while_sessions_go_on() {
    let world = World::new();
    let _writer = world.writer(Duration::ZERO);
    let account = world.account();
    for number in 1..=20 {
        add_file(&account, number, 1);
        while world.stored() < i64::try_from(number).unwrap() {
            thread::yield_now();
        }
    }
    assert_eq!(world.shown(), 20);
}

#[test]
fn a_user_who_is_deleted_leaves_nothing_to_write() {
    let world = World::new();
    let writer = world.writer(MUCH_LATER);
    let account = world.account();
    add_file(&account, 1, 40);
    world.provider.delete_user(world.bob.id).unwrap();
    drop(writer);
    assert!(world.book.unwritten_usage().is_empty());
}
