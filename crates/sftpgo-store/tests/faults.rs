//! Databases that go and come back.
#![cfg(any(feature = "postgres", feature = "mysql"))]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

use std::{thread, time::Instant};

use common::{on_each, place_of, took_too_long, user};
use sftpgo_core::{
    ErrorKind, Result, StoredUser,
    provider::{Health, Users},
};
use sftpgo_databases::{Kind, Server};
use sftpgo_store::{DatabaseProvider, StoreConfig};
use sftpgo_test_support::PATIENCE;

on_each!(
    one_that_was_restarted_is_used_as_if_nothing_had_been,
    one_that_is_gone_is_unavailable_until_it_is_back,
    one_that_is_frozen_keeps_nobody_for_ever,
    what_was_given_up_is_not_done_later,
);

const USERS: usize = 4;

fn opened(kind: Kind) -> (Server, DatabaseProvider) {
    let (server, _, provider) = opened_by_name(kind);
    (server, provider)
}

/// With the name of the database.
fn opened_by_name(kind: Kind) -> (Server, String, DatabaseProvider) {
    let server = Server::start(kind);
    let database = server.make_database();
    let place = place_of(&server, &database);
    let provider = DatabaseProvider::open(&StoreConfig {
        connect_options: place,
        pool_size: USERS as u32,
    })
    .unwrap();
    // A database that has just started on a busy machine may not have taken the first connections in time.
    until_it_works(|| provider.add_user(&user("bob")).map(drop));
    // All connections are there, and none is used.
    until_it_works(|| all_at_once(&provider).into_iter().collect());
    (server, database, provider)
}

fn until_it_works(work: impl Fn() -> Result<()>) {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = work() {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(Instant::now() < until, "{error}");
    }
}

fn ask(provider: &DatabaseProvider) -> Result<()> {
    provider
        .user_by_name("bob")
        .map(|found| assert!(found.is_some()))
}

fn all_at_once(provider: &DatabaseProvider) -> Vec<Result<()>> {
    thread::scope(|scope| {
        let asking: Vec<_> = (0..USERS).map(|_| scope.spawn(|| ask(provider))).collect();
        asking
            .into_iter()
            .map(|asking| asking.join().unwrap())
            .collect()
    })
}

fn one_that_was_restarted_is_used_as_if_nothing_had_been(kind: Kind) {
    let (server, provider) = opened(kind);
    server.stop();
    server.start_again();
    // No connection that the server closed is handed out; opening new ones may take its time on a busy machine.
    until_it_works(|| {
        all_at_once(&provider)
            .into_iter()
            .find_map(Result::err)
            .map_or(Ok(()), |error| {
                assert!(took_too_long(&error), "{error}");
                Err(error)
            })
    });
}

fn one_that_is_gone_is_unavailable_until_it_is_back(kind: Kind) {
    let (server, provider) = opened(kind);
    server.stop();
    for outcome in all_at_once(&provider) {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let error = provider.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error
            .message()
            .starts_with("the database cannot be reached: "),
        "{error}"
    );
    server.start_again();
    until_it_works(|| ask(&provider));
    provider.add_user(&user("alice")).unwrap();
}

fn one_that_is_frozen_keeps_nobody_for_ever(kind: Kind) {
    let (server, provider) = opened(kind);
    server.freeze();
    for outcome in all_at_once(&provider) {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    server.thaw();
    until_it_works(|| ask(&provider));
}

fn what_was_given_up_is_not_done_later(kind: Kind) {
    let (server, database, provider) = opened_by_name(kind);
    let bob = provider.user_by_name("bob").unwrap().unwrap();
    let renamed = StoredUser {
        username: "dave".to_owned(),
        ..bob.clone()
    };
    // Connections that were used a moment ago are not asked whether they are still there, so the calls begin.
    for outcome in all_at_once(&provider) {
        outcome.unwrap();
    }
    server.freeze();
    thread::scope(|scope| {
        let calls = [
            scope.spawn(|| provider.add_user(&user("carol")).map(drop)),
            scope.spawn(|| provider.change_user(&bob, &renamed).map(drop)),
            scope.spawn(|| provider.delete_user(bob.id)),
        ];
        for call in calls {
            let error = call.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.message().contains("did not answer"), "{error}");
        }
    });
    server.thaw();
    // It waits for the calls to come to their ends.
    drop(provider);
    let names = server.sql(&database, "SELECT username FROM users");
    assert_eq!(names.trim(), "bob");
}
