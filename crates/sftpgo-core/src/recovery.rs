//! After an unclean stop: counting the files of users whose usage was changing when the server was killed.

use std::sync::Arc;

use crate::{
    error::{ErrorKind, Result},
    provider::Provider,
    quota::{Counted, QuotaBook, Tracking},
    scan::QuotaScans,
    user::UserId,
};

/// Remembers, before anybody logs in, whose figures an earlier run left unsettled, and answers who they are. Where other
/// servers share the store it is that which remembers: see [`users_to_count`].
///
/// # Errors
/// What the provider says.
pub fn find_unsettled(provider: &dyn Provider, quotas: &QuotaBook) -> Result<Vec<UserId>> {
    if provider.shared().is_some() {
        quotas.hand_over_journal()?;
        return Ok(Vec::new());
    }
    let mut users = quotas.find_journaled()?;
    for user in provider.unsettled_users()? {
        quotas.needs_count(user);
        users.push(user);
    }
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// Users whose files this server is to count, as a store says that others share.
///
/// # Errors
/// What the store says.
pub fn users_to_count(quotas: &QuotaBook) -> Result<Vec<UserId>> {
    match quotas.shared() {
        Some((store, server)) if quotas.tracking() != Tracking::Off => store.to_count(server),
        _ => Ok(Vec::new()),
    }
}

/// Counts the files of `users` and answers for how many that worked. Blocks for as long as walking the homes takes,
/// while sessions run as ever; a home that cannot be read is logged and counted at the next start.
pub fn count_unsettled(
    provider: &dyn Provider,
    scans: &Arc<QuotaScans>,
    users: &[UserId],
) -> usize {
    users
        .iter()
        .filter(|id| match count_one(provider, scans, **id) {
            Ok(counted) => counted == Some(Counted::Exactly),
            Err(error) => {
                log::warn!("the usage of user {} was not counted: {error}", id.0);
                false
            }
        })
        .count()
}

/// Counts the files of one of them. None when there is nothing to count, or somebody else does or will.
///
/// # Errors
/// What the home or the ledger says.
pub fn count_one(
    provider: &dyn Provider,
    scans: &Arc<QuotaScans>,
    id: UserId,
) -> Result<Option<Counted>> {
    let Some(user) = provider.user_by_id(id)? else {
        scans.forget(id);
        return Ok(None);
    };
    match scans.begin(user) {
        Ok(scan) => scan.run_alone(),
        // The operator's own scan does the same, and without tracking there is nothing to count.
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unsupported) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
