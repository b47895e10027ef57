//! Being one of several servers that share a store.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::Result,
    provider::{ServerId, SharedStore},
    quota::QuotaBook,
    registry::Connections,
};

/// A server that has not been heard of for so long is dead, or cut off from the store: its sessions do not count any more.
const SILENT: Duration = Duration::from_secs(15);

/// How often a server has to be heard of so that nobody takes it for dead.
pub const BEAT: Duration = Duration::from_secs(3);

/// Whoever was not heard for longer cannot tell the silence of others from that of the store.
const GAP: Duration = Duration::from_secs(9);

/// What another server ends while this one comes back is only seen the second time.
const TO_BE_SURE: u8 = 2;

/// This server's place among them; nothing is to be done where it is alone.
pub struct Membership {
    connections: Arc<Connections>,
    quotas: Arc<QuotaBook>,
    heard: Mutex<Heard>,
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

impl Membership {
    /// Of the server with these connections and quotas.
    pub fn new(connections: Arc<Connections>, quotas: Arc<QuotaBook>) -> Self {
        Self {
            connections,
            quotas,
            heard: Mutex::default(),
        }
    }

    /// The server that was called `former` has ended: nobody has to wait until it has been silent for long enough.
    ///
    /// # Errors
    /// What the store says.
    pub fn succeed(&self, former: ServerId) -> Result<()> {
        match self.quotas.shared() {
            Some((store, _)) => store.leave(former),
            None => Ok(()),
        }
    }

    /// Says that this server is alive, before the first login and every [`BEAT`] from then on, and takes over from dead
    /// ones.
    ///
    /// # Errors
    /// What the store says; the next beat makes up for it.
    pub fn beat(&self) -> Result<()> {
        let Some((store, server)) = self.quotas.shared() else {
            return Ok(());
        };
        self.say_alive(store, server)?;
        let go_on = &|| self.stay_alive(store, server);
        // One user whose row is held must not keep the rest from being done.
        let own = [
            self.be_remembered(go_on),
            self.connections.give_back_ended(go_on),
            self.quotas.end_at_last(go_on),
        ];
        if self.would_hear_others() {
            store.forget_silent(server, SILENT)?;
        }
        while store.take_over(server)? {
            go_on()?;
        }
        own.into_iter().collect()
    }

    /// This server stops, and its last session has ended.
    ///
    /// # Errors
    /// What the store says; the others notice later.
    pub fn leave(&self) -> Result<()> {
        let Some((store, server)) = self.quotas.shared() else {
            return Ok(());
        };
        self.connections.give_back_ended(&|| Ok(()))?;
        self.quotas.end_at_last(&|| Ok(()))?;
        store.leave(server)
    }

    fn say_alive(&self, store: &dyn SharedStore, server: ServerId) -> Result<()> {
        let said = store.keep_alive(server);
        let mut heard = self.heard();
        match said {
            Ok(was_forgotten) => {
                let now = Instant::now();
                if heard.last.is_none_or(|last| now - last > GAP) {
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
    fn stay_alive(&self, store: &dyn SharedStore, server: ServerId) -> Result<()> {
        if self.heard().last.is_some_and(|last| last.elapsed() < BEAT) {
            return Ok(());
        }
        self.say_alive(store, server)
    }

    /// Takes sessions and shares again that others ended, if that may have happened.
    fn be_remembered(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
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
            .is_some_and(|since| since.elapsed() > SILENT)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
