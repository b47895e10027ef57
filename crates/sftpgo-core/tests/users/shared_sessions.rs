//! Several servers that share a store: sessions are limited over all of them.

use std::{thread, time::Duration};

use sftpgo_core::{
    ErrorKind,
    event::Events,
    provider::{ClusterStore, NodeId},
    registry::Connections,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, LedgerState, add, wait_for};

use crate::shared::{limited, shared};

#[test]
fn sessions_are_limited_over_all_servers() {
    let (provider, bob) = shared();
    let server =
        |number| Connections::of_server(Events::default(), provider.clone(), NodeId(number));
    let (one, two) = (server(1), server(2));
    let first = one.log_in(&bob, &bob.effective()).unwrap();
    let second = two.log_in(&bob, &bob.effective()).unwrap();
    for server in [&one, &two] {
        let refused = server.log_in(&bob, &bob.effective()).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::LimitReached);
    }
    assert_eq!((one.login_count(), two.login_count()), (1, 1));
    drop(first);
    let third = two.log_in(&bob, &bob.effective()).unwrap();
    assert!(one.log_in(&bob, &bob.effective()).is_err());
    drop((second, third));
    drop((
        one.log_in(&bob, &bob.effective()).unwrap(),
        one.log_in(&bob, &bob.effective()).unwrap(),
    ));
}

#[test]
fn a_session_that_ended_while_the_store_was_away_is_given_back_later() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = limited(&provider.stored);
    let server =
        |number| Connections::of_server(Events::default(), provider.clone(), NodeId(number));
    let (one, two) = (server(1), server(2));
    let both = (
        one.log_in(&bob, &bob.effective()).unwrap(),
        one.log_in(&bob, &bob.effective()).unwrap(),
    );
    provider.ledger_is(LedgerState::Down);
    drop(both);
    assert!(one.log_in(&bob, &bob.effective()).is_err());
    assert_eq!(one.login_count(), 0);
    assert!(one.give_back_ended(&|| Ok(())).is_err());
    provider.ledger_is(LedgerState::Up);
    assert!(two.log_in(&bob, &bob.effective()).is_err());
    one.give_back_ended(&|| Ok(())).unwrap();
    let _again = (
        two.log_in(&bob, &bob.effective()).unwrap(),
        two.log_in(&bob, &bob.effective()).unwrap(),
    );
}

#[test]
fn logins_end_while_the_store_hangs_and_are_given_back_by_one_thread_when_it_answers() {
    let provider = FaultyProvider::new(MemoryProvider::shared());
    let bob = add(provider.stored.as_ref(), "bob", |draft| {
        draft.max_sessions = 4;
    });
    let server =
        |number| Connections::of_server(Events::default(), provider.clone(), NodeId(number));
    let (one, two) = (server(1), server(2));
    let all: Vec<_> = (0..4)
        .map(|_| one.log_in(&bob, &bob.effective()).unwrap())
        .collect();
    let calls = provider.ledger_calls();
    provider.ledger_is(LedgerState::Hanging);
    let connections: Vec<_> = all
        .into_iter()
        .map(|login| thread::spawn(move || drop(login)))
        .collect();
    for connection in connections {
        connection.join().unwrap();
    }
    assert_eq!(one.login_count(), 0);
    assert_eq!(provider.ledger_calls() - calls, 1);
    assert_eq!(provider.stored.sessions(NodeId(1)).unwrap().len(), 4);
    provider.ledger_is(LedgerState::Up);
    wait_for("all to be given back", || {
        provider.stored.sessions(NodeId(1)).unwrap().is_empty()
    });
    two.log_in(&bob, &bob.effective()).unwrap();
}

#[test]
fn a_server_that_was_taken_for_dead_takes_its_sessions_again() {
    let (provider, bob) = shared();
    let one = Connections::of_server(Events::default(), provider.clone(), NodeId(1));
    let _login = one.log_in(&bob, &bob.effective()).unwrap();
    provider.keep_alive(NodeId(1)).unwrap();
    provider.expire_silent(NodeId(2), Duration::ZERO).unwrap();
    provider.reclaim(NodeId(2)).unwrap();
    provider.take_session(NodeId(2), 1, bob.id, 1).unwrap();
    assert!(provider.keep_alive(NodeId(1)).unwrap());
    one.take_again(&|| Ok(())).unwrap();
    assert!(provider.take_session(NodeId(2), 2, bob.id, 2).is_err());
}

#[test]
fn a_session_that_the_store_alone_knows_is_given_back() {
    let (provider, bob) = shared();
    let one = Connections::of_server(Events::default(), provider.clone(), NodeId(1));
    let _login = one.log_in(&bob, &bob.effective()).unwrap();
    provider.take_session(NodeId(1), 77, bob.id, 2).unwrap();
    one.take_again(&|| Ok(())).unwrap();
    one.give_back_ended(&|| Ok(())).unwrap();
    assert_eq!(provider.sessions(NodeId(1)).unwrap().len(), 1);
}
