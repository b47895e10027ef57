//! The record of a user: what stores keep and what the REST API shows.

use std::{fmt, path::PathBuf};

use super::{EffectiveUser, UserFilters, UserId};
use crate::{
    error::{Error, Result},
    permission::Permissions,
    policy::Policy,
    rule::Rule,
    storage_usage::Usage,
};

/// A user as stored; made only by a [`Provider`](crate::Provider) or by [`UserDraft::validate`](super::UserDraft::validate).
#[derive(Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// Provider's id; 0 before the user is stored.
    pub id: UserId,
    /// May the user log in at all.
    pub enabled: bool,
    /// Unique, case-sensitive.
    pub username: String,
    /// Unix milliseconds after which login fails; 0 is never.
    pub expiration_date: i64,
    /// The stored hash, in a form [`PasswordHash::parse`](crate::credential::password::PasswordHash::parse) reads.
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
    /// The permissions of the user.
    pub permissions: Permissions,
    /// KB/s (1 KB = 1000 bytes); 0 is unlimited.
    pub upload_bandwidth: u32,
    /// KB/s (1 KB = 1000 bytes); 0 is unlimited.
    pub download_bandwidth: u32,
    /// What restricts the logins.
    pub filters: UserFilters,
    /// The time steps whose codes of the second factor were used, see
    /// [`spend`](crate::credential::second_factor::spend).
    pub spent_steps: i64,
    /// The usage as last stored.
    pub usage: Usage,
    /// Unix milliseconds; 0 is never.
    pub last_login: i64,
}

impl fmt::Debug for StoredUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredUser")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl StoredUser {
    /// Is all but usage, the last login and the codes that were used the same?
    pub fn has_settings_of(&self, other: &Self) -> bool {
        let now = Self {
            spent_steps: other.spent_steps,
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
    /// [`AccountDisabled`](Rule::AccountDisabled), [`AccountExpired`](Rule::AccountExpired) or
    /// [`LoginMethodsDenied`](Rule::LoginMethodsDenied).
    pub fn check_may_log_in(&self, now: i64) -> Result<()> {
        if !self.enabled {
            return Err(Error::denied("the user is disabled").decided_by(Rule::AccountDisabled));
        }
        if self.is_expired_at(now) {
            return Err(Error::denied("the user has expired").decided_by(Rule::AccountExpired));
        }
        if self.filters.denied_login_methods.leave_nothing_over_ssh() {
            let denied = "every way to log in over SSH is denied to the user";
            return Err(Error::denied(denied).decided_by(Rule::LoginMethodsDenied));
        }
        Ok(())
    }

    /// The policy that sessions of this user enforce.
    pub fn effective(&self) -> EffectiveUser {
        EffectiveUser {
            id: self.id,
            username: self.username.clone(),
            home_dir: self.home_dir.clone(),
            uid: self.uid,
            gid: self.gid,
            max_sessions: self.max_sessions,
            quota_size: self.quota_size,
            quota_files: self.quota_files,
            policy: Policy::uniform(self.permissions),
            upload_bandwidth: self.upload_bandwidth,
            download_bandwidth: self.download_bandwidth,
        }
    }
}
