use std::thread;

use sftpgo_core::{ErrorKind, Provider, UserId, provider::UsageDelta, user::Usage};

use super::user;

fn delta(size: i64, files: i32) -> UsageDelta {
    UsageDelta { size, files }
}

fn figures(provider: &dyn Provider, id: UserId) -> (i64, i32, i64) {
    let usage = provider.usage(id).unwrap();
    (usage.size, usage.files, usage.updated_at)
}

pub(crate) fn usage_adds_up_and_never_falls_below_zero(provider: &dyn Provider) {
    let id = provider.add_user(&user("bob")).unwrap().id;
    assert_eq!(figures(provider, id), (0, 0, 0));
    for (change, at, expected) in [
        (delta(100, 2), 1, (100, 2, 1)),
        (delta(-40, 0), 2, (60, 2, 2)),
        (delta(0, -1), 3, (60, 1, 3)),
        (delta(-61, 1), 4, (0, 2, 4)),
        (delta(5, -3), 5, (5, 0, 5)),
        (delta(-5, 0), 6, (0, 0, 6)),
        (delta(i64::MIN, i32::MIN), 7, (0, 0, 7)),
        (delta(i64::MAX, i32::MAX), 8, (i64::MAX, i32::MAX, 8)),
        (delta(i64::MAX, 5), 8, (i64::MAX, i32::MAX, 8)),
        (delta(-1, -1), 9, (i64::MAX - 1, i32::MAX - 1, 9)),
    ] {
        provider.add_usage(id, change, at).unwrap();
        assert_eq!(figures(provider, id), expected, "{change:?}");
    }
    let shown = provider.user_by_id(id).unwrap().unwrap().usage;
    assert_eq!(shown, provider.usage(id).unwrap());
}

pub(crate) fn usage_of_others_is_left_alone(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let alice = provider.add_user(&user("alice")).unwrap();
    provider.add_usage(bob.id, delta(7, 1), 1).unwrap();
    let all = Usage {
        size: 8,
        files: 2,
        updated_at: 2,
    };
    provider.set_usage(bob.id, all).unwrap();
    assert!(provider.user_by_id(alice.id).unwrap().unwrap() == alice);
    let expected = sftpgo_core::User { usage: all, ..bob };
    assert!(provider.user_by_name("bob").unwrap().unwrap() == expected);
}

pub(crate) fn usage_can_be_replaced_by_large_figures(provider: &dyn Provider) {
    let id = provider.add_user(&user("bob")).unwrap().id;
    let usage = Usage {
        size: i64::MAX,
        files: i32::MAX,
        updated_at: i64::MAX,
    };
    provider.set_usage(id, usage).unwrap();
    assert_eq!(provider.usage(id).unwrap(), usage);
}

pub(crate) fn usage_of_an_unknown_user_is_not_found(provider: &dyn Provider) {
    provider.add_user(&user("bob")).unwrap();
    let nobody = UserId(4711);
    let outcomes = [
        provider.usage(nobody).map(drop),
        provider.add_usage(nobody, delta(1, 1), 1),
        provider.set_usage(nobody, Usage::default()),
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

pub(crate) fn who_is_unsettled_is_remembered_until_settled_or_deleted(provider: &dyn Provider) {
    let [bob, alice, carol] =
        ["bob", "alice", "carol"].map(|name| provider.add_user(&user(name)).unwrap().id);
    assert_eq!(provider.unsettled_users().unwrap(), []);
    for id in [alice, bob, bob, carol, UserId(4711)] {
        provider.set_unsettled(id, true).unwrap();
    }
    assert_eq!(provider.unsettled_users().unwrap(), [bob, alice, carol]);
    provider.set_unsettled(alice, false).unwrap();
    provider.set_unsettled(alice, false).unwrap();
    provider.delete_user(carol).unwrap();
    assert_eq!(provider.unsettled_users().unwrap(), [bob]);
}

pub(crate) fn no_addition_is_lost_among_many_threads(provider: &dyn Provider) {
    const THREADS: i32 = 32;
    const EACH: i32 = 40;
    let id = provider.add_user(&user("bob")).unwrap().id;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    provider.add_usage(id, delta(1_000, 1), 1).unwrap();
                    provider.record_login(id, 1).unwrap();
                    provider.user_by_name("bob").unwrap().unwrap();
                }
            });
        }
    });
    let writes = THREADS * EACH;
    assert_eq!(
        figures(provider, id),
        (i64::from(writes) * 1_000, writes, 1)
    );
}
