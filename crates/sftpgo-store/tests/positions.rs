//! Pages far into a long list, while users come and go through two servers.
#![cfg(feature = "database")]
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod common;

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
common::on_each!(pages_are_exact_on_a_server);

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn pages_are_exact_on_a_server(kind: sftpgo_databases::Kind) {
    pages_are_exact(&Place::server(kind));
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
