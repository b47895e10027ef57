//! Changes of users that did not come through this server: another one shares the store, or somebody edits it.

use std::collections::HashMap;

use crate::{
    error::Result,
    provider::Provider,
    quota::QuotaBook,
    registry::Connections,
    user::{User, UserId, now_ms},
};

/// Asked for at a time.
const MANY: usize = 500;

/// Looks at everybody who is logged in: ends the sessions of who may not log in any more, and tells those of the others
/// what limits hold now.
///
/// # Errors
/// What the provider says.
pub fn follow_changes(
    provider: &dyn Provider,
    connections: &Connections,
    quotas: &QuotaBook,
) -> Result<()> {
    for some in connections.users().chunks(MANY) {
        let found = provider.users_by_id(some)?;
        let found: HashMap<UserId, User> = found.into_iter().map(|user| (user.id, user)).collect();
        for id in some {
            match found.get(id) {
                Some(user) => apply(user, connections, quotas),
                None => connections.close_user(*id),
            }
        }
    }
    Ok(())
}

/// Tells the user's sessions what holds now.
pub(crate) fn apply(user: &User, connections: &Connections, quotas: &QuotaBook) {
    quotas.limits_changed(user);
    connections.expiry_changed(user.id, user.expiration_date);
    if !user.enabled || user.is_expired_at(now_ms()) {
        connections.close_user(user.id);
    }
}
