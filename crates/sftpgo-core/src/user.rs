//! A virtual user, and the draft that has to pass validation to become one.

pub(crate) mod rights;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    credential::{password::PasswordHash, public_key::AuthorizedKey},
    error::{Error, Result},
    permission::Permissions,
    rule::Rule,
    storage_usage::Usage,
};

/// The id the provider gave a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub i32);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user as stored; made only by a [`Provider`](crate::Provider) or by [`UserDraft::validate`].
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Provider's id; 0 before the user is stored.
    pub id: UserId,
    /// May the user log in at all.
    pub enabled: bool,
    /// Unique, case-sensitive.
    pub username: String,
    /// Unix milliseconds after which login fails; 0 is never.
    pub expiration_date: i64,
    /// The stored hash, in a form [`PasswordHash::parse`] reads.
    pub password: Option<String>,
    /// authorized_keys lines.
    pub public_keys: Vec<String>,
    /// Absolute path of the home directory.
    pub home_dir: PathBuf,
    /// Owner given to new files when running as root; 0 leaves it.
    pub uid: u32,
    /// Group given to new files when running as root; 0 leaves it.
    pub gid: u32,
    /// Sessions at once; 0 is unlimited.
    pub max_sessions: u32,
    /// Bytes; 0 is unlimited.
    pub quota_size: u64,
    /// Files; 0 is unlimited.
    pub quota_files: u32,
    /// What the user may do.
    pub permissions: Permissions,
    /// KB/s (1 KB = 1000 bytes); 0 is unlimited.
    pub upload_bandwidth: u32,
    /// KB/s (1 KB = 1000 bytes); 0 is unlimited.
    pub download_bandwidth: u32,
    /// What the files take up.
    pub usage: Usage,
    /// Unix milliseconds; 0 is never.
    pub last_login: i64,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl User {
    /// Is all but usage and the last login the same?
    pub fn has_settings_of(&self, other: &Self) -> bool {
        let now = Self {
            usage: other.usage,
            last_login: other.last_login,
            ..self.clone()
        };
        now == *other
    }

    /// Has `expiration_date` passed at `now` (Unix milliseconds)?
    pub fn is_expired_at(&self, now: i64) -> bool {
        self.expiration_date > 0 && self.expiration_date < now
    }

    /// May the user log in at `now` (Unix milliseconds), with the right credential?
    ///
    /// # Errors
    /// [`AccountDisabled`](Rule::AccountDisabled) or [`AccountExpired`](Rule::AccountExpired).
    pub fn check_may_log_in(&self, now: i64) -> Result<()> {
        if !self.enabled {
            return Err(Error::denied("the user is disabled").decided_by(Rule::AccountDisabled));
        }
        if self.is_expired_at(now) {
            return Err(Error::denied("the user has expired").decided_by(Rule::AccountExpired));
        }
        Ok(())
    }

    /// Is any quota set?
    pub fn has_quota_limits(&self) -> bool {
        self.quota_size > 0 || self.quota_files > 0
    }
}

/// A user as somebody asks for it: every number as wide as the wire, nothing checked yet.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are those of `User`
pub struct UserDraft {
    pub username: String,
    pub status: i64,
    pub expiration_date: i64,
    /// Plain text, or a hash with a known prefix; already stored hashes pass through.
    pub password: Option<String>,
    pub public_keys: Vec<String>,
    pub home_dir: String,
    pub uid: i64,
    pub gid: i64,
    pub max_sessions: i64,
    pub quota_size: i64,
    pub quota_files: i64,
    pub permissions: Vec<String>,
    pub upload_bandwidth: i64,
    pub download_bandwidth: i64,
}

impl fmt::Debug for UserDraft {
    /// No credential: it may be plain text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDraft")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Default for UserDraft {
    fn default() -> Self {
        Self {
            username: String::new(),
            status: 1,
            expiration_date: 0,
            password: None,
            public_keys: Vec::new(),
            home_dir: String::new(),
            uid: 0,
            gid: 0,
            max_sessions: 0,
            quota_size: 0,
            quota_files: 0,
            permissions: Vec::new(),
            upload_bandwidth: 0,
            download_bandwidth: 0,
        }
    }
}

impl From<&User> for UserDraft {
    fn from(user: &User) -> Self {
        Self {
            username: user.username.clone(),
            status: i64::from(user.enabled),
            expiration_date: user.expiration_date,
            password: user.password.clone(),
            // Other servers store empty lines of a form.
            public_keys: user
                .public_keys
                .iter()
                .filter(|line| !line.trim().is_empty())
                .cloned()
                .collect(),
            home_dir: user.home_dir.to_string_lossy().into_owned(),
            uid: user.uid.into(),
            gid: user.gid.into(),
            max_sessions: user.max_sessions.into(),
            quota_size: i64::try_from(user.quota_size).unwrap_or(i64::MAX),
            quota_files: user.quota_files.into(),
            permissions: user
                .permissions
                .names_on_wire()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            upload_bandwidth: user.upload_bandwidth.into(),
            download_bandwidth: user.download_bandwidth.into(),
        }
    }
}

impl UserDraft {
    /// The user this draft describes. Hashes a plain-text password, which takes tens of milliseconds.
    ///
    /// An empty `home_dir` becomes `<users_base_dir>/<username>` when a base directory is configured.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), naming the first field that is not acceptable.
    pub fn validate(self, users_base_dir: Option<&Path>) -> Result<User> {
        check_new_username(&self.username)?;
        let mut user = self.checked(users_base_dir)?;
        user.password = hashed(user.password)?;
        Ok(user)
    }

    /// What `stored` becomes by this draft, which was made from it.
    ///
    /// A password left as it was stored stays so: hashing one that is no hash would let it log in.
    ///
    /// # Errors
    /// As [`UserDraft::validate`].
    pub fn validate_change_of(self, stored: &User, users_base_dir: Option<&Path>) -> Result<User> {
        if self.username != stored.username {
            check_new_username(&self.username)?;
        }
        let mut user = self.checked(users_base_dir)?;
        if user.password != stored.password {
            user.password = hashed(user.password)?;
        }
        Ok(User {
            id: stored.id,
            usage: stored.usage,
            last_login: stored.last_login,
            ..user
        })
    }

    /// All but the password, so that no refusal has to wait for its hashing.
    fn checked(self, users_base_dir: Option<&Path>) -> Result<User> {
        check_username(&self.username)?;
        let home_dir = home_dir(&self.home_dir, &self.username, users_base_dir)?;
        let public_keys: Vec<String> = self
            .public_keys
            .into_iter()
            .map(|line| line.trim().to_owned())
            .collect();
        for (position, line) in public_keys.iter().enumerate() {
            AuthorizedKey::parse(line).map_err(|error| {
                Error::invalid(
                    "public_keys",
                    format_args!("key number {}: {error}", position + 1),
                )
            })?;
        }
        let password = self.password.filter(|password| !password.is_empty());
        if password.is_none() && public_keys.is_empty() {
            return Err(Error::invalid(
                "password",
                "a password or at least one public key is needed",
            ));
        }
        let permissions = Permissions::from_names(&self.permissions)?;
        let enabled = match self.status {
            0 => false,
            1 => true,
            other => {
                return Err(Error::invalid(
                    "status",
                    format_args!("{other} is neither 0 (disabled) nor 1 (enabled)"),
                ));
            }
        };
        if self.expiration_date < 0 {
            return Err(Error::invalid("expiration_date", "must not be negative"));
        }
        Ok(User {
            id: UserId(0),
            enabled,
            expiration_date: self.expiration_date,
            public_keys,
            home_dir,
            uid: within("uid", self.uid, 65_535)?,
            gid: within("gid", self.gid, 65_535)?,
            max_sessions: within("max_sessions", self.max_sessions, i32::MAX as u32)?,
            quota_size: u64::try_from(self.quota_size)
                .map_err(|_| Error::invalid("quota_size", "must not be negative"))?,
            quota_files: within("quota_files", self.quota_files, i32::MAX as u32)?,
            permissions,
            upload_bandwidth: within("upload_bandwidth", self.upload_bandwidth, i32::MAX as u32)?,
            download_bandwidth: within(
                "download_bandwidth",
                self.download_bandwidth,
                i32::MAX as u32,
            )?,
            usage: Usage::default(),
            last_login: 0,
            password,
            username: self.username,
        })
    }
}

fn hashed(password: Option<String>) -> Result<Option<String>> {
    password
        .as_deref()
        .map(PasswordHash::for_storage)
        .transpose()
}

/// Actions get the name as an argument, and programs take what begins so for an option. Who has such a name already
/// keeps it: a user whom nobody can change cannot be disabled either.
fn check_new_username(username: &str) -> Result<()> {
    if username.starts_with('-') {
        return Err(Error::invalid("username", "must not begin with \"-\""));
    }
    Ok(())
}

fn check_username(username: &str) -> Result<()> {
    if username.is_empty() {
        return Err(Error::invalid("username", "must not be empty"));
    }
    if username.len() > 255 {
        return Err(Error::invalid(
            "username",
            "must not be longer than 255 bytes",
        ));
    }
    if username == "." || username == ".." {
        return Err(Error::invalid("username", "must not be \".\" or \"..\""));
    }
    if let Some(bad) = username
        .chars()
        .find(|c| matches!(c, '/' | '\\') || c.is_control())
    {
        return Err(Error::invalid(
            "username",
            format_args!("must not contain {bad:?}"),
        ));
    }
    Ok(())
}

fn home_dir(asked: &str, username: &str, users_base_dir: Option<&Path>) -> Result<PathBuf> {
    let home = match users_base_dir {
        Some(base) if asked.is_empty() => base.join(username),
        _ => PathBuf::from(asked),
    };
    if !home.is_absolute() {
        return Err(Error::invalid("home_dir", "must be an absolute path"));
    }
    if asked.contains('\0') {
        return Err(Error::invalid("home_dir", "must not contain NUL"));
    }
    if home.as_os_str().len() > 255 {
        return Err(Error::invalid(
            "home_dir",
            "must not be longer than 255 bytes",
        ));
    }
    Ok(home)
}

fn within(field: &str, value: i64, most: u32) -> Result<u32> {
    u32::try_from(value)
        .ok()
        .filter(|value| *value <= most)
        .ok_or_else(|| Error::invalid(field, format_args!("{value} is not between 0 and {most}")))
}

/// The time now in Unix milliseconds, as the contract counts it.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
