//! A ledger that is written a little later, by a writer that all sessions share.

use std::{sync::Arc, time::Duration};

use sftpgo_core::{
    filesystem::FileId,
    provider::{PageStart, Place, SortBy, UserQuery},
    quota::{LedgerWriter, QuotaAccount},
    usage::FileChange,
};
use sftpgo_test_support::{Service, wait_for};

/// Longer than any test runs: what is written meanwhile was not waited for.
const MUCH_LATER: Duration = Duration::from_secs(3600);

fn limited() -> Service {
    Service::with_bob(|draft| draft.quota_size = 1000)
}

fn writer(server: &Service, within: Duration) -> LedgerWriter {
    LedgerWriter::start(Arc::clone(&server.usage), within).unwrap()
}

fn account_of_bob(server: &Service) -> Arc<QuotaAccount> {
    server.usage.account(&server.bob().effective()).unwrap()
}

fn stored(server: &Service) -> i64 {
    server.stored_usage().0
}

/// What REST shows, asked for in each of the ways.
fn shown(server: &Service) -> i64 {
    let listed = server
        .accounts
        .list(&UserQuery::default())
        .unwrap()
        .remove(0);
    let by_id = server.accounts.by_id(listed.id).unwrap();
    assert_eq!(by_id.usage, listed.usage);
    let by_name = server.accounts.by_name("bob").unwrap();
    assert_eq!(by_name.usage, listed.usage);
    listed.usage.size
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
    let server = limited();
    let writer = writer(&server, MUCH_LATER);
    let account = account_of_bob(&server);
    add_file(&account, 1, 40);
    add_file(&account, 2, 2);
    assert_eq!((stored(&server), shown(&server)), (0, 42));
    // Until then a crash is noticed.
    assert_eq!(server.provider.dirty_users().unwrap(), [server.bob().id]);
    drop(writer);
    assert_eq!((stored(&server), shown(&server)), (42, 42));
    assert!(server.usage.write_behind_usage().is_empty());
    add_file(&account, 3, 8);
    assert_eq!(stored(&server), 50);
}

#[test]
fn a_page_goes_on_behind_what_is_stored_of_its_last_user() {
    let server = limited();
    let writer = writer(&server, MUCH_LATER);
    for name in ["alice", "carol"] {
        sftpgo_test_support::add(server.provider.as_ref(), name, |_| {});
    }
    let account = account_of_bob(&server);
    add_file(&account, 1, 42);
    let by_size = UserQuery {
        limit: 2,
        sort_by: SortBy::UsedSize,
        ..UserQuery::default()
    };
    let first = server.accounts.page(&by_size).unwrap();
    let sizes = first.users.iter().map(|user| user.usage.size);
    assert_eq!(sizes.collect::<Vec<_>>(), [0, 42]);
    let behind_bob = Place {
        value: 0,
        username: "bob".to_owned(),
    };
    assert_eq!(first.next, Some(PageStart::After(behind_bob)));
    drop(writer);
    let page = |start, limit| {
        let query = UserQuery {
            start,
            limit,
            ..by_size.clone()
        };
        server.accounts.page(&query).unwrap()
    };
    let last = page(first.next.unwrap(), 2);
    let names: Vec<_> = last.users.iter().map(|user| &user.username).collect();
    // By now bob has as much as is shown.
    assert_eq!(names, ["carol", "bob"]);
    assert_eq!(last.next, None);
    // A page of nobody says whether there is somebody.
    assert!(page(PageStart::default(), 0).next.is_some());
    assert!(page(PageStart::Offset(3), 0).next.is_none());
}

#[test]
fn the_last_session_of_a_user_writes_what_is_put_off() {
    let server = limited();
    let _writer = writer(&server, MUCH_LATER);
    let (account, second) = (account_of_bob(&server), account_of_bob(&server));
    add_file(&account, 1, 40);
    drop(account);
    assert_eq!((stored(&server), second.status().size_used), (0, 40));
    drop(second);
    assert_eq!((stored(&server), shown(&server)), (40, 40));
    assert_eq!(server.provider.dirty_users().unwrap(), []);
    assert_eq!(account_of_bob(&server).status().size_used, 40);
}

#[test]
fn the_writer_writes_while_sessions_go_on() {
    let server = limited();
    let _writer = writer(&server, Duration::ZERO);
    let account = account_of_bob(&server);
    for number in 1..=20 {
        add_file(&account, number, 1);
        wait_for("what was added to be stored", || {
            stored(&server) == i64::try_from(number).unwrap()
        });
    }
    assert_eq!(shown(&server), 20);
}

#[test]
fn a_user_who_is_deleted_leaves_nothing_to_write() {
    let server = limited();
    let writer = writer(&server, MUCH_LATER);
    let account = account_of_bob(&server);
    add_file(&account, 1, 40);
    server.provider.delete_user(server.bob().id).unwrap();
    drop(writer);
    assert!(server.usage.write_behind_usage().is_empty());
}
