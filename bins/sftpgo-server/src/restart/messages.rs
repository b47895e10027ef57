//! What a server and the one that follows it tell each other over their line.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::listen::Handed;

/// What a server tells the next one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromOld {
    /// The first message, with the descriptors of these sockets, and behind them so many lines to servers before.
    Sockets {
        sockets: Vec<Handed>,
        lines: usize,
        /// Names of the host keys that are in the configuration's directory; programs of before say nothing of them.
        #[serde(default)]
        host_keys: Vec<String>,
    },
    /// Some of the connections that it still has. They are known when `is_last`, and replace those before.
    Connections {
        is_first: bool,
        is_last: bool,
        connections: Vec<Connected>,
    },
}

/// What the next server tells those before.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromNew {
    /// It serves; or the one behind it does, which reads this line from here on and knows no connections yet.
    Ready,
    /// It does not, for this reason.
    Failed(String),
    /// An operator has closed the connection with this id.
    Close(String),
    /// An operator has ended all sessions of this user.
    CloseUser(i32),
    /// The service is to stop.
    Stop,
}

/// A connection that goes on in the server before, as core lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Connected {
    pub(super) username: String,
    pub(super) connection_id: String,
    pub(super) client_version: String,
    pub(super) remote: SocketAddr,
    pub(super) connected_at: i64,
    pub(super) last_activity: i64,
    pub(super) is_scp: bool,
    pub(super) transfers: Vec<Moving>,
}

/// A transfer of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moving {
    pub(super) is_upload: bool,
    pub(super) path: String,
    pub(super) started_at: i64,
    pub(super) size: u64,
    pub(super) last_activity: i64,
}
