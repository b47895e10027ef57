//! Users that are changed behind the back of their sessions.

use std::sync::Arc;

use sftpgo_core::{
    EffectiveUser, StoredUser, credential::password::PasswordHash, event::Operation,
    permission::Permissions, user_reconcile::follow_changes,
};
use sftpgo_test_support::{BCRYPT, KEY, OTHER_KEY, Service, Settings, add};

#[test]
fn sessions_end_or_learn_what_holds_now() {
    let Service {
        provider,
        connections,
        usage,
        ..
    } = Service::new(Settings::default());
    let add = |name: &str| add(provider.as_ref(), name, |_| ());
    let [disabled, deleted, expired, slower, same] =
        ["disabled", "deleted", "expired", "slower", "same"].map(add);
    let log_in = |user: &StoredUser| {
        let account = usage.account(&user.effective()).unwrap();
        (
            connections.log_in(user, &user.effective()).unwrap(),
            account,
        )
    };
    let all = [&disabled, &deleted, &expired, &slower, &same];
    let sessions = all.map(log_in);
    let look = || follow_changes(provider.as_ref(), &connections, &usage).unwrap();
    look();
    let closed = || {
        sessions
            .each_ref()
            .map(|(login, _)| login.close_requested().is_cancelled())
    };
    assert_eq!(closed(), [false; 5]);

    let change = |user: &StoredUser, change: fn(&mut StoredUser)| {
        let mut user = user.clone();
        change(&mut user);
        provider.update_user(&user).unwrap();
    };
    change(&disabled, |user| user.enabled = false);
    provider.delete_user(deleted.id).unwrap();
    change(&expired, |user| user.expiration_date = 1);
    change(&slower, |user| {
        user.upload_bandwidth = 7;
        user.quota_files = 9;
        user.expiration_date = i64::MAX;
    });
    look();
    assert_eq!(closed(), [true, true, true, false, false]);
    let [.., (login, account), (_, unchanged)] = &sessions;
    assert_eq!(account.throttle().rate(Operation::Upload), Some(7000));
    assert_eq!(account.status().files_limit, 9);
    assert_eq!(*login.expires().borrow(), i64::MAX);
    assert_eq!(unchanged.throttle().rate(Operation::Upload), None);
    assert_eq!(Arc::strong_count(account), 1);
}

#[test]
fn what_a_session_cannot_go_on_without_ends_it_and_what_is_applied_at_once_does_not() {
    type Change = fn(&mut StoredUser);
    let ending: [(&str, Change); 8] = [
        ("username", |user| user.username.push('2')),
        ("password", |user| {
            user.password = Some(PasswordHash::of_plain_text(b"secret").unwrap());
        }),
        ("no password", |user| user.password = None),
        ("public_keys", |user| {
            user.public_keys = vec![OTHER_KEY.to_owned()];
        }),
        ("home_dir", |user| user.home_dir.push("below")),
        ("uid", |user| user.uid = 7),
        ("gid", |user| user.gid = 7),
        ("permissions", |user| user.permissions = Permissions::UPLOAD),
    ];
    let applied: [(&str, Change); 4] = [
        ("limits", |user| {
            user.quota_size = 1;
            user.quota_files = 1;
            user.upload_bandwidth = 1;
            user.download_bandwidth = 1;
            user.max_sessions = 1;
            user.expiration_date = i64::MAX;
        }),
        ("a key more", |user| {
            user.public_keys.push(OTHER_KEY.to_owned())
        }),
        ("a comment of a key", |user| {
            user.public_keys = vec![format!("{KEY} laptop")];
        }),
        ("another hash of the same password", |user| {
            user.password = Some(PasswordHash::rehash(b"secret", BCRYPT).unwrap());
        }),
    ];
    let cases = ending.map(|case| (case, true)).into_iter();
    for ((what, change), ends) in cases.chain(applied.map(|case| (case, false))) {
        let Service {
            provider,
            connections,
            usage,
            ..
        } = Service::new(Settings::default());
        let user = add(provider.as_ref(), "bob", |draft| {
            draft.password = Some(BCRYPT.to_owned());
        });
        let login = connections.log_in(&user, &user.effective()).unwrap();
        let mut changed = user.clone();
        change(&mut changed);
        provider.update_user(&changed).unwrap();
        follow_changes(provider.as_ref(), &connections, &usage).unwrap();
        assert_eq!(login.close_requested().is_cancelled(), ends, "{what}");
        // Who logs in afterwards has what holds now.
        let now = provider.user_by_id(user.id).unwrap().unwrap();
        let later = connections
            .log_in(
                &now,
                &EffectiveUser {
                    max_sessions: 0,
                    ..now.effective()
                },
            )
            .unwrap();
        follow_changes(provider.as_ref(), &connections, &usage).unwrap();
        assert!(!later.close_requested().is_cancelled(), "{what}");
    }
}
