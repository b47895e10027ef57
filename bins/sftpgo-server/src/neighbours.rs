//! Other servers that use the same database, and what they or others change in it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

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
use tokio_util::sync::CancellationToken;

use crate::compose::Parts;

/// A home that cannot be read is looked at again after this.
const COUNT_AGAIN_AFTER: Duration = Duration::from_secs(60);

struct Watch {
    provider: Arc<dyn Provider>,
    connections: Arc<Connections>,
    quotas: Arc<QuotaBook>,
    membership: Arc<Membership>,
    scans: Arc<QuotaScans>,
    /// Whose files could not be counted, and when that was.
    not_counted: Mutex<HashMap<UserId, Instant>>,
}

/// Looks every few seconds until it is told that no session is left. That the database does not answer is told by those
/// who watch its health.
pub(crate) fn watch(
    parts: &Parts,
    until: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let watch = Arc::new(Watch {
        provider: Arc::clone(&parts.provider),
        connections: Arc::clone(&parts.connections),
        quotas: Arc::clone(&parts.quotas),
        membership: Arc::clone(&parts.membership),
        scans: Arc::clone(&parts.api.scans),
        not_counted: Mutex::default(),
    });
    async move {
        let mut interval = time::interval(BEAT);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut counting = None;
        loop {
            tokio::select! {
                biased;
                () = until.cancelled() => return,
                _ = interval.tick() => {}
            }
            let looking = Arc::clone(&watch);
            match spawn_blocking(move || looking.look()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => log::debug!("the database was not looked at: {error}"),
                Err(_) => return,
            }
            // Nobody waits for it: the next look must not be late.
            if counting
                .as_ref()
                .is_none_or(tokio::task::JoinHandle::is_finished)
            {
                let watch = Arc::clone(&watch);
                counting = Some(spawn_blocking(move || watch.count()));
            }
        }
    }
}

impl Watch {
    fn look(&self) -> Result<()> {
        let said = self.membership.beat();
        // Whatever other servers do, who may not stay has to go.
        follow_changes(self.provider.as_ref(), &self.connections, &self.quotas)?;
        said
    }

    /// Counts the files of users whom a dead server left, or this one after it was taken for dead.
    fn count(&self) {
        let due = match recovery::users_to_count(&self.quotas) {
            Ok(due) => due,
            Err(error) => {
                log::debug!("whose files are to be counted is not known: {error}");
                return;
            }
        };
        let not_counted = || {
            let not_counted = self.not_counted.lock();
            not_counted.unwrap_or_else(PoisonError::into_inner)
        };
        not_counted()
            .retain(|user, since| due.contains(user) && since.elapsed() < COUNT_AGAIN_AFTER);
        let mut counted = 0;
        for user in due {
            if not_counted().contains_key(&user) {
                continue;
            }
            match recovery::count_one(self.provider.as_ref(), &self.scans, user) {
                Ok(was_counted) => counted += u32::from(was_counted),
                Err(error) => {
                    log::warn!("the usage of user {} was not counted: {error}", user.0);
                    not_counted().insert(user, Instant::now());
                }
            }
        }
        if counted > 0 {
            log::info!(
                "users whose usage was changing when a server died, counted again: {counted}"
            );
        }
    }
}
