//! One session as the registry knows it, and its transfers.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use crate::{
    event::{Operation, Protocol},
    random,
    sync::lock,
    user::now_ms,
};

/// A connection as listed; times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct ConnectionStatus {
    /// The user of the session.
    pub username: String,
    /// The id by which it is closed.
    pub connection_id: String,
    /// The client's identification.
    pub client_version: String,
    /// The client's address.
    pub remote: SocketAddr,
    /// The time at which it began.
    pub connected_at: i64,
    /// The time at which the client was last active.
    pub last_activity: i64,
    /// Over which protocol.
    pub protocol: Protocol,
    /// The transfers that are running now.
    pub transfers: Vec<TransferStatus>,
}

/// A running transfer as listed; times are Unix milliseconds.
#[derive(Debug, Clone)]
pub struct TransferStatus {
    /// The direction.
    pub operation: Operation,
    /// The path on the disk.
    pub path: String,
    /// The time at which it began.
    pub started_at: i64,
    /// Bytes so far.
    pub size: u64,
    /// The time at which bytes last moved.
    pub last_activity: i64,
}

/// A session as the registry knows it.
pub struct Connection {
    id: String,
    username: String,
    client_version: String,
    remote: SocketAddr,
    protocol: Protocol,
    connected_at: i64,
    activity: Activity,
    transfers: Mutex<Vec<Arc<TransferEntry>>>,
    close: CancellationToken,
}

impl Connection {
    pub(super) fn new(
        username: &str,
        protocol: Protocol,
        remote: SocketAddr,
        client_version: &str,
        close: CancellationToken,
    ) -> Self {
        let now = now_ms();
        Self {
            id: random::hex_id(),
            username: username.to_owned(),
            client_version: client_version.to_owned(),
            remote,
            protocol,
            connected_at: now,
            activity: Activity::begun_at(now),
            transfers: Mutex::default(),
            close,
        }
    }

    /// Unguessable and unique.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of the login.
    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// The client's identification line.
    pub fn client_version(&self) -> &str {
        &self.client_version
    }

    /// The protocol it speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Remembers that the client did something now.
    pub fn touch(&self) {
        self.activity.touch();
    }

    /// The time at which the client was last active.
    pub fn last_active(&self) -> Instant {
        self.latest(Activity::last)
    }

    /// The latest of the session's and its transfers'.
    fn latest<T: Ord>(&self, time: impl Fn(&Activity) -> T) -> T {
        let transfers = lock(&self.transfers);
        let latest = transfers
            .iter()
            .map(|transfer| time(&transfer.activity))
            .max();
        let own = time(&self.activity);
        match latest {
            Some(latest) => latest.max(own),
            None => own,
        }
    }

    /// Lists a transfer of `path` (as the client sees it) until [`Connection::end_transfer`].
    pub fn begin_transfer(&self, operation: Operation, path: String) -> Arc<TransferEntry> {
        let now = now_ms();
        let entry = Arc::new(TransferEntry {
            operation,
            path,
            started_at: now,
            size: AtomicU64::new(0),
            activity: Activity::begun_at(now),
        });
        lock(&self.transfers).push(Arc::clone(&entry));
        entry
    }

    /// Takes the transfer off the list.
    pub fn end_transfer(&self, entry: &Arc<TransferEntry>) {
        lock(&self.transfers).retain(|listed| !Arc::ptr_eq(listed, entry));
    }

    /// Closes the network connection that carries it.
    pub(super) fn close(&self) {
        self.close.cancel();
    }

    pub(super) fn transfer_count(&self) -> usize {
        lock(&self.transfers).len()
    }

    pub(super) fn status(&self) -> ConnectionStatus {
        ConnectionStatus {
            username: self.username.clone(),
            connection_id: self.id.clone(),
            client_version: self.client_version.clone(),
            remote: self.remote,
            connected_at: self.connected_at,
            last_activity: self.latest(Activity::last_ms),
            protocol: self.protocol,
            transfers: lock(&self.transfers)
                .iter()
                .map(|transfer| transfer.status())
                .collect(),
        }
    }
}

/// A listed transfer.
pub struct TransferEntry {
    operation: Operation,
    path: String,
    started_at: i64,
    size: AtomicU64,
    activity: Activity,
}

impl TransferEntry {
    /// Counts `bytes` more.
    pub fn moved(&self, bytes: u64) {
        self.size.fetch_add(bytes, Ordering::Relaxed);
        self.activity.touch();
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    fn status(&self) -> TransferStatus {
        TransferStatus {
            operation: self.operation,
            path: self.path.clone(),
            started_at: self.started_at,
            size: self.size(),
            last_activity: self.activity.last_ms(),
        }
    }
}
