//! Being one of several servers that share a store.

use std::{sync::Arc, time::Duration};

use crate::{
    error::Result, provider::ServerId, quota::QuotaBook, registry::Connections, user::UserId,
};

/// A server that has not been heard of for so long is dead, or cut off from the store: its sessions do not count any more.
const SILENT: Duration = Duration::from_secs(15);

/// How often a server has to be heard of so that nobody takes it for dead.
pub const BEAT: Duration = Duration::from_secs(3);

/// This server's place among them; nothing is to be done where it is alone.
pub struct Membership {
    connections: Arc<Connections>,
    quotas: Arc<QuotaBook>,
}

impl Membership {
    /// Of the server with these connections and quotas.
    pub fn new(connections: Arc<Connections>, quotas: Arc<QuotaBook>) -> Self {
        Self {
            connections,
            quotas,
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
    /// ones: answers the users whose files are to be counted for their sake.
    ///
    /// # Errors
    /// What the store says.
    pub fn beat(&self) -> Result<Vec<UserId>> {
        let Some((store, server)) = self.quotas.shared() else {
            return Ok(Vec::new());
        };
        let were_forgotten = store.keep_alive(server)?;
        self.connections.bring_up_to_date(were_forgotten)?;
        let users = store.take_over(server, SILENT)?;
        for user in &users {
            self.quotas.needs_count(*user);
        }
        Ok(users)
    }

    /// This server stops, and its last session has ended.
    ///
    /// # Errors
    /// What the store says; the others notice later.
    pub fn leave(&self) -> Result<()> {
        let Some((store, server)) = self.quotas.shared() else {
            return Ok(());
        };
        self.connections.bring_up_to_date(false)?;
        store.leave(server)
    }
}
