//! The rules that refuse or allow what a client asks for, by name.

use std::fmt;

use crate::permission::Permissions;

/// A rule of this server, finer than an [`ErrorKind`](crate::ErrorKind): several of them refuse with the same kind. What
/// the storage refuses for its own reasons names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The user is disabled.
    AccountDisabled,
    /// The user's `expiration_date` has passed.
    AccountExpired,
    /// The user is denied every way to log in.
    LoginMethodsDenied,
    /// The home directory cannot be opened.
    HomeUnusable,
    /// Permissions decide: those that are missing where it refuses, all that are needed where it allows.
    Permission(Permissions),
    /// The name is one of unfinished uploads.
    ReservedName,
    /// A link leads out of the home.
    OutsideHome,
    /// Links in a circle, or links where none are followed.
    ForbiddenLink,
    /// One more file would pass `quota_files`.
    QuotaFiles,
    /// More bytes would pass `quota_size`.
    QuotaSize,
}

impl Rule {
    /// The name in answers to programs; stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountDisabled => "account_disabled",
            Self::AccountExpired => "account_expired",
            Self::LoginMethodsDenied => "login_methods_denied",
            Self::HomeUnusable => "home_unusable",
            Self::Permission(_) => "permission",
            Self::ReservedName => "reserved_name",
            Self::OutsideHome => "outside_home",
            Self::ForbiddenLink => "forbidden_link",
            Self::QuotaFiles => "quota_files",
            Self::QuotaSize => "quota_size",
        }
    }

    /// The permissions that decided; none when another rule did.
    pub fn permissions(self) -> Permissions {
        match self {
            Self::Permission(permissions) => permissions,
            _ => Permissions::empty(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
