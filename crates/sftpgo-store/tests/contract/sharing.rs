//! What a store that several servers use promises besides.

use std::{sync::Arc, thread, time::Duration};

use sftpgo_core::{
    ErrorKind, Provider, UserId,
    provider::{ClusterStore, NodeId, Report, Share},
    storage_usage::{StorageUsage, Usage},
};

use super::user;

const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(i64::MAX);
const NOBODY: UserId = UserId(4711);

fn shared(provider: &Arc<dyn Provider>) -> Arc<dyn ClusterStore> {
    Arc::clone(provider).begin_sharing().unwrap()
}

fn amount(size: i64, files: i64) -> StorageUsage {
    StorageUsage {
        size: size.into(),
        files,
    }
}

/// Of what has ended, by a user who may have 1000 bytes in 100 files.
fn contributed(size: i64, files: i64) -> Report {
    Report {
        contributed: amount(size, files),
        in_motion: amount(0, 0),
        wanted: amount(0, 0),
        limits: amount(1000, 100),
        at: 5,
    }
}

pub(crate) fn what_servers_report_adds_up_and_counts_once(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    let alice = provider.add_user(&user("alice")).unwrap();
    for server in [ONE, TWO] {
        store.begin_share(server, bob, amount(0, 0), false).unwrap();
        store.begin_share(server, bob, amount(0, 0), true).unwrap();
    }
    assert_eq!(store.share(ONE, bob).unwrap(), Share::default());
    for (server, report, expected) in [
        (ONE, contributed(100, 1), (100, 1)),
        (ONE, contributed(100, 1), (100, 1)),
        (TWO, contributed(50, 2), (150, 3)),
        (ONE, contributed(90, 0), (140, 2)),
        // What another server has not reported yet may be gone already.
        (TWO, contributed(-200, -5), (-110, -5)),
        (ONE, contributed(250, 6), (50, 1)),
    ] {
        let answer = store.report(server, bob, &report).unwrap();
        assert_eq!(answer.usage, amount(expected.0, expected.1), "{report:?}");
        assert_eq!(answer.contributed, report.contributed);
        assert!(!answer.was_lost);
    }
    let expected = Usage {
        size: 50,
        files: 1,
        updated_at: 5,
    };
    assert_eq!(provider.usage(bob).unwrap(), expected);
    let share = store.share(TWO, bob).unwrap();
    assert_eq!(share.contributed, amount(-200, -5));
    assert_eq!(store.users_to_rescan(ONE).unwrap(), []);
    assert!(provider.user_by_name("alice").unwrap().unwrap() == alice);
}

pub(crate) fn what_one_server_reserves_no_other_gets(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    let reserve = |server, in_motion: i64, wanted: i64| {
        let report = Report {
            in_motion: amount(in_motion, 0),
            wanted: amount(wanted, 1),
            ..contributed(0, 0)
        };
        let answer = store.report(server, bob, &report).unwrap();
        (answer.reserved.size, answer.reserved_by_others.size)
    };
    store.begin_share(ONE, bob, amount(0, 0), false).unwrap();
    store.begin_share(TWO, bob, amount(0, 0), false).unwrap();
    assert_eq!(reserve(ONE, 100, 500), (600, 0));
    assert_eq!(reserve(TWO, 0, 500), (400, 600));
    assert_eq!(store.share(ONE, bob).unwrap().reserved_by_others.size, 400);
    assert_eq!(reserve(ONE, 100, 0), (100, 400));
    assert_eq!(reserve(TWO, 0, 2000), (900, 100));
    assert!(store.end_share(TWO, bob).unwrap());
    assert!(store.end_share(TWO, bob).unwrap());
    assert_eq!(reserve(ONE, 0, 2000), (1000, 0));
}

pub(crate) fn no_report_is_lost_among_many_threads(provider: &Arc<dyn Provider>) {
    const SERVERS: i64 = 8;
    const EACH: i64 = 20;
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    thread::scope(|scope| {
        for server in (1..=SERVERS).map(NodeId) {
            scope.spawn(move || {
                store.begin_share(server, bob, amount(0, 0), false).unwrap();
                let mut answer = Share::default();
                for number in 1..=EACH {
                    let report = Report {
                        wanted: amount(100, 0),
                        ..contributed(number, 1)
                    };
                    answer = store.report(server, bob, &report).unwrap();
                    let taken = answer
                        .usage
                        .plus(answer.reserved)
                        .plus(answer.reserved_by_others);
                    assert!(taken.size <= 1000, "{answer:?}");
                }
                answer
            });
        }
    });
    let usage = provider.usage(bob).unwrap();
    assert_eq!((usage.size, usage.files), (SERVERS * EACH, 8));
}

pub(crate) fn no_figure_stays_below_zero(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    for server in [ONE, TWO] {
        store.begin_share(server, bob, amount(0, 0), false).unwrap();
        store.report(server, bob, &contributed(-10, -1)).unwrap();
    }
    let usage = || {
        let usage = provider.usage(bob).unwrap();
        (usage.size, usage.files, usage.updated_at)
    };
    store.end_share(ONE, bob).unwrap();
    assert_eq!(usage(), (-20, -2, 5));
    store.end_share(TWO, bob).unwrap();
    assert_eq!(usage(), (0, 0, 5));
}

const COUNTED: Usage = Usage {
    size: 500,
    files: 5,
    updated_at: 9,
};

pub(crate) fn a_count_replaces_what_was_reported_so_far(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.begin_share(ONE, bob, amount(0, 0), false).unwrap();
    store.report(ONE, bob, &contributed(30, 3)).unwrap();
    let counting = store.begin_rescan(ONE, bob).unwrap();
    assert!(counting.is_alone && !counting.is_due);
    let exact = store.replace_usage(ONE, bob, COUNTED, amount(40, 4), false);
    assert!(exact.unwrap());
    assert_eq!(provider.usage(bob).unwrap(), COUNTED);
    let answer = store.report(ONE, bob, &contributed(50, 5)).unwrap();
    assert_eq!(answer.usage, amount(510, 6));
    assert!(store.end_share(ONE, bob).unwrap());
    // Whoever did not say that it begins is not trusted.
    let exact = store.replace_usage(ONE, bob, COUNTED, amount(0, 0), false);
    assert!(!exact.unwrap());
    assert_eq!(store.users_to_rescan(ONE).unwrap(), [bob]);
}

pub(crate) fn a_count_is_trusted_when_no_other_server_had_a_share(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    let alice = provider.add_user(&user("alice")).unwrap().id;
    let is_exact = |disturb: &dyn Fn()| {
        store.begin_rescan(ONE, bob).unwrap();
        disturb();
        let exact = store.replace_usage(ONE, bob, COUNTED, amount(0, 0), false);
        exact.unwrap()
    };
    assert!(is_exact(&|| store
        .begin_share(TWO, alice, amount(0, 0), false)
        .unwrap()));
    assert!(!is_exact(&|| {
        store.begin_share(TWO, bob, amount(0, 0), false).unwrap();
        store.end_share(TWO, bob).unwrap();
    }));
    assert_eq!(store.users_to_rescan(ONE).unwrap(), [bob]);
    // Nothing is stored of it unless that is wanted all the same.
    let elsewhere = Usage { size: 7, ..COUNTED };
    let is_stored = |even_roughly| {
        store
            .replace_usage(ONE, bob, elsewhere, amount(0, 0), even_roughly)
            .unwrap();
        provider.usage(bob).unwrap() == elsewhere
    };
    assert!(!is_stored(false));
    assert!(is_stored(true));
    assert!(!is_exact(&|| {
        store.report(TWO, bob, &contributed(1, 1)).unwrap();
    }));
    // The other one is there from the beginning on.
    assert!(!store.begin_rescan(ONE, bob).unwrap().is_alone);
    assert!(!is_exact(&|| ()));
    store.end_share(ONE, bob).unwrap();
    store.begin_rescan(TWO, bob).unwrap();
    let exact = store.replace_usage(TWO, bob, COUNTED, amount(0, 0), false);
    assert!(exact.unwrap());
    assert_eq!(store.users_to_rescan(TWO).unwrap(), []);
}

pub(crate) fn a_count_that_is_due_is_not_forgotten(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.begin_share(ONE, bob, amount(0, 0), true).unwrap();
    assert_eq!(store.users_to_rescan(ONE).unwrap(), [bob]);
    assert!(!store.end_share(ONE, bob).unwrap());
    assert!(store.begin_rescan(ONE, bob).unwrap().is_due);
    // Whoever stays has to do it.
    store.begin_share(TWO, bob, amount(0, 0), false).unwrap();
    assert!(store.end_share(ONE, bob).unwrap());
    assert_eq!(store.users_to_rescan(ONE).unwrap(), []);
    assert_eq!(store.users_to_rescan(TWO).unwrap(), [bob]);
    assert!(!store.end_share(TWO, bob).unwrap());
    store.begin_rescan(TWO, bob).unwrap();
    let exact = store.replace_usage(TWO, bob, COUNTED, amount(0, 0), false);
    assert!(exact.unwrap());
    assert!(store.end_share(TWO, bob).unwrap());
    // What a server has brought in already is not added once more.
    store.begin_share(ONE, bob, amount(30, 3), true).unwrap();
    let answer = store.report(ONE, bob, &contributed(40, 3)).unwrap();
    assert_eq!(answer.usage, amount(510, 5));
    store.begin_rescan(ONE, bob).unwrap();
    let exact = store.replace_usage(ONE, bob, COUNTED, amount(0, 0), false);
    assert!(exact.unwrap());
    store.end_share(ONE, bob).unwrap();
    // One that begins when it has is no late one.
    store.begin_share(ONE, bob, amount(0, 0), false).unwrap();
    store.begin_share(ONE, bob, amount(0, 0), true).unwrap();
    assert_eq!(store.users_to_rescan(ONE).unwrap(), []);
}

/// Reclaims everything for `server`, and returns whose homes are to be rescanned then.
fn reclaim(store: &dyn ClusterStore, server: NodeId) -> Vec<UserId> {
    while store.reclaim(server).unwrap() {}
    let mut due = store.users_to_rescan(server).unwrap();
    due.sort_unstable();
    due
}

pub(crate) fn shares_of_the_dead_are_taken_over(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let [bob, alice, carol] =
        ["bob", "alice", "carol"].map(|name| provider.add_user(&user(name)).unwrap().id);
    assert!(store.keep_alive(ONE).unwrap());
    assert!(!store.keep_alive(ONE).unwrap());
    assert!(store.keep_alive(TWO).unwrap());
    for (server, id) in [(ONE, bob), (ONE, alice), (TWO, alice), (TWO, carol)] {
        store.begin_share(server, id, amount(0, 0), false).unwrap();
    }
    store.report(TWO, alice, &contributed(7, 1)).unwrap();
    store.report(ONE, alice, &contributed(5, 1)).unwrap();
    store.take_session(ONE, 1, bob, 1).unwrap();
    store.expire_silent(TWO, Duration::from_secs(3600)).unwrap();
    assert_eq!(reclaim(store, TWO), []);
    assert!(store.take_session(TWO, 1, bob, 1).is_err());
    store.expire_silent(TWO, Duration::ZERO).unwrap();
    assert_eq!(reclaim(store, TWO), [bob, alice]);
    assert_eq!(reclaim(store, TWO), [bob, alice]);

    // The sessions of the expired node are free, and its own share goes on.
    store.take_session(TWO, 1, bob, 1).unwrap();
    assert_eq!(store.share(TWO, alice).unwrap().contributed, amount(7, 1));
    // It had not ended: what it does from now on counts, and what it did is rescanned.
    assert!(store.keep_alive(ONE).unwrap());
    let late = store.report(ONE, alice, &contributed(9, 2)).unwrap();
    assert!(late.was_lost);
    assert_eq!(late.usage, amount(12, 2));
    let next = store.report(ONE, alice, &contributed(10, 2)).unwrap();
    assert!(!next.was_lost);
    assert_eq!(next.usage, amount(13, 2));
    assert_eq!(store.users_to_rescan(ONE).unwrap(), [alice]);
}

pub(crate) fn any_number_of_shares_is_taken_over(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let all: Vec<UserId> = (0..230)
        .map(|number| {
            let user = user(&format!("u{number}"));
            provider.add_user(&user).unwrap().id
        })
        .collect();
    for id in &all {
        store.begin_share(ONE, *id, amount(0, 0), false).unwrap();
    }
    assert_eq!(reclaim(store, TWO), all);
}

pub(crate) fn who_leaves_leaves_nothing_but_what_is_dirty(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.keep_alive(ONE).unwrap();
    store.take_session(ONE, 1, bob, 1).unwrap();
    store.begin_share(ONE, bob, amount(0, 0), false).unwrap();
    store.leave(ONE).unwrap();
    store.take_session(TWO, 1, bob, 1).unwrap();
    assert_eq!(reclaim(store, TWO), [bob]);
    store.begin_rescan(TWO, bob).unwrap();
    let exact = store.replace_usage(TWO, bob, COUNTED, amount(0, 0), false);
    assert!(exact.unwrap());
    store.end_share(TWO, bob).unwrap();
    store.leave(TWO).unwrap();
    assert_eq!(reclaim(store, ONE), []);
}

pub(crate) fn a_server_can_take_its_sessions_again(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.take_session(ONE, 1, bob, 1).unwrap();
    // Those of a server that is not known are gone then.
    reclaim(store, TWO);
    assert!(store.sessions(ONE).unwrap().is_empty());
    store.take_session(TWO, 1, bob, 1).unwrap();
    for _ in 0..2 {
        let again = [(1, bob), (2, bob), (3, NOBODY)];
        store.take_sessions_again(ONE, &again).unwrap();
    }
    let mut sessions = store.sessions(ONE).unwrap();
    sessions.sort_unstable();
    assert_eq!(sessions, [1, 2]);
    assert_eq!(store.sessions(TWO).unwrap(), [1]);
    assert!(store.take_session(TWO, 2, bob, 3).is_err());
}

pub(crate) fn a_session_may_be_taken_and_taken_again_at_once(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    for number in 0..50 {
        thread::scope(|scope| {
            let taken = scope.spawn(move || store.take_session(ONE, number, bob, 0));
            let again = scope.spawn(move || store.take_sessions_again(ONE, &[(number, bob)]));
            taken.join().unwrap().unwrap();
            again.join().unwrap().unwrap();
        });
    }
    assert_eq!(store.sessions(ONE).unwrap().len(), 50);
}

pub(crate) fn sessions_are_limited_over_all_servers(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    let alice = provider.add_user(&user("alice")).unwrap().id;
    store.take_session(ONE, 1, bob, 2).unwrap();
    store.take_session(ONE, 1, bob, 2).unwrap();
    store.take_session(TWO, 1, bob, 2).unwrap();
    for server in [ONE, TWO] {
        let refused = store.take_session(server, 2, bob, 2).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LimitReached, "{refused}");
    }
    store.take_session(TWO, 3, alice, 1).unwrap();
    store.take_session(ONE, 4, bob, 0).unwrap();
    store.give_back_sessions(ONE, &[1, 4, 5]).unwrap();
    store.give_back_sessions(ONE, &[]).unwrap();
    store.take_session(ONE, 6, bob, 2).unwrap();
    assert!(store.take_session(ONE, 7, bob, 2).is_err());
}

pub(crate) fn of_many_who_race_for_the_last_session_one_wins(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    let won: usize = thread::scope(|scope| {
        let racing: Vec<_> = (0..16)
            .map(|number| {
                let server = if number % 2 == 0 { ONE } else { TWO };
                scope.spawn(move || match store.take_session(server, number, bob, 1) {
                    Ok(()) => 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
                        0
                    }
                })
            })
            .collect();
        racing.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
}

pub(crate) fn of_a_user_who_is_gone_nothing_is_left(provider: &Arc<dyn Provider>) {
    let store = &*shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.keep_alive(ONE).unwrap();
    store.begin_share(ONE, bob, amount(0, 0), true).unwrap();
    store.take_session(ONE, 1, bob, 0).unwrap();
    provider.delete_user(bob).unwrap();
    store.begin_share(ONE, NOBODY, amount(0, 0), true).unwrap();
    assert_eq!(store.users_to_rescan(ONE).unwrap(), []);
    assert_eq!(reclaim(store, TWO), []);
    for id in [bob, NOBODY] {
        let outcomes = [
            store.share(ONE, id).map(drop),
            store.report(ONE, id, &contributed(1, 1)).map(drop),
            store.begin_rescan(ONE, id).map(drop),
            store
                .replace_usage(ONE, id, Usage::default(), amount(0, 0), true)
                .map(drop),
            store.take_session(ONE, 2, id, 0),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert!(store.end_share(ONE, id).unwrap());
    }
}
