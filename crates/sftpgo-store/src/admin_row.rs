//! Rows of `admins` and `api_keys`, and what they mean. An admin whose row cannot be read in full is disabled.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use sftpgo_core::admin::{Admin, AdminPermissions, ApiKey, RecoveryCode, TotpSecret};

use crate::schema::{admins, api_keys};

#[derive(Queryable, Selectable)]
#[diesel(table_name = admins)]
pub(crate) struct AdminRow {
    id: i32,
    version: i64,
    username: String,
    status: i32,
    password: String,
    permissions: String,
    email: String,
    description: String,
    additional_info: String,
    allow_list: String,
    allow_api_key_auth: bool,
    require_password_change: bool,
    require_two_factor: bool,
    totp_config_name: Option<String>,
    totp_secret: Option<String>,
    spent_steps: i64,
    recovery_codes: String,
    created_at: i64,
    updated_at: i64,
    sessions_since: i64,
    last_login: i64,
}

/// All columns of an admin but the id and the last login.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = admins, treat_none_as_null = true)]
pub(crate) struct AdminColumns<'a> {
    version: i64,
    username: &'a str,
    status: i32,
    password: &'a str,
    permissions: String,
    email: &'a str,
    description: &'a str,
    additional_info: &'a str,
    allow_list: String,
    allow_api_key_auth: bool,
    require_password_change: bool,
    require_two_factor: bool,
    totp_config_name: Option<&'a str>,
    totp_secret: Option<&'a str>,
    spent_steps: i64,
    recovery_codes: String,
    created_at: i64,
    updated_at: i64,
    sessions_since: i64,
}

/// A recovery code, and whether it was used.
type StoredCode = (String, bool);

impl AdminRow {
    pub(crate) fn into_admin(self) -> Admin {
        let permissions = serde_json::from_str::<Vec<String>>(&self.permissions)
            .ok()
            .and_then(|names| AdminPermissions::from_names(&names).ok());
        let networks = serde_json::from_str::<Vec<String>>(&self.allow_list)
            .ok()
            .and_then(|texts| texts.iter().map(|text| text.parse().ok()).collect());
        let codes = serde_json::from_str::<Vec<StoredCode>>(&self.recovery_codes).ok();
        let is_sound = permissions.is_some() && networks.is_some() && codes.is_some();
        Admin {
            id: self.id,
            version: self.version,
            username: self.username,
            enabled: self.status == 1 && is_sound,
            password: self.password,
            permissions: permissions.unwrap_or(AdminPermissions::empty()),
            email: self.email,
            description: self.description,
            additional_info: self.additional_info,
            allow_list: networks.unwrap_or_default(),
            allow_api_key_auth: self.allow_api_key_auth,
            require_password_change: self.require_password_change,
            require_two_factor: self.require_two_factor,
            totp: self
                .totp_config_name
                .zip(self.totp_secret)
                .map(|(config_name, secret)| TotpSecret {
                    config_name,
                    secret,
                }),
            spent_steps: self.spent_steps,
            recovery_codes: codes
                .unwrap_or_default()
                .into_iter()
                .map(|(code, used)| RecoveryCode { code, used })
                .collect(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            sessions_since: self.sessions_since,
            last_login: self.last_login,
        }
    }
}

impl<'a> AdminColumns<'a> {
    pub(crate) fn of(admin: &'a Admin, version: i64) -> Self {
        let codes: Vec<StoredCode> = admin
            .recovery_codes
            .iter()
            .map(|known| (known.code.clone(), known.used))
            .collect();
        Self {
            version,
            username: &admin.username,
            status: admin.enabled.into(),
            password: &admin.password,
            permissions: crate::row::to_json(&admin.permissions.names()),
            email: &admin.email,
            description: &admin.description,
            additional_info: &admin.additional_info,
            allow_list: crate::row::to_json(
                &admin
                    .allow_list
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
            ),
            allow_api_key_auth: admin.allow_api_key_auth,
            require_password_change: admin.require_password_change,
            require_two_factor: admin.require_two_factor,
            totp_config_name: admin.totp.as_ref().map(|totp| totp.config_name.as_str()),
            totp_secret: admin.totp.as_ref().map(|totp| totp.secret.as_str()),
            spent_steps: admin.spent_steps,
            recovery_codes: serde_json::to_string(&codes).unwrap_or_else(|_| "[]".to_owned()),
            created_at: admin.created_at,
            updated_at: admin.updated_at,
            sessions_since: admin.sessions_since,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub(crate) struct ApiKeyRow {
    id: String,
    name: String,
    hash: String,
    description: String,
    admin: String,
    created_at: i64,
    updated_at: i64,
    last_use_at: i64,
    expires_at: i64,
}

/// The columns that a change of a key writes.
#[derive(AsChangeset)]
#[diesel(table_name = api_keys)]
pub(crate) struct ApiKeyChange<'a> {
    name: &'a str,
    description: &'a str,
    admin: &'a str,
    updated_at: i64,
    expires_at: i64,
}

impl ApiKeyRow {
    pub(crate) fn into_key(self) -> ApiKey {
        ApiKey {
            id: self.id,
            name: self.name,
            hash: self.hash,
            description: self.description,
            admin: self.admin,
            created_at: self.created_at,
            updated_at: self.updated_at,
            last_use_at: self.last_use_at,
            expires_at: self.expires_at,
        }
    }
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        let key = key.clone();
        Self {
            id: key.id,
            name: key.name,
            hash: key.hash,
            description: key.description,
            admin: key.admin,
            created_at: key.created_at,
            updated_at: key.updated_at,
            last_use_at: key.last_use_at,
            expires_at: key.expires_at,
        }
    }
}

impl<'a> From<&'a ApiKey> for ApiKeyChange<'a> {
    fn from(key: &'a ApiKey) -> Self {
        Self {
            name: &key.name,
            description: &key.description,
            admin: &key.admin,
            updated_at: key.updated_at,
            expires_at: key.expires_at,
        }
    }
}
