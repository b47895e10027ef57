//! What all connections of a server have in common.

use std::sync::{Arc, Mutex};

use sftpgo_core::{
    auth::Logins, event::Events, fair_pool::FairPool, gate::Gate, registry::Connections, sync::lock,
};
use sftpgo_ssh_proto as proto;
use tokio_util::sync::CancellationToken;

use crate::{
    config::ServerConfig, session::Offer, unauthenticated_limiter::UnauthenticatedLimiter,
};

/// What all connections of a server have in common.
pub(crate) struct ServerContext {
    pub(crate) config: Arc<ServerConfig>,
    /// For connections that begin now.
    pub(crate) engine: Mutex<Arc<proto::Config>>,
    pub(crate) logins: Arc<Logins>,
    /// What runs on the channels.
    pub(crate) offer: Box<dyn Offer>,
    /// The threads that compute dear key exchanges.
    pub(crate) exchanges: FairPool,
    pub(crate) gate: Arc<Gate>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) events: Events,
    pub(crate) unauthenticated: Arc<UnauthenticatedLimiter>,
    /// Closes every connection.
    pub(crate) close_all: CancellationToken,
}

impl ServerContext {
    /// The engine's settings, for a connection that begins.
    pub(super) fn engine(&self) -> Arc<proto::Config> {
        Arc::clone(&lock(&self.engine))
    }
}
