//! Pages of a long list, while users come and go through two servers.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ScopedJoinHandle},
};

use common::{Place, user};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use sftpgo_core::{
    StoredUser,
    provider::{Order, PageStart, UserQuery, Users},
};
use sftpgo_store::{DatabaseProvider, MayLose};

#[test]
fn pages_are_exact_in_sqlite() {
    pages_are_exact(&Place::sqlite());
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
common::on_each!(
    pages_are_exact_on_a_server,
    a_page_is_of_one_moment_on_a_server,
    what_older_servers_wrote_down_of_names_goes_on_a_server,
);

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn pages_are_exact_on_a_server(kind: sftpgo_databases::Kind) {
    pages_are_exact(&Place::server(kind));
}

#[test]
fn a_page_is_of_one_moment_in_sqlite() {
    a_page_is_of_one_moment(&Place::sqlite());
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn a_page_is_of_one_moment_on_a_server(kind: sftpgo_databases::Kind) {
    a_page_is_of_one_moment(&Place::server(kind));
}

#[test]
fn what_older_servers_wrote_down_of_names_goes_in_sqlite() {
    what_older_servers_wrote_down_of_names_goes(&Place::sqlite());
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn what_older_servers_wrote_down_of_names_goes_on_a_server(kind: sftpgo_databases::Kind) {
    what_older_servers_wrote_down_of_names_goes(&Place::server(kind));
}

fn what_older_servers_wrote_down_of_names_goes(place: &Place) {
    place.open().unwrap().add_user(&user("bob")).unwrap();
    assert_eq!(tables_of_names(place), 0);
    let name = "2026-11-30-000000_drop_name_changes".to_owned();
    let wanted = sftpgo_store::Reverted::Undone(name);
    // Later ones first.
    let later = 10;
    let undone = (0..later)
        .any(|_| sftpgo_store::revert(&place.config(0), MayLose::default()).unwrap() == wanted);
    assert!(undone);
    assert_eq!(tables_of_names(place), 2);
    // As a server did that knew no more.
    run(
        place,
        "UPDATE name_change_count SET number = 1 WHERE number = 0 AND id = 1",
    );
    run(place, "INSERT INTO name_changes VALUES (1, 'bob', 1)");
    let provider = place.open().unwrap();
    assert_eq!(tables_of_names(place), 0);
    assert_eq!(paged(&provider, Order::Ascending, 500, by_name), ["bob"]);
}

fn tables_of_names(place: &Place) -> usize {
    let has = |table: &&str| match place {
        Place::File(directory) => file(directory)
            .batch_execute(&format!("SELECT 1 FROM {table}"))
            .is_ok(),
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        Place::Server(database) => {
            let schema = match database.kind {
                sftpgo_databases::Kind::Postgres => "CURRENT_SCHEMA()",
                sftpgo_databases::Kind::Mariadb => "DATABASE()",
            };
            let count = format!(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {schema} \
                 AND table_name = '{table}'"
            );
            database.sql(&count).trim() == "1"
        }
    };
    ["name_changes", "name_change_count"]
        .into_iter()
        .filter(has)
        .count()
}

fn run(place: &Place, sql: &str) {
    match place {
        Place::File(directory) => file(directory).batch_execute(sql).unwrap(),
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        Place::Server(database) => drop(database.sql(sql)),
    }
}

fn file(directory: &tempfile::TempDir) -> SqliteConnection {
    let path = directory.path().join("users.db");
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

/// All names, as pages of `limit` say that begin where `next` says, by the names so far.
fn paged(
    provider: &DatabaseProvider,
    order: Order,
    limit: u32,
    next: impl Fn(&[String]) -> PageStart,
) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let query = UserQuery {
            start: next(&names),
            limit,
            order,
            ..UserQuery::default()
        };
        let page = provider.list_users(&query).unwrap();
        if page.is_empty() {
            return names;
        }
        names.extend(page.into_iter().map(|user| user.username));
    }
}

fn by_offset(so_far: &[String]) -> PageStart {
    PageStart::Offset(u32::try_from(so_far.len()).unwrap())
}

fn by_name(so_far: &[String]) -> PageStart {
    so_far
        .last()
        .map_or(PageStart::Offset(0), PageStart::after_name)
}

fn pages_are_exact(place: &Place) {
    let (first, second) = (place.open().unwrap(), place.open().unwrap());
    let mut expected: Vec<String> = (0..1600).map(|number| format!("u{number:04}")).collect();
    for name in &expected {
        first.add_user(&user(name)).unwrap();
    }
    let check = |expected: &mut Vec<String>| {
        expected.sort();
        for provider in [&first, &second] {
            for next in [by_offset, by_name] {
                assert_eq!(paged(provider, Order::Ascending, 97, next), *expected);
                let mut down = paged(provider, Order::Descending, 201, next);
                down.reverse();
                assert_eq!(down, *expected);
            }
        }
    };
    check(&mut expected);
    for (provider, name) in [
        (&first, "a"),
        (&second, "u0800x"),
        (&second, "z"),
        (&first, "u0001x"),
    ] {
        provider.add_user(&user(name)).unwrap();
        expected.push(name.to_owned());
    }
    check(&mut expected);
    for (provider, name) in [
        (&second, "u0000"),
        (&first, "u0250"),
        (&second, "u1599"),
        (&first, "a"),
    ] {
        let gone = provider.user_by_name(name).unwrap().unwrap();
        provider.delete_user(gone.id).unwrap();
        expected.retain(|other| other != name);
    }
    check(&mut expected);
    for (provider, old, new) in [
        (&first, "u1000", "b"),
        (&second, "u0003", "zz"),
        (&second, "u0500", "u0500"),
    ] {
        let renamed = StoredUser {
            username: new.to_owned(),
            max_sessions: 99,
            ..provider.user_by_name(old).unwrap().unwrap()
        };
        provider.update_user(&renamed).unwrap();
        expected.retain(|other| other != old);
        expected.push(new.to_owned());
    }
    // What failed changed nothing.
    first.add_user(&user("b")).unwrap_err();
    check(&mut expected);
}

/// Somebody is the first in the list, then the last, and so on. So the last page has one more than the names between,
/// unless its beginning was looked up before somebody moved and its rows afterwards.
fn a_page_is_of_one_moment(place: &Place) {
    const BETWEEN: u32 = 700;
    const OFFSET: u32 = BETWEEN - 50;
    let (first, second) = (place.open().unwrap(), place.open().unwrap());
    for number in 0..BETWEEN {
        first.add_user(&user(&format!("u{number:04}"))).unwrap();
    }
    let mut mover = first.add_user(&user("a")).unwrap();
    let is_read = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_read.load(Ordering::Relaxed) {
                for name in ["z", "a"] {
                    mover.username = name.to_owned();
                    first.update_user(&mover).unwrap();
                }
            }
        });
        let readers: Vec<_> = [&first, &second, &second]
            .map(|provider| scope.spawn(|| last_page_sizes(provider, OFFSET)))
            .into();
        let sizes: Vec<_> = readers.into_iter().map(ScopedJoinHandle::join).collect();
        is_read.store(true, Ordering::Relaxed);
        for sizes in sizes {
            assert_eq!(sizes.unwrap(), BTreeSet::from([51]));
        }
    });
}

/// How many users pages from there on had, read again and again.
fn last_page_sizes(provider: &DatabaseProvider, offset: u32) -> BTreeSet<usize> {
    let query = UserQuery {
        start: PageStart::Offset(offset),
        limit: 100,
        ..UserQuery::default()
    };
    (0..300)
        .map(|_| provider.list_users(&query).unwrap().len())
        .collect()
}
