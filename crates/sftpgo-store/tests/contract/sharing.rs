//! What a store that several servers use promises besides.

use std::{thread, time::Duration};

use sftpgo_core::{
    ErrorKind, Provider, UserId,
    provider::{Report, ServerId, Share, SharedStore},
    quota::Amount,
    user::Usage,
};

use super::user;

const ONE: ServerId = ServerId(1);
const TWO: ServerId = ServerId(i64::MAX);
const NOBODY: UserId = UserId(4711);

fn shared(provider: &dyn Provider) -> &dyn SharedStore {
    provider.shared().unwrap()
}

fn amount(size: i64, files: i64) -> Amount {
    Amount { size, files }
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

pub(crate) fn what_servers_report_adds_up_and_counts_once(provider: &dyn Provider) {
    let store = shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    let alice = provider.add_user(&user("alice")).unwrap();
    for server in [ONE, TWO] {
        store.begin_share(server, bob).unwrap();
        store.begin_share(server, bob).unwrap();
    }
    assert_eq!(store.share(ONE, bob).unwrap(), Share::default());
    for (server, report, expected) in [
        (ONE, contributed(100, 1), (100, 1)),
        (ONE, contributed(100, 1), (100, 1)),
        (TWO, contributed(50, 2), (150, 3)),
        (ONE, contributed(90, 0), (140, 2)),
        (TWO, contributed(-200, -5), (0, 0)),
        (ONE, contributed(100, 1), (10, 1)),
    ] {
        let answer = store.report(server, bob, &report).unwrap();
        assert_eq!(answer.usage, amount(expected.0, expected.1), "{report:?}");
        assert_eq!(answer.contributed, report.contributed);
        assert!(!answer.was_lost);
    }
    let expected = Usage {
        size: 10,
        files: 1,
        updated_at: 5,
    };
    assert_eq!(provider.usage(bob).unwrap(), expected);
    let share = store.share(TWO, bob).unwrap();
    assert_eq!(share.contributed, amount(-200, -5));
    assert!(provider.user_by_name("alice").unwrap().unwrap() == alice);
}

pub(crate) fn what_one_server_reserves_no_other_gets(provider: &dyn Provider) {
    let store = shared(provider);
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
    store.begin_share(ONE, bob).unwrap();
    store.begin_share(TWO, bob).unwrap();
    assert_eq!(reserve(ONE, 100, 500), (600, 0));
    assert_eq!(reserve(TWO, 0, 500), (400, 600));
    assert_eq!(store.share(ONE, bob).unwrap().reserved_by_others.size, 400);
    assert_eq!(reserve(ONE, 100, 0), (100, 400));
    assert_eq!(reserve(TWO, 0, 2000), (900, 100));
    store.end_share(TWO, bob).unwrap();
    store.end_share(TWO, bob).unwrap();
    assert_eq!(reserve(ONE, 0, 2000), (1000, 0));
}

pub(crate) fn no_report_is_lost_among_many_threads(provider: &dyn Provider) {
    const SERVERS: i64 = 8;
    const EACH: i64 = 20;
    let store = shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    thread::scope(|scope| {
        for server in (1..=SERVERS).map(ServerId) {
            scope.spawn(move || {
                store.begin_share(server, bob).unwrap();
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

pub(crate) fn a_count_replaces_what_was_reported_so_far(provider: &dyn Provider) {
    let store = shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.begin_share(ONE, bob).unwrap();
    store.report(ONE, bob, &contributed(30, 3)).unwrap();
    let counted = Usage {
        size: 500,
        files: 5,
        updated_at: 9,
    };
    store
        .replace_usage(ONE, bob, counted, amount(40, 4))
        .unwrap();
    assert_eq!(provider.usage(bob).unwrap(), counted);
    let answer = store.report(ONE, bob, &contributed(50, 5)).unwrap();
    assert_eq!(answer.usage, amount(510, 6));
    // Without a share that has begun there is nothing to remember.
    store
        .replace_usage(TWO, bob, counted, amount(0, 0))
        .unwrap();
    assert_eq!(store.share(TWO, bob).unwrap().contributed, amount(0, 0));
    assert_eq!(store.take_over(ONE, Duration::ZERO).unwrap(), []);
}

pub(crate) fn shares_of_the_dead_are_taken_over(provider: &dyn Provider) {
    let store = shared(provider);
    let [bob, alice, carol] =
        ["bob", "alice", "carol"].map(|name| provider.add_user(&user(name)).unwrap().id);
    assert!(store.keep_alive(ONE).unwrap());
    assert!(!store.keep_alive(ONE).unwrap());
    assert!(store.keep_alive(TWO).unwrap());
    for (server, id) in [(ONE, bob), (ONE, alice), (TWO, alice), (TWO, carol)] {
        store.begin_share(server, id).unwrap();
    }
    store.report(TWO, alice, &contributed(7, 1)).unwrap();
    store.report(ONE, alice, &contributed(5, 1)).unwrap();
    store.take_session(ONE, 1, bob, 1).unwrap();
    assert_eq!(store.take_over(TWO, Duration::from_secs(3600)).unwrap(), []);
    let mut taken = store.take_over(TWO, Duration::ZERO).unwrap();
    taken.sort_unstable();
    assert_eq!(taken, [bob, alice]);
    assert_eq!(store.take_over(TWO, Duration::ZERO).unwrap(), []);

    // The sessions of the dead are free, and its own share goes on.
    store.take_session(TWO, 1, bob, 1).unwrap();
    assert_eq!(store.share(TWO, alice).unwrap().contributed, amount(7, 1));
    // It was not dead: others have counted what it did, and what it does from now on counts.
    assert!(store.keep_alive(ONE).unwrap());
    let late = store.report(ONE, alice, &contributed(9, 2)).unwrap();
    assert!(late.was_lost);
    assert_eq!(late.usage, amount(12, 2));
    let next = store.report(ONE, alice, &contributed(10, 2)).unwrap();
    assert!(!next.was_lost);
    assert_eq!(next.usage, amount(13, 2));
}

pub(crate) fn who_leaves_leaves_nothing_but_what_is_unsettled(provider: &dyn Provider) {
    let store = shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.keep_alive(ONE).unwrap();
    store.take_session(ONE, 1, bob, 1).unwrap();
    store.begin_share(ONE, bob).unwrap();
    store.leave(ONE).unwrap();
    store.take_session(TWO, 1, bob, 1).unwrap();
    assert_eq!(store.take_over(TWO, Duration::ZERO).unwrap(), [bob]);
    store.end_share(TWO, bob).unwrap();
    store.leave(TWO).unwrap();
    assert_eq!(store.take_over(ONE, Duration::ZERO).unwrap(), []);
}

pub(crate) fn sessions_are_limited_over_all_servers(provider: &dyn Provider) {
    let store = shared(provider);
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

pub(crate) fn of_many_who_race_for_the_last_session_one_wins(provider: &dyn Provider) {
    let store = shared(provider);
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

pub(crate) fn of_a_user_who_is_gone_nothing_is_left(provider: &dyn Provider) {
    let store = shared(provider);
    let bob = provider.add_user(&user("bob")).unwrap().id;
    store.keep_alive(ONE).unwrap();
    store.begin_share(ONE, bob).unwrap();
    store.take_session(ONE, 1, bob, 0).unwrap();
    provider.delete_user(bob).unwrap();
    store.begin_share(ONE, NOBODY).unwrap();
    assert_eq!(store.take_over(TWO, Duration::ZERO).unwrap(), []);
    for id in [bob, NOBODY] {
        let outcomes = [
            store.share(ONE, id).map(drop),
            store.report(ONE, id, &contributed(1, 1)).map(drop),
            store.replace_usage(ONE, id, Usage::default(), amount(0, 0)),
            store.take_session(ONE, 2, id, 0),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
        }
        store.end_share(ONE, id).unwrap();
    }
}
