//! A user as somebody asks for it, and the validation that it has to pass to be stored.

mod rules;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use self::rules::{check_username, denied_login_methods, home_dir, totp, within};
use super::{LoginMethods, StoredUser, UserFilters, UserId};
use crate::{
    credential::{password::PasswordHash, public_key::AuthorizedKey, second_factor::TotpSecret},
    error::{Error, Result},
    permission::Permissions,
    storage_usage::Usage,
};

/// A user as somebody asks for it: every number as wide as the wire, nothing checked yet.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserDraft {
    /// The name of the login.
    pub username: String,
    /// 1 is enabled, 0 disabled.
    pub status: i64,
    /// Unix milliseconds; 0 is never.
    pub expiration_date: i64,
    /// Plain text, or a hash with a known prefix; already stored hashes pass through.
    pub password: Option<String>,
    /// Lines as in `authorized_keys`.
    pub public_keys: Vec<String>,
    /// Absolute path of the home on the disk.
    pub home_dir: String,
    /// Owner of new files; 0 leaves it to the process.
    pub uid: i64,
    /// Group of new files; 0 leaves it to the process.
    pub gid: i64,
    /// Sessions at once; 0 is any number.
    pub max_sessions: i64,
    /// Bytes; 0 is no limit.
    pub quota_size: i64,
    /// Files; 0 is no limit.
    pub quota_files: i64,
    /// Names of permissions.
    pub permissions: Vec<String>,
    /// KB per second, of 1000 bytes; 0 is no limit.
    pub upload_bandwidth: i64,
    /// KB per second, of 1000 bytes; 0 is no limit.
    pub download_bandwidth: i64,
    /// What restricts the logins.
    pub filters: FiltersDraft,
}

/// What restricts the logins of a user, as somebody asks for it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct FiltersDraft {
    /// Names of ways in which the user may not log in.
    pub denied_login_methods: Vec<String>,
    /// The second factor.
    pub totp: Option<TotpDraft>,
}

/// A second factor, as somebody asks for it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TotpDraft {
    /// The kind, and the secret in Base32.
    pub secret: TotpSecret,
    /// Names of the protocols for which it is needed.
    pub protocols: Vec<String>,
}

impl fmt::Debug for UserDraft {
    /// Leaves the credential out: it may be plain text.
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
            filters: FiltersDraft::default(),
        }
    }
}

impl From<&StoredUser> for UserDraft {
    fn from(user: &StoredUser) -> Self {
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
            filters: FiltersDraft::from(&user.filters),
        }
    }
}

impl From<&UserFilters> for FiltersDraft {
    fn from(filters: &UserFilters) -> Self {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        Self {
            denied_login_methods: owned(filters.denied_login_methods.names()),
            totp: filters.totp.as_ref().map(|totp| TotpDraft {
                secret: totp.secret.clone(),
                protocols: owned(totp.protocols.names()),
            }),
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
    pub fn validate(self, users_base_dir: Option<&Path>) -> Result<StoredUser> {
        let mut user = first_fault(self.checked(None, users_base_dir))?;
        user.password = hashed(user.password)?;
        Ok(user)
    }

    /// The user that `stored` becomes by this draft, which was made from it.
    ///
    /// A password left as it was stored stays so: hashing one that is no hash would let it log in.
    ///
    /// # Errors
    /// As [`UserDraft::validate`].
    pub fn validate_change_of(
        self,
        stored: &StoredUser,
        users_base_dir: Option<&Path>,
    ) -> Result<StoredUser> {
        let mut user = first_fault(self.checked(Some(stored), users_base_dir))?;
        if user.password != stored.password {
            user.password = hashed(user.password)?;
        }
        // Who knows those of a secret that was replaced is to know nothing of use.
        let recovery_codes = match totp_secret(&user) {
            Some(secret) if totp_secret(stored) == Some(secret) => {
                stored.filters.recovery_codes.clone()
            }
            _ => Vec::new(),
        };
        Ok(StoredUser {
            id: stored.id,
            filters: UserFilters {
                recovery_codes,
                others: stored.filters.others.clone(),
                ..user.filters
            },
            spent_steps: stored.spent_steps,
            usage: stored.usage,
            last_login: stored.last_login,
            ..user
        })
    }

    /// Returns everything for which [`UserDraft::validate`], or with `stored` [`UserDraft::validate_change_of`], would
    /// refuse this draft, but for a password that cannot be hashed. Each error is [`Invalid`](crate::ErrorKind::Invalid)
    /// and begins with the name of its field.
    pub fn faults(&self, stored: Option<&StoredUser>, users_base_dir: Option<&Path>) -> Vec<Error> {
        let checked = self.clone().checked(stored, users_base_dir);
        checked.err().unwrap_or_default()
    }

    /// Checks all but the password, so that no refusal has to wait for its hashing.
    fn checked(
        self,
        stored: Option<&StoredUser>,
        users_base_dir: Option<&Path>,
    ) -> Result<StoredUser, Vec<Error>> {
        let mut faults = Faults::default();
        let is_kept = stored.is_some_and(|stored| stored.username == self.username);
        // A home that is made of the name is no less a new one.
        if !is_kept || self.home_dir.is_empty() {
            faults.note(check_username(&self.username), ());
        }
        let home_dir = home_dir(&self.home_dir, &self.username, users_base_dir);
        let home_dir = faults.note(home_dir, PathBuf::new());
        let public_keys: Vec<String> = self
            .public_keys
            .into_iter()
            .map(|line| line.trim().to_owned())
            .collect();
        for (position, line) in public_keys.iter().enumerate() {
            let parsed = AuthorizedKey::parse(line).map(drop).map_err(|error| {
                Error::invalid(
                    "public_keys",
                    format_args!("key number {}: {error}", position + 1),
                )
            });
            faults.note(parsed, ());
        }
        let password = self.password.filter(|password| !password.is_empty());
        if password.is_none() && public_keys.is_empty() {
            let missing = "a password or at least one public key is needed";
            faults.note(Err(Error::invalid("password", missing)), ());
        }
        let permissions = Permissions::from_names(&self.permissions).map_err(Error::from);
        let permissions = faults.note(permissions, Permissions::empty());
        let enabled = match self.status {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Error::invalid(
                "status",
                format_args!("{other} is neither 0 (disabled) nor 1 (enabled)"),
            )),
        };
        let enabled = faults.note(enabled, false);
        if self.expiration_date < 0 {
            let negative = Error::invalid("expiration_date", "must not be negative");
            faults.note(Err(negative), ());
        }
        let quota_size = u64::try_from(self.quota_size)
            .map_err(|_| Error::invalid("quota_size", "must not be negative"));
        let denied = denied_login_methods(&self.filters.denied_login_methods);
        let denied_login_methods = faults.note(denied, LoginMethods::empty());
        let totp = self.filters.totp.map(totp).transpose();
        let totp = faults.note(totp, None);
        let mut number =
            |field, value, most| faults.note(within(field, value, most), u32::default());
        let user = StoredUser {
            id: UserId(0),
            enabled,
            expiration_date: self.expiration_date,
            public_keys,
            home_dir,
            uid: number("uid", self.uid, 65_535),
            gid: number("gid", self.gid, 65_535),
            max_sessions: number("max_sessions", self.max_sessions, i32::MAX as u32),
            quota_files: number("quota_files", self.quota_files, i32::MAX as u32),
            upload_bandwidth: number("upload_bandwidth", self.upload_bandwidth, i32::MAX as u32),
            download_bandwidth: number(
                "download_bandwidth",
                self.download_bandwidth,
                i32::MAX as u32,
            ),
            quota_size: faults.note(quota_size, 0),
            permissions,
            filters: UserFilters {
                denied_login_methods,
                totp,
                ..UserFilters::default()
            },
            spent_steps: 0,
            usage: Usage::default(),
            last_login: 0,
            password,
            username: self.username,
        };
        faults.none_or(user)
    }
}

/// The faults of a draft, in the order in which its fields are looked at.
#[derive(Default)]
struct Faults(Vec<Error>);

impl Faults {
    /// Returns the value, or notes a fault and returns `instead`.
    fn note<T>(&mut self, checked: Result<T>, instead: T) -> T {
        checked.unwrap_or_else(|fault| {
            self.0.push(fault);
            instead
        })
    }

    fn none_or<T>(self, value: T) -> Result<T, Vec<Error>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}

fn first_fault<T>(checked: Result<T, Vec<Error>>) -> Result<T> {
    checked.map_err(|faults| {
        faults
            .into_iter()
            .next()
            .unwrap_or_else(|| Error::invalid("user", "is not acceptable"))
    })
}

fn hashed(password: Option<String>) -> Result<Option<String>> {
    password
        .as_deref()
        .map(PasswordHash::for_storage)
        .transpose()
}

fn totp_secret(user: &StoredUser) -> Option<&str> {
    let totp = user.filters.totp.as_ref()?;
    Some(&totp.secret.secret)
}

#[cfg(test)]
mod tests;
