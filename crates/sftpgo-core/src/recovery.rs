//! After an unclean stop: counting the files of users whose usage was changing when the server was killed.

use std::sync::Arc;

use crate::{
    error::{ErrorKind, Result},
    provider::Provider,
    quota::ScanOutcome,
    quota_scan::QuotaScans,
    user::UserId,
};

/// Rescans the homes of `users` and returns for how many that worked. Blocks for as long as walking the homes takes,
/// while sessions run as ever; a home that cannot be read is logged and counted at the next start.
pub fn count_dirty(provider: &dyn Provider, scans: &Arc<QuotaScans>, users: &[UserId]) -> usize {
    users
        .iter()
        .filter(|id| match count_one(provider, scans, **id) {
            Ok(counted) => counted == Some(ScanOutcome::Exact),
            Err(error) => {
                log::warn!("the home of user {} could not be rescanned, so the usage may be wrong until the next start rescans it: {error}", id.0);
                false
            }
        })
        .count()
}

/// Counts the files of one of them. None when there is nothing to count, or somebody else does or will.
///
/// # Errors
/// Any error of the home or the ledger.
pub fn count_one(
    provider: &dyn Provider,
    scans: &Arc<QuotaScans>,
    id: UserId,
) -> Result<Option<ScanOutcome>> {
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
