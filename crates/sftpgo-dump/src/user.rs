//! Users as REST API v1.2.0 shows and takes them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::filters::{Filters, FiltersChange};

/// A user as the server shows it: never with a password.
// No Debug: a dump may have a secret.
#[derive(Serialize, Deserialize)]
pub struct User {
    /// The server's.
    pub id: i64,
    /// The name of the login.
    pub username: String,
    /// 1 is enabled, 0 disabled.
    #[serde(default)]
    pub status: i64,
    /// Unix milliseconds; 0 is never.
    #[serde(default)]
    pub expiration_date: i64,
    /// Lines as in `authorized_keys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_keys: Option<Vec<String>>,
    /// Path of the home on the server's disk.
    #[serde(default)]
    pub home_dir: String,
    /// Owner of new files; 0 leaves it to the server.
    #[serde(default)]
    pub uid: i64,
    /// Group of new files; 0 leaves it to the server.
    #[serde(default)]
    pub gid: i64,
    /// Sessions at once; 0 is any number.
    #[serde(default)]
    pub max_sessions: i64,
    /// Bytes; 0 is no limit.
    #[serde(default)]
    pub quota_size: i64,
    /// Files; 0 is no limit.
    #[serde(default)]
    pub quota_files: i64,
    /// Names of permissions.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Bytes.
    #[serde(default)]
    pub used_quota_size: i64,
    /// Files.
    #[serde(default)]
    pub used_quota_files: i64,
    /// When the usage was stored, in Unix milliseconds.
    #[serde(default)]
    pub last_quota_update: i64,
    /// KB per second, of 1000 bytes; 0 is no limit.
    #[serde(default)]
    pub upload_bandwidth: i64,
    /// KB per second, of 1000 bytes; 0 is no limit.
    #[serde(default)]
    pub download_bandwidth: i64,
    /// Unix milliseconds; 0 is never.
    #[serde(default)]
    pub last_login: i64,
    /// What restricts the logins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Filters>,
    /// What else the server said.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What to add or change: a field left out keeps its value, or the server's default.
// No Debug: it may hold a password.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct UserChange {
    /// The name of the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// 1 is enabled, 0 disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// Unix milliseconds; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<i64>,
    /// A hash that the server reads, or plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Lines as in `authorized_keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_keys: Option<Vec<String>>,
    /// Path of the home on the server's disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_dir: Option<String>,
    /// Owner of new files; 0 leaves it to the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u16>,
    /// Group of new files; 0 leaves it to the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<u16>,
    /// Sessions at once; 0 is any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<i32>,
    /// Bytes; 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_size: Option<i64>,
    /// Files; 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_files: Option<i32>,
    /// Names of permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// KB per second, of 1000 bytes; 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_bandwidth: Option<i32>,
    /// KB per second, of 1000 bytes; 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bandwidth: Option<i32>,
    /// What restricts the logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<FiltersChange>,
}
