//! Pages far into a long list, while users come and go through two servers.
#![cfg(feature = "database")]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ScopedJoinHandle},
};

use common::{Place, user};
use sftpgo_core::{
    User,
    provider::{Order, UserQuery, Users},
};
use sftpgo_store::DatabaseProvider;

#[test]
#[cfg(feature = "sqlite")]
fn pages_are_exact_in_sqlite() {
    pages_are_exact(&Place::sqlite());
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
common::on_each!(
    pages_are_exact_on_a_server,
    a_page_is_of_one_moment_on_a_server
);

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn pages_are_exact_on_a_server(kind: sftpgo_databases::Kind) {
    pages_are_exact(&Place::server(kind));
}

#[test]
#[cfg(feature = "sqlite")]
fn a_page_is_of_one_moment_in_sqlite() {
    a_page_is_of_one_moment(&Place::sqlite());
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn a_page_is_of_one_moment_on_a_server(kind: sftpgo_databases::Kind) {
    a_page_is_of_one_moment(&Place::server(kind));
}

/// All names, as pages of `limit` say.
fn paged(provider: &DatabaseProvider, order: Order, limit: u32) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let query = UserQuery {
            offset: u32::try_from(names.len()).unwrap(),
            limit,
            order,
            username: None,
        };
        let page = provider.list_users(&query).unwrap();
        if page.is_empty() {
            return names;
        }
        names.extend(page.into_iter().map(|user| user.username));
    }
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
            assert_eq!(paged(provider, Order::Ascending, 97), *expected);
            let mut down = paged(provider, Order::Descending, 201);
            down.reverse();
            assert_eq!(down, *expected);
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
        let renamed = User {
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
        offset,
        limit: 100,
        order: Order::Ascending,
        username: None,
    };
    (0..300)
        .map(|_| provider.list_users(&query).unwrap().len())
        .collect()
}
