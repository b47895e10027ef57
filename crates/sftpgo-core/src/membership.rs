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
    /// Others may have ended its sessions and shares.
    may_be_forgotten: bool,
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
        self.be_remembered(store, server)?;
        self.connections.give_back_ended()?;
        self.quotas.end_at_last()?;
        if self.would_hear_others() {
            store.forget_silent(server, SILENT)?;
        }
        while store.take_over(server)? {
            self.stay_alive(store, server)?;
        }
        Ok(())
    }

    /// This server stops, and its last session has ended.
    ///
    /// # Errors
    /// What the store says; the others notice later.
    pub fn leave(&self) -> Result<()> {
        let Some((store, server)) = self.quotas.shared() else {
            return Ok(());
        };
        self.connections.give_back_ended()?;
        self.quotas.end_at_last()?;
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
                heard.may_be_forgotten |= was_forgotten;
                Ok(())
            }
            // The store may have answered.
            Err(error) => {
                heard.may_be_forgotten = true;
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
    fn be_remembered(&self, store: &dyn SharedStore, server: ServerId) -> Result<()> {
        if !std::mem::take(&mut self.heard().may_be_forgotten) {
            return Ok(());
        }
        let go_on = &|| self.stay_alive(store, server);
        let remembered = self.connections.take_again(go_on).and_then(|()| {
            self.quotas.marked().into_iter().try_for_each(|user| {
                self.quotas.mark_again(user)?;
                go_on()
            })
        });
        if remembered.is_err() {
            self.heard().may_be_forgotten = true;
        }
        remembered
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
