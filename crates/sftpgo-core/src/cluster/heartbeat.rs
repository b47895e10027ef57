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

/// A server that has not been heard of for so long is dead, or cut off from the store: its sessions do not count any more.
const NODE_TIMEOUT: Duration = Duration::from_secs(15);

/// The interval in which a node has to send a heartbeat so that it does not expire.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);

/// A node that was not heard for longer cannot tell the silence of others from that of the store.
const MAX_GAP: Duration = Duration::from_secs(9);

/// What another server ends while this one comes back is only seen the second time.
const TO_BE_SURE: u8 = 2;

/// This server's heartbeat, where it is one of several.
pub struct Heartbeat {
    store: Arc<dyn ClusterStore>,
    server: NodeId,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    heard: Mutex<Heard>,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
}

/// When the store heard this server.
#[derive(Default)]
struct Heard {
    last: Option<Instant>,
    /// Since when there was no gap.
    since: Option<Instant>,
    /// Others may have ended its sessions and shares: so often it still says them again.
    may_be_forgotten: u8,
}

impl Heartbeat {
    /// Of the server with these connections and quotas; none where it is alone.
    pub fn of(connections: &Arc<Connections>, quotas: &Arc<UsageManager>) -> Option<Self> {
        Self::with_clock(connections, quotas, Instant::now)
    }

    /// The same by another clock.
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
            heard: Mutex::default(),
            now: Box::new(now),
        })
    }

    /// The server that was called `former` has ended: nobody has to wait until it has been silent for long enough.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn succeed(&self, former: NodeId) -> Result<()> {
        self.store.leave(former)
    }

    /// Says that this server is alive, before the first login and every [`HEARTBEAT_INTERVAL`] from then on, and takes
    /// over from dead ones.
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
            self.quotas.end_at_last(go_on),
        ];
        if self.would_hear_others() {
            self.store.expire_silent(self.server, NODE_TIMEOUT)?;
        }
        while self.store.reclaim(self.server)? {
            go_on()?;
        }
        own.into_iter().collect()
    }

    /// This server stops, and its last session has ended.
    ///
    /// # Errors
    /// Any error of the store; the others notice later.
    pub fn leave(&self) -> Result<()> {
        self.connections.give_back_ended(&|| Ok(()))?;
        self.quotas.end_at_last(&|| Ok(()))?;
        self.store.leave(self.server)
    }

    fn say_alive(&self) -> Result<()> {
        let said = self.store.keep_alive(self.server);
        let mut heard = self.heard();
        match said {
            Ok(was_forgotten) => {
                let now = (self.now)();
                if heard.last.is_none_or(|last| now - last > MAX_GAP) {
                    heard.since = Some(now);
                }
                heard.last = Some(now);
                if was_forgotten {
                    heard.may_be_forgotten = TO_BE_SURE;
                }
                Ok(())
            }
            // The store may have answered.
            Err(error) => {
                heard.may_be_forgotten = TO_BE_SURE;
                Err(error)
            }
        }
    }

    /// The same in the middle of long work.
    fn stay_alive(&self) -> Result<()> {
        if self
            .heard()
            .last
            .is_some_and(|last| (self.now)() < last + HEARTBEAT_INTERVAL)
        {
            return Ok(());
        }
        self.say_alive()
    }

    /// Takes sessions and shares again that others ended, if that may have happened.
    fn say_again(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        if self.heard().may_be_forgotten == 0 {
            return Ok(());
        }
        self.connections.take_again(go_on)?;
        for user in self.quotas.marked() {
            self.quotas.mark_again(user)?;
            go_on()?;
        }
        let mut heard = self.heard();
        heard.may_be_forgotten = heard.may_be_forgotten.saturating_sub(1);
        Ok(())
    }

    /// Has this server been heard for so long that all others could be?
    fn would_hear_others(&self) -> bool {
        self.heard()
            .since
            .is_some_and(|since| (self.now)() > since + NODE_TIMEOUT)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.heard)
    }
}

/// Users whose files this server is to count, as the store says that others share; nobody where this server is alone, or
/// tracks no usage.
///
/// # Errors
/// Any error of the store.
pub fn users_to_count(quotas: &UsageManager) -> Result<Vec<UserId>> {
    match quotas.cluster() {
        Some((store, server)) if quotas.tracking() != Tracking::Off => store.to_count(server),
        _ => Ok(Vec::new()),
    }
}
