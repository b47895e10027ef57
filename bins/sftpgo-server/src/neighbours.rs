//! Other servers that use the same database, and what they or others change in it.

use std::{future::Future, sync::Arc};

use sftpgo_core::{
    Provider, Result, UserId,
    follow::follow_changes,
    membership::{BEAT, Membership},
    quota::QuotaBook,
    recovery,
    registry::Connections,
    scan::QuotaScans,
};
use tokio::{
    task::spawn_blocking,
    time::{self, MissedTickBehavior},
};

use crate::compose::Parts;

struct Watch {
    provider: Arc<dyn Provider>,
    connections: Arc<Connections>,
    quotas: Arc<QuotaBook>,
    membership: Arc<Membership>,
    scans: Arc<QuotaScans>,
}

/// Looks every few seconds for as long as the server runs. That the database does not answer is told by those who
/// watch its health.
pub(crate) fn watch(parts: &Parts) -> impl Future<Output = ()> + Send + use<> {
    let watch = Arc::new(Watch {
        provider: Arc::clone(&parts.provider),
        connections: Arc::clone(&parts.connections),
        quotas: Arc::clone(&parts.quotas),
        membership: Arc::clone(&parts.membership),
        scans: Arc::clone(&parts.api.scans),
    });
    async move {
        let mut interval = time::interval(BEAT);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let looking = Arc::clone(&watch);
            match spawn_blocking(move || looking.look()).await {
                Ok(Ok(users)) if users.is_empty() => {}
                Ok(Ok(users)) => {
                    let counting = Arc::clone(&watch);
                    // Nobody waits for it: the next look must not be late.
                    drop(spawn_blocking(move || counting.count(&users)));
                }
                Ok(Err(error)) => log::debug!("the database was not looked at: {error}"),
                Err(_) => return,
            }
        }
    }
}

impl Watch {
    /// Answers users whose files are to be counted for the sake of a server that is dead.
    fn look(&self) -> Result<Vec<UserId>> {
        let users = self.membership.beat()?;
        follow_changes(self.provider.as_ref(), &self.connections, &self.quotas)?;
        Ok(users)
    }

    fn count(&self, users: &[UserId]) {
        let counted = recovery::count_unsettled(self.provider.as_ref(), &self.scans, users);
        log::info!(
            "users whose usage was changing when another server died: {}, counted again: {counted}",
            users.len()
        );
    }
}
