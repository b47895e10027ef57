//! An admin as stores keep it.

use std::{fmt, net::IpAddr};

use super::{AdminPermissions, RecoveryCode, TotpSecret};
use crate::network::Networks;

/// An admin. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct Admin {
    /// Given by the store.
    pub id: i32,
    /// Grows with each change of the row, so that of two who change it at once one is told.
    pub version: i64,
    /// The name of the login.
    pub username: String,
    /// May the admin log in? One who is disabled cannot do anything.
    pub enabled: bool,
    /// The hash of the password.
    pub password: String,
    /// The permissions of the admin.
    pub permissions: AdminPermissions,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub description: String,
    /// May be empty.
    pub additional_info: String,
    /// The networks from which the admin may come; from anywhere if empty.
    pub allow_list: Networks,
    /// May API keys be used for the admin?
    pub allow_api_key_auth: bool,
    /// Until the password is changed nothing else is allowed.
    pub require_password_change: bool,
    /// Until a second factor is set up nothing else is allowed.
    pub require_two_factor: bool,
    /// The second factor.
    pub totp: Option<TotpSecret>,
    /// The time steps whose codes were used, see [`spend`](crate::credential::second_factor::spend).
    pub spent_steps: i64,
    /// Codes of which each can be used once instead of a code of the second factor.
    pub recovery_codes: Vec<RecoveryCode>,
    /// Added then.
    pub created_at: i64,
    /// Changed then.
    pub updated_at: i64,
    /// When the password, or what the admin may do, was changed last: sessions from before have ended.
    pub sessions_since: i64,
    /// When the admin last logged in; 0 is never.
    pub last_login: i64,
}

impl Admin {
    /// May the admin come from this address?
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow_list.is_empty() || self.allow_list.contains(address)
    }

    /// Can the admin do everything now?
    pub fn is_full(&self) -> bool {
        self.enabled && self.permissions.contains(AdminPermissions::ANYTHING)
    }
}

impl fmt::Debug for Admin {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("username", &self.username)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
