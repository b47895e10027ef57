//! Changes of users that did not come through this server: another one shares the store, or somebody edits it.

use std::collections::HashMap;

use crate::{
    error::Result,
    provider::Provider,
    quota::UsageManager,
    registry::Connections,
    user::{StoredUser, UserId, now_ms},
};

/// The number of users that are asked for at a time.
const MANY: usize = 500;

/// Looks at everybody who is logged in: ends the sessions of who may not log in any more, and those that began when the
/// user had other rights; tells the others what limits hold now.
///
/// # Errors
/// Any error of the provider.
pub fn follow_changes(
    provider: &dyn Provider,
    connections: &Connections,
    quotas: &UsageManager,
) -> Result<()> {
    for some in connections.users().chunks(MANY) {
        let found = provider.users_by_id(some)?;
        let found: HashMap<UserId, StoredUser> =
            found.into_iter().map(|user| (user.id, user)).collect();
        for id in some {
            match found.get(id) {
                Some(user) => end_or_let_go_on(user, connections),
                None => connections.close_user(*id),
            }
        }
        // Afterwards, for a user's limits may have to wait for the ledger.
        found
            .values()
            .for_each(|user| quotas.limits_changed(&user.effective()));
    }
    Ok(())
}

/// Tells the user's sessions what holds now.
pub(crate) fn apply(user: &StoredUser, connections: &Connections, quotas: &UsageManager) {
    end_or_let_go_on(user, connections);
    quotas.limits_changed(&user.effective());
}

fn end_or_let_go_on(user: &StoredUser, connections: &Connections) {
    connections.expiry_changed(user.id, user.expiration_date);
    if !user.enabled || user.is_expired_at(now_ms()) {
        connections.close_user(user.id);
    }
    connections.close_changed(user);
}
