//! Other servers that use the same database, and what they or others change in it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use sftpgo_core::{
    ErrorKind, Provider, Result, UserId,
    cluster::{self, HEARTBEAT_INTERVAL},
    gate::Gate,
    ip_list::IpLists,
    quota::{ScanOutcome, UsageManager},
    quota_scan::QuotaScans,
    recovery,
    registry::Connections,
    sync::lock,
    user_reconcile::follow_changes,
};
use tokio::{
    task::spawn_blocking,
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{compose::Parts, sharing::Sharing};

/// A home that cannot be read, or was changed through another node meanwhile, is rescanned again after this.
const COUNT_AGAIN_AFTER: Duration = Duration::from_secs(60);

struct Watch {
    provider: Arc<dyn Provider>,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    sharing: Arc<Sharing>,
    ip_lists: Arc<IpLists>,
    gate: Arc<Gate>,
    scans: Arc<QuotaScans>,
    /// The users whose homes could not be rescanned.
    postponed: Mutex<HashMap<UserId, Postponed>>,
}

struct Postponed {
    not_before: Instant,
    /// Was it said in the log?
    is_told: bool,
}

/// Does this node's tasks every few seconds until `until` says that no session is left. A database that does not answer is
/// logged where its health is watched.
pub(crate) fn watch(
    parts: &Parts,
    until: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let watch = Arc::new(Watch {
        provider: Arc::clone(&parts.provider),
        connections: Arc::clone(&parts.connections),
        quotas: Arc::clone(&parts.quotas),
        sharing: Arc::clone(&parts.sharing),
        ip_lists: Arc::clone(&parts.ip_lists),
        gate: Arc::clone(&parts.api.gate),
        scans: Arc::clone(&parts.api.scans),
        postponed: Mutex::default(),
    });
    async move {
        let every_heartbeat = |look| every_heartbeat(Arc::clone(&watch), until.clone(), look);
        // Nobody waits for the end of a walk.
        tokio::spawn(every_heartbeat(Watch::rescan));
        // Whatever other servers do, who may not stay has to go: neither waits for the other.
        tokio::join!(
            every_heartbeat(Watch::send_heartbeat),
            every_heartbeat(Watch::follow),
            every_heartbeat(Watch::read_lists),
            every_heartbeat(Watch::exchange_bans)
        );
    }
}

async fn every_heartbeat(
    watch: Arc<Watch>,
    until: CancellationToken,
    look: fn(&Watch) -> Result<()>,
) {
    let mut interval = time::interval(HEARTBEAT_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = until.cancelled() => return,
            _ = interval.tick() => {}
        }
        let watch = Arc::clone(&watch);
        match spawn_blocking(move || look(&watch)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::debug!(
                "a task of this node failed and is tried again in {} seconds: {error}",
                HEARTBEAT_INTERVAL.as_secs()
            ),
            // Whoever may not stay has to go, whatever went wrong once.
            Err(failed) if failed.is_panic() => log::error!(
                "a task of this node panicked and is tried again in {} seconds: {failed}",
                HEARTBEAT_INTERVAL.as_secs()
            ),
            Err(_) => return,
        }
    }
}

impl Watch {
    fn send_heartbeat(&self) -> Result<()> {
        match self.sharing.heartbeat() {
            Some(heartbeat) => heartbeat.send(),
            None => Ok(()),
        }
    }

    fn follow(&self) -> Result<()> {
        follow_changes(self.provider.as_ref(), &self.connections, &self.quotas)
    }

    fn read_lists(&self) -> Result<()> {
        self.ip_lists.refresh()
    }

    fn exchange_bans(&self) -> Result<()> {
        match self.gate.defender() {
            Some(defender) => defender.exchange(),
            None => Ok(()),
        }
    }

    /// Rescans the homes of users whom an expired node left dirty, which may be this one.
    fn rescan(&self) -> Result<()> {
        let mut rescanned = 0;
        loop {
            let due = self.due()?;
            if due.is_empty() {
                break;
            }
            let since = Instant::now();
            for user in due {
                rescanned += u32::from(self.rescan_one(user)?);
                // A walk takes long: other nodes may have rescanned the rest.
                if since.elapsed() > HEARTBEAT_INTERVAL {
                    break;
                }
            }
        }
        if rescanned > 0 {
            log::info!(
                "the homes of {rescanned} users were rescanned, because a node died while their usage was dirty"
            );
        }
        Ok(())
    }

    /// Rescans one home; false when the user's turn comes later.
    fn rescan_one(&self, user: UserId) -> Result<bool> {
        let outcome = recovery::rescan_user(self.provider.as_ref(), &self.scans, user);
        let not_before = match &outcome {
            Ok(Some(ScanOutcome::Exact)) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                return outcome.map(|_| false);
            }
            Ok(None) => Instant::now() + HEARTBEAT_INTERVAL,
            Ok(Some(_)) | Err(_) => Instant::now() + COUNT_AGAIN_AFTER,
        };
        let mut postponed = self.postponed();
        let entry = postponed.entry(user).or_insert(Postponed {
            not_before,
            is_told: false,
        });
        entry.not_before = not_before;
        if let Err(error) = outcome
            && !std::mem::replace(&mut entry.is_told, true)
        {
            log::warn!(
                "the home of user {} could not be rescanned, so the usage may be wrong; the rescan is tried again: {error}",
                user.0
            );
        }
        Ok(false)
    }

    /// Returns the users who are to be rescanned now, without those who are postponed.
    fn due(&self) -> Result<Vec<UserId>> {
        let mut due = cluster::users_to_rescan(&self.quotas)?;
        due.sort_unstable();
        let mut postponed = self.postponed();
        postponed.retain(|user, _| due.binary_search(user).is_ok());
        let now = Instant::now();
        due.retain(|user| {
            let entry = postponed.get(user);
            entry.is_none_or(|entry| entry.not_before <= now)
        });
        Ok(due)
    }

    fn postponed(&self) -> MutexGuard<'_, HashMap<UserId, Postponed>> {
        lock(&self.postponed)
    }
}
