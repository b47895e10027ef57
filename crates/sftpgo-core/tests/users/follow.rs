//! Users that are changed behind the back of their sessions.

use std::sync::Arc;

use sftpgo_core::{
    User, event::Events, follow::follow_changes, provider::Users, quota::QuotaBook,
    quota::Tracking, registry::Connections, registry::Operation,
};

use crate::common::{add, empty};

#[test]
fn sessions_end_or_learn_what_holds_now() {
    let provider = empty();
    let add = |name: &str| add(provider.as_ref(), name, |_| ());
    let [disabled, deleted, expired, slower, same] =
        ["disabled", "deleted", "expired", "slower", "same"].map(add);
    let connections = Connections::new(Events::default());
    let quotas = QuotaBook::new(provider.clone(), Tracking::All);
    let log_in = |user: &User| {
        let account = quotas.account(user).unwrap();
        (connections.log_in(user).unwrap(), account)
    };
    let all = [&disabled, &deleted, &expired, &slower, &same];
    let sessions = all.map(log_in);
    let look = || follow_changes(provider.as_ref(), &connections, &quotas).unwrap();
    look();
    let closed = || {
        sessions
            .each_ref()
            .map(|(login, _)| login.close_requested().is_cancelled())
    };
    assert_eq!(closed(), [false; 5]);

    let change = |user: &User, change: fn(&mut User)| {
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
