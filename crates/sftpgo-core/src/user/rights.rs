//! Which changes of a user end the user's sessions.
//!
//! What a session may do was decided by the user as stored at login. A change that cannot be applied to it while it runs
//! ends it; the client comes back under what holds now, or does not get in.

use super::StoredUser;
use crate::credential::{password::PasswordHash, public_key::AuthorizedKey};

/// The first field, by its name on the wire, that `now` has other than `at_login` and that a session which began then
/// cannot go on without.
///
/// Quotas, bandwidths and the expiration date are applied to running sessions, the status ends them by itself,
/// `max_sessions` counts at logins, and a key that was added takes nothing from anybody.
pub(crate) fn changed(at_login: &StoredUser, now: &StoredUser) -> Option<&'static str> {
    // In full, so that a new field has to be thought of.
    let StoredUser {
        id: _,
        enabled: _,
        username,
        expiration_date: _,
        password,
        public_keys,
        home_dir,
        uid,
        gid,
        max_sessions: _,
        quota_size: _,
        quota_files: _,
        permissions,
        upload_bandwidth: _,
        download_bandwidth: _,
        filters,
        spent_steps: _,
        usage: _,
        last_login: _,
    } = now;
    let fields = [
        ("username", *username == at_login.username),
        ("password", is_same_password(&at_login.password, password)),
        ("public_keys", has_all(public_keys, &at_login.public_keys)),
        ("home_dir", *home_dir == at_login.home_dir),
        ("uid", *uid == at_login.uid),
        ("gid", *gid == at_login.gid),
        ("permissions", *permissions == at_login.permissions),
        ("filters", at_login.filters.is_as_strict_as(filters)),
    ];
    let mut fields = fields.into_iter();
    fields.find_map(|(name, is_same)| (!is_same).then_some(name))
}

fn is_same_password(at_login: &Option<String>, now: &Option<String>) -> bool {
    at_login == now
        || match (at_login, now) {
            (Some(old), Some(new)) => PasswordHash::is_rehash(new, old),
            _ => false,
        }
}

/// Does `now` have all keys of `at_login` with the same options, whatever their comments are?
fn has_all(now: &[String], at_login: &[String]) -> bool {
    let key = |line: &String| AuthorizedKey::parse(line).ok();
    at_login.iter().all(|old| {
        now.contains(old)
            || key(old).is_some_and(|old| now.iter().any(|new| key(new).as_ref() == Some(&old)))
    })
}
