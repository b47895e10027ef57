use sftpgo_core::{ErrorKind, Provider, UserId, storage_usage::Usage};

use super::user;

pub(crate) fn usage_of_others_is_left_alone(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let alice = provider.add_user(&user("alice")).unwrap();
    let all = Usage {
        size: 8,
        files: 2,
        updated_at: 2,
    };
    provider.set_usage(bob.id, all).unwrap();
    assert!(provider.user_by_id(alice.id).unwrap().unwrap() == alice);
    let expected = sftpgo_core::StoredUser { usage: all, ..bob };
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
        provider.set_usage(nobody, Usage::default()),
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

pub(crate) fn who_is_dirty_is_remembered_until_clean_or_deleted(provider: &dyn Provider) {
    let [bob, alice, carol] =
        ["bob", "alice", "carol"].map(|name| provider.add_user(&user(name)).unwrap().id);
    assert_eq!(provider.dirty_users().unwrap(), []);
    for id in [alice, bob, bob, carol, UserId(4711)] {
        provider.set_dirty(id, true).unwrap();
    }
    assert_eq!(provider.dirty_users().unwrap(), [bob, alice, carol]);
    provider.set_dirty(alice, false).unwrap();
    provider.set_dirty(alice, false).unwrap();
    provider.delete_user(carol).unwrap();
    assert_eq!(provider.dirty_users().unwrap(), [bob]);
}
