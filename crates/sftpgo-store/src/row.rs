//! A row of the `users` table and the user it means.
//!
//! A row may have been written by another program. One that cannot be read in full still gives a user, who is
//! disabled and may do nothing: whoever manages users sees it, and nobody gets more rights than the row says.

use std::path::{Path, PathBuf};

use diesel::{
    OptionalExtension, QueryDsl, QueryResult, RunQueryDsl,
    prelude::{AsChangeset, Insertable, Queryable, Selectable},
};
use sftpgo_core::{Permissions, StoredUser, UserId, storage_usage::Usage, user::UserFilters};

use crate::{connection::Connection, schema::users, user_filters};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    id: i32,
    username: String,
    password: Option<String>,
    public_keys: Option<String>,
    home_dir: String,
    uid: i32,
    gid: i32,
    max_sessions: i32,
    quota_size: i64,
    quota_files: i32,
    permissions: String,
    used_quota_size: i64,
    used_quota_files: i32,
    last_quota_update: i64,
    upload_bandwidth: i32,
    download_bandwidth: i32,
    expiration_date: i64,
    last_login: i64,
    status: i32,
    user_filters: Option<String>,
    spent_steps: i64,
}

/// The fields that a row keeps as JSON; none where they cannot be read.
struct Parsed {
    permissions: Option<Permissions>,
    public_keys: Option<Vec<String>>,
    /// What cannot be read of it is among the others.
    filters: UserFilters,
}

/// The columns that managing a user writes.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub(crate) struct Settings<'a> {
    username: &'a str,
    password: Option<&'a str>,
    public_keys: Option<String>,
    home_dir: String,
    uid: i32,
    gid: i32,
    max_sessions: i32,
    quota_size: i64,
    quota_files: i32,
    permissions: String,
    upload_bandwidth: i32,
    download_bandwidth: i32,
    expiration_date: i64,
    status: i32,
    user_filters: Option<String>,
}

impl UserRow {
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// Returns why the row gives no user who can log in, if so.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        self.flaw_of(&self.parsed())
    }

    fn parsed(&self) -> Parsed {
        Parsed {
            permissions: parse_permissions(&self.permissions),
            public_keys: parse_list(self.public_keys.as_deref().unwrap_or_default()),
            filters: user_filters::parse(self.user_filters.as_deref()),
        }
    }

    fn flaw_of(&self, parsed: &Parsed) -> Option<&'static str> {
        let numbers = [
            self.uid,
            self.gid,
            self.max_sessions,
            self.quota_files,
            self.upload_bandwidth,
            self.download_bandwidth,
        ];
        if parsed.permissions.is_none() {
            Some("its permissions are not a list of known names")
        } else if parsed.public_keys.is_none() {
            Some("its public keys are not a list")
        } else if !Path::new(&self.home_dir).is_absolute() {
            Some("its home directory is not an absolute path")
        } else if numbers.iter().any(|number| *number < 0)
            || self.quota_size < 0
            || self.expiration_date < 0
        {
            Some("one of its numbers is below zero")
        } else {
            user_filters::flaw(&parsed.filters)
        }
    }

    pub(crate) fn into_user(self) -> StoredUser {
        let parsed = self.parsed();
        let sound = self.flaw_of(&parsed).is_none();
        StoredUser {
            id: UserId(self.id),
            enabled: sound && self.status == 1,
            expiration_date: self.expiration_date.max(0),
            password: self.password.filter(|password| !password.is_empty()),
            public_keys: parsed.public_keys.unwrap_or_default(),
            home_dir: PathBuf::from(self.home_dir),
            uid: not_negative(self.uid),
            gid: not_negative(self.gid),
            max_sessions: not_negative(self.max_sessions),
            quota_size: u64::try_from(self.quota_size).unwrap_or(0),
            quota_files: not_negative(self.quota_files),
            permissions: parsed
                .permissions
                .filter(|_| sound)
                .unwrap_or(Permissions::empty()),
            upload_bandwidth: not_negative(self.upload_bandwidth),
            download_bandwidth: not_negative(self.download_bandwidth),
            filters: parsed.filters,
            spent_steps: self.spent_steps,
            usage: Usage {
                size: self.used_quota_size,
                files: self.used_quota_files,
                updated_at: self.last_quota_update,
            },
            last_login: self.last_login,
            username: self.username,
        }
    }
}

impl<'a> Settings<'a> {
    pub(crate) fn of(user: &'a StoredUser) -> Self {
        Self {
            username: &user.username,
            password: user.password.as_deref(),
            public_keys: Some(to_json(&user.public_keys)).filter(|_| !user.public_keys.is_empty()),
            home_dir: user.home_dir.to_string_lossy().into_owned(),
            uid: within(user.uid),
            gid: within(user.gid),
            max_sessions: within(user.max_sessions),
            quota_size: i64::try_from(user.quota_size).unwrap_or(i64::MAX),
            quota_files: within(user.quota_files),
            permissions: to_json(&user.permissions.names_on_wire()),
            upload_bandwidth: within(user.upload_bandwidth),
            download_bandwidth: within(user.download_bandwidth),
            expiration_date: user.expiration_date,
            status: user.enabled.into(),
            user_filters: user_filters::to_json(&user.filters),
        }
    }
}

pub(crate) fn parse_permissions(stored: &str) -> Option<Permissions> {
    // Names are read where they lie, unless one is written with escapes.
    if let Ok(names) = serde_json::from_str::<Vec<&str>>(stored) {
        return Permissions::from_names(&names).ok();
    }
    let names: Vec<String> = serde_json::from_str(stored).ok()?;
    Permissions::from_names(&names).ok()
}

/// The lines of a JSON array; an empty text is an empty one.
fn parse_list(stored: &str) -> Option<Vec<String>> {
    if stored.is_empty() {
        return Some(Vec::new());
    }
    serde_json::from_str::<Option<Vec<String>>>(stored)
        .ok()
        .map(Option::unwrap_or_default)
}

pub(crate) fn to_json<S: AsRef<str>>(list: &[S]) -> String {
    let values = list.iter().map(|line| line.as_ref().into()).collect();
    serde_json::Value::Array(values).to_string()
}

fn not_negative(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}

fn within(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Reads the usage of a user; none where nobody has the id.
pub(crate) fn usage(connection: &mut Connection, id: UserId) -> QueryResult<Option<Usage>> {
    let found: Option<(i64, i32, i64)> = users::table
        .find(id.0)
        .select((
            users::used_quota_size,
            users::used_quota_files,
            users::last_quota_update,
        ))
        .get_result(connection)
        .optional()?;
    Ok(found.map(|(size, files, updated_at)| Usage {
        size,
        files,
        updated_at,
    }))
}
