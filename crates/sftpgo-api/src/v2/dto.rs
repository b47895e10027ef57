//! Bodies of requests and answers, with the names of SFTPGo 2.x. What an answer must not show is not in it: passwords, secrets
//! and recovery codes.

use serde::{Deserialize, Serialize};
use sftpgo_core::{
    admin::{Admin, AdminDraft, ApiKey, ApiKeyDraft, TotpAlgorithm, TotpConfig},
    registry::{ConnectionStatus, TransferStatus},
};

use crate::{dto::object::object_or_null, error::ApiError};

/// An admin as it is sent. What is left out is cleared.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct AdminBody {
    username: String,
    status: i64,
    password: String,
    permissions: Vec<String>,
    email: String,
    description: String,
    additional_info: String,
    #[serde(deserialize_with = "object_or_null")]
    filters: Option<FiltersBody>,
    role: String,
    groups: Option<Vec<serde_json::Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FiltersBody {
    allow_list: Option<Vec<String>>,
    allow_api_key_auth: bool,
    require_password_change: bool,
    require_two_factor: bool,
}

impl AdminBody {
    /// Returns the draft that is asked for.
    ///
    /// # Errors
    /// A role or groups, which would narrow what the admin may do and are not here.
    pub(super) fn into_draft(self) -> Result<AdminDraft, ApiError> {
        if !self.role.is_empty() {
            return Err(ApiError::bad_request("role: there are no roles here"));
        }
        if self.groups.is_some_and(|groups| !groups.is_empty()) {
            return Err(ApiError::bad_request("groups: there are no groups here"));
        }
        let filters = self.filters.unwrap_or_default();
        Ok(AdminDraft {
            username: self.username,
            status: self.status,
            password: self.password,
            permissions: self.permissions,
            email: self.email,
            description: self.description,
            additional_info: self.additional_info,
            allow_list: filters.allow_list.unwrap_or_default(),
            allow_api_key_auth: filters.allow_api_key_auth,
            require_password_change: filters.require_password_change,
            require_two_factor: filters.require_two_factor,
        })
    }
}

#[derive(Serialize)]
pub(super) struct AdminAnswer {
    id: i32,
    status: u8,
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    permissions: Vec<&'static str>,
    filters: FiltersAnswer,
    #[serde(skip_serializing_if = "String::is_empty")]
    additional_info: String,
    created_at: i64,
    updated_at: i64,
    last_login: i64,
}

#[derive(Serialize)]
struct FiltersAnswer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_list: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_api_key_auth: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_password_change: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_two_factor: bool,
    totp_config: TotpAnswer,
}

#[derive(Serialize)]
struct TotpAnswer {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    enabled: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    config_name: String,
}

impl From<&Admin> for AdminAnswer {
    fn from(admin: &Admin) -> Self {
        let networks = admin.allow_list.iter().map(ToString::to_string);
        let config_name = admin.totp.as_ref().map(|totp| totp.config_name.clone());
        Self {
            id: admin.id,
            status: admin.enabled.into(),
            username: admin.username.clone(),
            description: admin.description.clone(),
            email: admin.email.clone(),
            permissions: admin.permissions.names(),
            filters: FiltersAnswer {
                allow_list: networks.collect(),
                allow_api_key_auth: admin.allow_api_key_auth,
                require_password_change: admin.require_password_change,
                require_two_factor: admin.require_two_factor,
                totp_config: TotpAnswer {
                    enabled: admin.totp.is_some(),
                    config_name: config_name.unwrap_or_default(),
                },
            },
            additional_info: admin.additional_info.clone(),
            created_at: admin.created_at,
            updated_at: admin.updated_at,
            last_login: admin.last_login,
        }
    }
}

/// What an admin says about itself.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct ProfileBody {
    pub(super) email: String,
    pub(super) description: String,
    pub(super) allow_api_key_auth: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct PasswordBody {
    pub(super) current_password: String,
    pub(super) new_password: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct GenerateBody {
    pub(super) config_name: String,
}

#[derive(Serialize)]
pub(super) struct GeneratedAnswer {
    pub(super) config_name: String,
    pub(super) issuer: String,
    pub(super) secret: String,
    pub(super) url: String,
    /// PNG in Base64.
    pub(super) qr_code: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ValidateBody {
    pub(super) config_name: String,
    pub(super) passcode: String,
    pub(super) secret: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SaveTotpBody {
    pub(super) enabled: bool,
    pub(super) config_name: String,
    #[serde(deserialize_with = "object_or_null")]
    pub(super) secret: Option<SecretBody>,
}

/// A secret as SFTPGo writes it; here only plain ones are taken.
#[derive(Deserialize, Serialize, Default)]
#[serde(default)]
pub(super) struct SecretBody {
    pub(super) status: String,
    pub(super) payload: String,
}

#[derive(Serialize)]
pub(super) struct RecoveryCodeAnswer {
    pub(super) code: String,
    pub(super) used: bool,
}

#[derive(Serialize)]
pub(super) struct TotpConfigAnswer {
    name: String,
    issuer: String,
    algo: &'static str,
}

impl From<&TotpConfig> for TotpConfigAnswer {
    fn from(config: &TotpConfig) -> Self {
        Self {
            name: config.name.clone(),
            issuer: config.issuer.clone(),
            algo: match config.algorithm {
                TotpAlgorithm::Sha1 => "sha1",
                TotpAlgorithm::Sha256 => "sha256",
                TotpAlgorithm::Sha512 => "sha512",
            },
        }
    }
}

/// The scope of a key of an admin; keys of users are not here.
const ADMIN_SCOPE: i64 = 1;

/// A key as it is sent.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ApiKeyBody {
    name: String,
    scope: i64,
    description: String,
    expires_at: i64,
    user: Option<String>,
    admin: Option<String>,
}

impl ApiKeyBody {
    /// Returns the draft that is asked for.
    ///
    /// # Errors
    /// It is not for an admin.
    pub(super) fn into_draft(self) -> Result<ApiKeyDraft, ApiError> {
        if self.scope != ADMIN_SCOPE {
            return Err(ApiError::bad_request(format!(
                "scope: {} is not 1, for keys of admins, which is all there is",
                self.scope
            )));
        }
        if self.user.is_some_and(|user| !user.is_empty()) {
            return Err(ApiError::bad_request("user: a key of an admin has none"));
        }
        Ok(ApiKeyDraft {
            name: self.name,
            description: self.description,
            admin: self.admin.unwrap_or_default(),
            expires_at: self.expires_at,
        })
    }
}

#[derive(Serialize)]
pub(super) struct ApiKeyAnswer {
    id: String,
    name: String,
    scope: i64,
    created_at: i64,
    updated_at: i64,
    #[serde(skip_serializing_if = "is_zero")]
    last_use_at: i64,
    #[serde(skip_serializing_if = "is_zero")]
    expires_at: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    admin: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl From<&ApiKey> for ApiKeyAnswer {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            scope: ADMIN_SCOPE,
            created_at: key.created_at,
            updated_at: key.updated_at,
            last_use_at: key.last_use_at,
            expires_at: key.expires_at,
            description: key.description.clone(),
            admin: key.admin.clone(),
        }
    }
}

/// A connection as SFTPGo 2.x shows it.
#[derive(Serialize)]
pub(super) struct ConnectionAnswer {
    username: String,
    connection_id: String,
    client_version: String,
    remote_address: String,
    connection_time: i64,
    last_activity: i64,
    current_time: i64,
    protocol: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    active_transfers: Vec<TransferAnswer>,
}

#[derive(Serialize)]
struct TransferAnswer {
    operation_type: String,
    path: String,
    start_time: i64,
    size: u64,
}

impl ConnectionAnswer {
    pub(super) fn of(status: ConnectionStatus, now: i64) -> Self {
        let transfer = |transfer: TransferStatus| TransferAnswer {
            operation_type: transfer.operation.to_string(),
            path: transfer.path,
            start_time: transfer.started_at,
            size: transfer.size,
        };
        Self {
            username: status.username,
            connection_id: status.connection_id,
            client_version: status.client_version,
            remote_address: status.remote.to_string(),
            connection_time: status.connected_at,
            last_activity: status.last_activity,
            current_time: now,
            protocol: status.protocol.to_string(),
            active_transfers: status.transfers.into_iter().map(transfer).collect(),
        }
    }
}
