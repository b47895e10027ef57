//! After an unclean stop: rescanning the homes of users who were dirty when the server was killed.

use std::sync::Arc;

use crate::{
    error::{ErrorKind, Result},
    provider::Provider,
    quota::ScanOutcome,
    quota_scan::QuotaScans,
    user::UserId,
};

/// Rescans the homes of `users` and returns for how many that worked. Blocks for as long as walking the homes takes,
/// while sessions run as ever; a home that cannot be read is logged and rescanned at the next start.
pub fn rescan_dirty(provider: &dyn Provider, scans: &Arc<QuotaScans>, users: &[UserId]) -> usize {
    users
        .iter()
        .filter(|id| match rescan_user(provider, scans, **id) {
            Ok(outcome) => outcome == Some(ScanOutcome::Exact),
            Err(error) => {
                log::warn!("the home of user {} could not be rescanned, so the usage may be wrong until the next start rescans it: {error}", id.0);
                false
            }
        })
        .count()
}

/// Rescans the home of one user. None when there is nothing to rescan, or somebody else does it or will.
///
/// # Errors
/// Any error of the home or the ledger.
pub fn rescan_user(
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
        // The operator's own scan does the same, and without tracking there is nothing to rescan.
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unsupported) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
