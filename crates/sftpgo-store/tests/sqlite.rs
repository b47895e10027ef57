//! What holds for the SQLite provider beyond the contract: its file, and faults.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::PathBuf,
    thread,
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use sftpgo_core::{
    ErrorKind, Permissions, StoredUser, UserId,
    provider::{Health, NameFilter, PageStart, QuotaLedger, SortBy, UserQuery, Users},
    storage_usage::Usage,
    user::UserFilters,
};
use sftpgo_store::{ConnectOptions, DatabaseProvider, StoreConfig};
use tempfile::TempDir;

fn config(directory: &TempDir) -> StoreConfig {
    StoreConfig {
        connect_options: ConnectOptions::Sqlite(directory.path().join("users.db")),
        pool_size: 2,
    }
}

fn raw(directory: &TempDir) -> SqliteConnection {
    let path = directory.path().join("users.db");
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

fn user(username: &str) -> StoredUser {
    StoredUser {
        id: UserId(0),
        enabled: true,
        username: username.to_owned(),
        expiration_date: 0,
        password: Some("hash".to_owned()),
        public_keys: vec!["ssh-ed25519 AAAA".to_owned()],
        home_dir: PathBuf::from("/srv/home"),
        uid: 0,
        gid: 0,
        max_sessions: 0,
        quota_size: 0,
        quota_files: 0,
        permissions: Permissions::all(),
        upload_bandwidth: 0,
        download_bandwidth: 0,
        filters: UserFilters::default(),
        spent_steps: 0,
        usage: Usage::default(),
        last_login: 0,
    }
}

fn refusal(config: &StoreConfig) -> sftpgo_core::Error {
    DatabaseProvider::open(config).err().unwrap()
}

#[test]
fn only_the_owner_can_read_a_new_database() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    provider.add_user(&user("bob")).unwrap();
    for file in fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[test]
fn users_are_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let bob = DatabaseProvider::open(&config(&directory))
        .unwrap()
        .add_user(&user("bob"))
        .unwrap();
    let again = DatabaseProvider::open(&config(&directory)).unwrap();
    assert!(again.user_by_name("bob").unwrap().unwrap() == bob);
}

#[test]
fn names_that_mean_something_to_sqlite_are_plain_files() {
    let names: [&[u8]; 4] = [
        b":memory:",
        b"file:x?mode=memory",
        b"a b%20c#d",
        b"\xff\xfe",
    ];
    for name in names {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(OsStr::from_bytes(name));
        let config = StoreConfig {
            connect_options: ConnectOptions::Sqlite(path.clone()),
            pool_size: 0,
        };
        DatabaseProvider::open(&config)
            .unwrap()
            .add_user(&user("bob"))
            .unwrap();
        assert!(path.metadata().unwrap().len() > 0, "{path:?}");
        let again = DatabaseProvider::open(&config).unwrap();
        assert!(again.user_by_name("bob").unwrap().is_some(), "{path:?}");
    }
}

#[test]
fn a_path_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    for path in [
        directory.path().to_owned(),
        directory.path().join("missing/users.db"),
    ] {
        let error = refusal(&StoreConfig {
            connect_options: ConnectOptions::Sqlite(path.clone()),
            pool_size: 0,
        });
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_file_that_is_no_database_is_an_error_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.db");
    let text = "this is not a database, but somebody wants to keep it\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = refusal(&config(&directory));
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_failing_database_is_never_an_unknown_user() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    raw(&directory)
        .batch_execute("ALTER TABLE users RENAME TO elsewhere")
        .unwrap();
    let query = UserQuery::default();
    for outcome in [
        provider.check(),
        provider.user_by_name("bob").map(drop),
        provider.user_by_id(bob.id).map(drop),
        provider.list_users(&query).map(drop),
        provider.add_user(&bob).map(drop),
        provider.update_user(&bob),
        provider.replace_password_hash(bob.id, "x", "y").map(drop),
        provider.delete_user(bob.id),
        provider.record_login(bob.id, 1),
        provider.usage(bob.id).map(drop),
        provider.set_usage(bob.id, Usage::default()),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    raw(&directory)
        .batch_execute("ALTER TABLE elsewhere RENAME TO users")
        .unwrap();
    provider.check().unwrap();
    assert!(provider.user_by_name("bob").unwrap().unwrap() == bob);
}

#[test]
fn a_database_that_is_gone_is_not_replaced_by_an_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    let (here, away) = (
        directory.path().join("users.db"),
        directory.path().join("away.db"),
    );
    fs::rename(&here, &away).unwrap();
    let error = provider.user_by_name("bob").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!here.exists());
    fs::rename(&away, &here).unwrap();
    assert!(provider.user_by_name("bob").unwrap().is_none());
}

#[test]
fn two_servers_on_one_file_wait_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let first = DatabaseProvider::open(&config(&directory)).unwrap();
    let second = DatabaseProvider::open(&config(&directory)).unwrap();
    let bob = first.add_user(&user("bob")).unwrap();
    thread::scope(|scope| {
        for (number, provider) in [&first, &second].into_iter().cycle().take(16).enumerate() {
            scope.spawn(move || {
                for round in 0..10 {
                    provider.record_login(bob.id, 1).unwrap();
                    provider
                        .add_user(&user(&format!("user-{number}-{round}")))
                        .unwrap();
                }
            });
        }
    });
    let everybody = UserQuery::default();
    assert_eq!(second.list_users(&everybody).unwrap().len(), 161);
}

#[test]
fn a_row_that_cannot_be_read_in_full_gives_a_user_who_may_do_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    let good = "permissions = '[\"*\"]', public_keys = NULL, home_dir = '/srv', quota_size = 0, \
                max_sessions = 0, uid = 0, expiration_date = 0";
    for flaw in [
        "permissions = ''",
        "permissions = '[]'",
        "permissions = '[\"list\",\"everything\"]'",
        "permissions = '{\"/\":[\"*\"]}'",
        "permissions = 'null'",
        "public_keys = '{}'",
        "public_keys = '[1]'",
        "home_dir = 'relative'",
        "home_dir = ''",
        "quota_size = -1",
        "max_sessions = -1",
        "uid = -5",
        "expiration_date = -1",
    ] {
        raw(&directory)
            .batch_execute(&format!("UPDATE users SET {good}; UPDATE users SET {flaw}"))
            .unwrap();
        let read = provider.user_by_id(bob.id).unwrap().unwrap();
        assert!(!read.enabled, "{flaw}");
        assert_eq!(read.permissions, Permissions::empty(), "{flaw}");
        // It does not keep the server from starting either.
        DatabaseProvider::open(&config(&directory)).unwrap();
    }
    raw(&directory)
        .batch_execute(&format!("UPDATE users SET {good}, status = 1"))
        .unwrap();
    let read = provider.user_by_id(bob.id).unwrap().unwrap();
    assert!(read.enabled);
    assert_eq!(read.permissions, Permissions::all());
}

#[test]
fn a_longer_name_than_other_databases_take_is_found_and_changed() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    provider.add_user(&user("bob")).unwrap();
    let long = "b".repeat(300);
    raw(&directory)
        .batch_execute(&format!("UPDATE users SET username = '{long}'"))
        .unwrap();
    let stored = provider.user_by_name(&long).unwrap().unwrap();
    for name in [
        NameFilter::Is(long.clone()),
        NameFilter::BeginsWith("b".repeat(299)),
    ] {
        let query = UserQuery {
            name: Some(name),
            ..UserQuery::default()
        };
        assert_eq!(provider.list_users(&query).unwrap().len(), 1);
    }
    let mut changed = stored.clone();
    changed.quota_files = 5;
    assert!(provider.change_user(&stored, &changed).unwrap());
    let mut renamed = changed.clone();
    renamed.username = "c".repeat(300);
    let refused = provider.change_user(&changed, &renamed).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[test]
fn a_row_that_cannot_be_read_at_all_hides_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    provider.add_user(&user("alice")).unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    provider.add_user(&user("carol")).unwrap();
    let run = |sql: &str| raw(&directory).batch_execute(sql).unwrap();
    run("CREATE TABLE saved AS SELECT * FROM users WHERE username = 'bob'");
    for column in ["permissions", "password", "public_keys", "home_dir"] {
        run(&format!(
            "UPDATE users SET {column} = x'ff00fe' WHERE username = 'bob'"
        ));
        let error = provider.user_by_name("bob").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains(column), "{error}");
        for sort_by in [SortBy::Username, SortBy::LastLogin] {
            let query = |start, limit| UserQuery {
                start,
                limit,
                sort_by,
                ..UserQuery::default()
            };
            let names = |query| {
                let listed = provider.list_users(&query).unwrap();
                let names = listed.into_iter().map(|user| user.username);
                names.collect::<Vec<_>>()
            };
            for limit in [2, 3] {
                let first = query(PageStart::default(), limit);
                assert_eq!(names(first), ["alice", "carol"], "{sort_by:?}, {limit}");
            }
            let after = PageStart::after_name("alice");
            assert_eq!(names(query(after, 1)), ["carol"], "{sort_by:?}");
        }
        DatabaseProvider::open(&config(&directory)).unwrap();
        run("REPLACE INTO users SELECT * FROM saved");
        assert!(provider.user_by_name("bob").unwrap().unwrap() == bob);
    }
}

#[test]
fn only_the_status_one_is_enabled() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&config(&directory)).unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    for (status, enabled) in [(0, false), (1, true), (2, false), (-1, false)] {
        raw(&directory)
            .batch_execute(&format!("UPDATE users SET status = {status}"))
            .unwrap();
        let read = provider.user_by_id(bob.id).unwrap().unwrap();
        assert_eq!(read.enabled, enabled, "{status}");
    }
}

#[test]
fn nobody_among_many_finds_the_database_locked() {
    const THREADS: usize = 32;
    const EACH: usize = 25;
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&StoreConfig {
        pool_size: 0,
        ..config(&directory)
    })
    .unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    let everybody = UserQuery::default();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        // Somebody who looks after the file meanwhile, and writes to it.
        scope.spawn(|| {
            let mut raw = raw(&directory);
            raw.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                for sql in [
                    "UPDATE users SET last_login = 2",
                    "PRAGMA wal_checkpoint(TRUNCATE)",
                ] {
                    raw.batch_execute(sql).unwrap();
                    thread::sleep(std::time::Duration::from_millis(5));
                }
            }
        });
        let working: Vec<_> = (0..THREADS)
            .map(|number| {
                let (provider, everybody) = (&provider, &everybody);
                scope.spawn(move || {
                    for round in 0..EACH {
                        // As a login and an upload do.
                        provider.user_by_name("bob").unwrap().unwrap();
                        provider.record_login(bob.id, 1).unwrap();
                        provider.set_dirty(bob.id, true).unwrap();
                        provider.set_usage(bob.id, Usage::default()).unwrap();
                        provider.set_dirty(bob.id, false).unwrap();
                        let added = provider
                            .add_user(&user(&format!("u{number}-{round}")))
                            .unwrap();
                        provider.list_users(everybody).unwrap();
                        provider.delete_user(added.id).unwrap();
                    }
                })
            })
            .collect();
        let ended: Vec<_> = working.into_iter().map(|thread| thread.join()).collect();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        for thread in ended {
            thread.unwrap();
        }
    });
    assert_eq!(provider.list_users(&everybody).unwrap().len(), 1);
}

#[test]
fn who_finds_all_connections_busy_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let provider = DatabaseProvider::open(&StoreConfig {
        pool_size: 1,
        ..config(&directory)
    })
    .unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    let mut other = raw(&directory);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| provider.record_login(bob.id, 1));
        // Until that has the connection.
        let error = loop {
            if let Err(error) = provider.user_by_name("bob") {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error
                .message()
                .contains("all 1 connections to the database were busy"),
            "{error}"
        );
        other.batch_execute("COMMIT").unwrap();
        waiting.join().unwrap().unwrap();
    });
}
