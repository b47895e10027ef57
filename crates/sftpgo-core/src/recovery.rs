//! After an unclean stop: counting the files of users whose usage was changing when the server was killed.

use std::sync::Arc;

use crate::{
    error::{ErrorKind, Result},
    provider::Provider,
    quota::QuotaBook,
    scan::QuotaScans,
    user::UserId,
};

/// Remembers, before anybody logs in, whose figures an earlier run left unsettled, and answers who they are.
///
/// # Errors
/// What the provider says.
pub fn find_unsettled(provider: &dyn Provider, quotas: &QuotaBook) -> Result<Vec<UserId>> {
    let mut users = quotas.find_journaled()?;
    // Of a store that others use too it is known once earlier runs have been silent for a while.
    if provider.shared().is_none() {
        for user in provider.unsettled_users()? {
            quotas.needs_count(user);
            users.push(user);
        }
    }
    users.sort_unstable();
    users.dedup();
    Ok(users)
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
        .filter(|id| match count(provider, scans, **id) {
            Ok(counted) => counted,
            Err(error) => {
                log::warn!("the usage of user {} was not counted: {error}", id.0);
                false
            }
        })
        .count()
}

fn count(provider: &dyn Provider, scans: &Arc<QuotaScans>, id: UserId) -> Result<bool> {
    let Some(user) = provider.user_by_id(id)? else {
        scans.forget(id);
        return Ok(false);
    };
    match scans.begin(user) {
        Ok(scan) => scan.run().map(|()| true),
        // The operator's own scan does the same, and without tracking there is nothing to count.
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unsupported) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
