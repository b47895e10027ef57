//! Heartbeats, by which nodes know of each other: each says regularly that it is alive, and reclaims what an
//! expired one held.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    provider::{ClusterStore, NodeId},
    quota::{Tracking, UsageManager},
    registry::Connections,
    sync::lock,
    user::UserId,
};

/// A node that sent no heartbeat for so long has expired: it has ended, or is cut off from the store. Its sessions do not
/// count any more.
const NODE_TIMEOUT: Duration = Duration::from_secs(15);

/// The interval in which a node has to send a heartbeat so that it does not expire.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);

/// A node whose heartbeats the store did not get for longer cannot tell others that are silent from a store that is.
const MAX_GAP: Duration = Duration::from_secs(9);

/// How often a node that may have expired says again what it holds: what another node reclaims while this one comes back is
/// only seen the second time.
const TO_BE_SURE: u8 = 2;

/// This server's heartbeat, where it is one of several.
pub struct Heartbeat {
    store: Arc<dyn ClusterStore>,
    server: NodeId,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    delivered: Mutex<Delivered>,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
}

/// When the store got this server's heartbeats.
#[derive(Default)]
struct Delivered {
    last: Option<Instant>,
    /// Since when there was no gap.
    since: Option<Instant>,
    /// This node may have expired, and others may have reclaimed its sessions and shares: so often it still says again what
    /// it holds.
    may_have_expired: u8,
}

impl Heartbeat {
    /// Makes the heartbeat of the server with these connections and this usage; none where the server is alone.
    pub fn of(connections: &Arc<Connections>, quotas: &Arc<UsageManager>) -> Option<Self> {
        Self::with_clock(connections, quotas, Instant::now)
    }

    /// Makes it with a clock of the caller's.
    pub fn with_clock(
        connections: &Arc<Connections>,
        quotas: &Arc<UsageManager>,
        now: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> Option<Self> {
        let (store, server) = quotas.cluster()?;
        Some(Self {
            store,
            server,
            connections: Arc::clone(connections),
            quotas: Arc::clone(quotas),
            delivered: Mutex::default(),
            now: Box::new(now),
        })
    }

    /// The server that was called `former` has ended: nobody has to wait until it expires.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn succeed(&self, former: NodeId) -> Result<()> {
        self.store.leave(former)
    }

    /// Says that this server is alive, before the first login and every [`HEARTBEAT_INTERVAL`] from then on, and reclaims
    /// what expired nodes held.
    ///
    /// # Errors
    /// Any error of the store; the next heartbeat makes up for it.
    pub fn send(&self) -> Result<()> {
        self.say_alive()?;
        let go_on = &|| self.stay_alive();
        // One user whose row is held must not keep the rest from being done.
        let own = [
            self.say_again(go_on),
            self.connections.give_back_ended(go_on),
            self.quotas.end_unsure_marks(go_on),
        ];
        if self.would_have_others() {
            self.store.expire_silent(self.server, NODE_TIMEOUT)?;
        }
        while self.store.reclaim(self.server)? {
            go_on()?;
        }
        own.into_iter().collect()
    }

    /// Says that this server stops, and that its last session has ended.
    ///
    /// # Errors
    /// Any error of the store; the others notice later.
    pub fn leave(&self) -> Result<()> {
        self.connections.give_back_ended(&|| Ok(()))?;
        self.quotas.end_unsure_marks(&|| Ok(()))?;
        self.store.leave(self.server)
    }

    fn say_alive(&self) -> Result<()> {
        let said = self.store.keep_alive(self.server);
        let mut delivered = self.delivered();
        match said {
            Ok(had_expired) => {
                let now = (self.now)();
                if delivered.last.is_none_or(|last| now - last > MAX_GAP) {
                    delivered.since = Some(now);
                }
                delivered.last = Some(now);
                if had_expired {
                    delivered.may_have_expired = TO_BE_SURE;
                }
                Ok(())
            }
            // The store may have answered.
            Err(error) => {
                delivered.may_have_expired = TO_BE_SURE;
                Err(error)
            }
        }
    }

    /// Says in the middle of long work that this server is alive, where a heartbeat is due.
    fn stay_alive(&self) -> Result<()> {
        if self
            .delivered()
            .last
            .is_some_and(|last| (self.now)() < last + HEARTBEAT_INTERVAL)
        {
            return Ok(());
        }
        self.say_alive()
    }

    /// Takes sessions and shares again that others have reclaimed, if that may have happened.
    fn say_again(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        if self.delivered().may_have_expired == 0 {
            return Ok(());
        }
        self.connections.take_again(go_on)?;
        for user in self.quotas.dirty_users() {
            self.quotas.mark_again(user)?;
            go_on()?;
        }
        let mut delivered = self.delivered();
        delivered.may_have_expired = delivered.may_have_expired.saturating_sub(1);
        Ok(())
    }

    /// Has the store got this server's heartbeats for so long that it would have got those of all others?
    fn would_have_others(&self) -> bool {
        self.delivered()
            .since
            .is_some_and(|since| (self.now)() > since + NODE_TIMEOUT)
    }

    fn delivered(&self) -> MutexGuard<'_, Delivered> {
        lock(&self.delivered)
    }
}

/// Returns the users whose homes this node is to rescan, as the shared store says; nobody where this server is alone, or
/// tracks no usage.
///
/// # Errors
/// Any error of the store.
pub fn users_to_rescan(quotas: &UsageManager) -> Result<Vec<UserId>> {
    match quotas.cluster() {
        Some((store, server)) if quotas.tracking() != Tracking::Off => {
            store.users_to_rescan(server)
        }
        _ => Ok(Vec::new()),
    }
}
