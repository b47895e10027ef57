//! `ConnectionStatus` and `Transfer`.

use serde::Serialize;
use sftpgo_core::registry::{ConnectionStatus, TransferStatus};

/// A connection as the contract shows it.
#[derive(Serialize)]
pub(crate) struct ConnectionBody {
    username: String,
    connection_id: String,
    client_version: String,
    remote_address: String,
    connection_time: i64,
    last_activity: i64,
    protocol: String,
    active_transfers: Vec<TransferBody>,
}

#[derive(Serialize)]
struct TransferBody {
    operation_type: String,
    path: String,
    start_time: i64,
    size: u64,
    last_activity: i64,
}

impl From<ConnectionStatus> for ConnectionBody {
    fn from(status: ConnectionStatus) -> Self {
        Self {
            username: status.username,
            connection_id: status.connection_id,
            client_version: status.client_version,
            remote_address: status.remote.to_string(),
            connection_time: status.connected_at,
            last_activity: status.last_activity,
            protocol: status.protocol.to_string(),
            active_transfers: status.transfers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<TransferStatus> for TransferBody {
    fn from(status: TransferStatus) -> Self {
        Self {
            operation_type: status.operation.to_string(),
            path: status.path,
            start_time: status.started_at,
            size: status.size,
            last_activity: status.last_activity,
        }
    }
}
