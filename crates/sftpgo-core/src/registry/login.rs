//! What a connection and its sessions hold of the registry, and give back when they end.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Connection, Connections};
use crate::{
    descriptors::Permit,
    error::Result,
    event::{Event, Protocol},
    user::UserId,
};

/// One authenticated network connection; dropping it gives the session back.
pub struct Login {
    pub(super) registry: Arc<Connections>,
    pub(super) number: i64,
    pub(super) close: CancellationToken,
    pub(super) expires: watch::Receiver<i64>,
}

impl Login {
    /// Fires when the connection is to be closed from outside.
    pub fn close_requested(&self) -> CancellationToken {
        self.close.clone()
    }

    /// The time at which the user expires, as it is now and as it changes (Unix milliseconds, 0 is never).
    pub fn expires(&self) -> watch::Receiver<i64> {
        self.expires.clone()
    }

    /// Lists a session of this login until the guard is dropped.
    pub fn start(
        &self,
        username: &str,
        protocol: Protocol,
        remote: SocketAddr,
        client_version: &str,
    ) -> ConnectionGuard {
        let guard = self.start_unlisted(username, protocol, remote, client_version);
        guard.list();
        guard
    }

    /// A session that no list has a name for, such as a command that computes a checksum. It is closed with
    /// its login.
    pub fn start_unlisted(
        &self,
        username: &str,
        protocol: Protocol,
        remote: SocketAddr,
        client_version: &str,
    ) -> ConnectionGuard {
        let close = self.close.clone();
        ConnectionGuard {
            registry: Arc::clone(&self.registry),
            connection: Arc::new(Connection::new(
                username,
                protocol,
                remote,
                client_version,
                close,
            )),
        }
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        self.registry.lock().logins.remove(&self.number);
        if let Some(shared) = self.registry.shared.get() {
            shared.ended.add(self.number);
        }
    }
}

/// A session, or a connection that has none; dropping the guard takes it off the list.
pub struct ConnectionGuard {
    registry: Arc<Connections>,
    connection: Arc<Connection>,
}

impl ConnectionGuard {
    /// Puts it on the list, where it is not there yet.
    pub fn list(&self) {
        let count = {
            let mut state = self.registry.lock();
            let id = self.connection.id().to_owned();
            state.listed.insert(id, Arc::clone(&self.connection));
            state.listed.len()
        };
        self.registry
            .events
            .emit(&Event::ActiveConnections { count });
    }

    /// Takes it off the list, and lets it go on.
    pub fn unlist(&self) {
        self.registry.remove(self.connection.id());
    }

    /// Takes what an open file or directory of `user` needs of the process.
    ///
    /// # Errors
    /// [`LimitReached`](crate::ErrorKind::LimitReached).
    pub(crate) fn reserve_handle(&self, user: UserId) -> Result<Permit> {
        self.registry.door.reserve_handle(user)
    }
}

impl std::ops::Deref for ConnectionGuard {
    type Target = Arc<Connection>;

    fn deref(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.registry.remove(self.connection.id());
    }
}
