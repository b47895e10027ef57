//! The REST API's data. What an answer holds beyond the known fields is kept for JSON output.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A live session of a user.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Connection {
    pub(crate) username: String,
    pub(crate) connection_id: String,
    #[serde(default)]
    pub(crate) client_version: String,
    #[serde(default)]
    pub(crate) remote_address: String,
    #[serde(default)]
    pub(crate) connection_time: i64,
    #[serde(default)]
    pub(crate) last_activity: i64,
    #[serde(default)]
    pub(crate) protocol: String,
    /// Older servers send null, or nothing, for none.
    #[serde(default)]
    active_transfers: Option<Vec<Transfer>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Connection {
    /// Files on their way.
    pub(crate) fn transfers(&self) -> &[Transfer] {
        self.active_transfers.as_deref().unwrap_or_default()
    }
}

/// A file on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Transfer {
    #[serde(default)]
    pub(crate) operation_type: String,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) start_time: i64,
    #[serde(default)]
    pub(crate) size: i64,
    #[serde(default)]
    pub(crate) last_activity: i64,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A count of a user's files that has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndedQuotaScan {
    pub(crate) username: String,
    pub(crate) start_time: i64,
    pub(crate) end_time: i64,
    pub(crate) unreadable: Vec<String>,
    pub(crate) error: String,
}

/// A count of a user's files that is running.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QuotaScan {
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) start_time: i64,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What the server runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) build_date: String,
    #[serde(default)]
    pub(crate) commit_hash: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Whether a user may do something, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Explanation {
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) operation: String,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    pub(crate) allowed: bool,
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) permissions: Vec<String>,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A statement of what a file holds, signed by the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SignedReceipt {
    pub(crate) statement: String,
    pub(crate) signature: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A second factor of a user, which is shown once.
#[derive(Serialize, Deserialize)]
pub(crate) struct NewTotp {
    pub(crate) secret: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) protocols: Vec<String>,
    #[serde(default)]
    pub(crate) recovery_codes: Vec<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What anybody who manages users may know of a second factor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Totp {
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) config_name: String,
    #[serde(default)]
    pub(crate) protocols: Vec<String>,
    #[serde(default)]
    pub(crate) recovery_codes_left: u32,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// An answer that is no data.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// A field of the first version only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) error: Option<String>,
}
