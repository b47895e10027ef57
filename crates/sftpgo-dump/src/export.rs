//! Users as a dump has them.

use serde::Serialize;

use crate::{User, filters::Filters};

/// A user as SFTPGo 1.x dumps it.
// No Debug: it may hold a password.
#[derive(Serialize)]
pub struct DumpedUser<'a> {
    id: i64,
    status: i64,
    username: &'a str,
    expiration_date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_keys: Option<&'a [String]>,
    home_dir: &'a str,
    uid: i64,
    gid: i64,
    max_sessions: i64,
    quota_size: i64,
    quota_files: i64,
    permissions: Permissions<'a>,
    used_quota_size: i64,
    used_quota_files: i64,
    last_quota_update: i64,
    upload_bandwidth: i64,
    download_bandwidth: i64,
    last_login: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<&'a Filters>,
}

/// By directory, of which there is one here.
#[derive(Serialize)]
struct Permissions<'a> {
    #[serde(rename = "/")]
    root: &'a [String],
}

impl<'a> DumpedUser<'a> {
    /// With the stored hash, which the REST API shows to nobody.
    pub fn with_password(self, password: Option<&'a str>) -> Self {
        Self { password, ..self }
    }
}

impl<'a> From<&'a User> for DumpedUser<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            status: user.status,
            username: &user.username,
            expiration_date: user.expiration_date,
            password: None,
            public_keys: user.public_keys.as_deref(),
            home_dir: &user.home_dir,
            uid: user.uid,
            gid: user.gid,
            max_sessions: user.max_sessions,
            quota_size: user.quota_size,
            quota_files: user.quota_files,
            permissions: Permissions {
                root: &user.permissions,
            },
            used_quota_size: user.used_quota_size,
            used_quota_files: user.used_quota_files,
            last_quota_update: user.last_quota_update,
            upload_bandwidth: user.upload_bandwidth,
            download_bandwidth: user.download_bandwidth,
            last_login: user.last_login,
            filters: user.filters.as_ref(),
        }
    }
}
