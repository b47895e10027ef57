//! The rules that refuse or allow what a client asks for, by name.

use std::fmt;

use crate::permission::Permissions;

/// What decided. Finer than [`ErrorKind`](crate::ErrorKind): several rules refuse with the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The user is disabled.
    AccountDisabled,
    /// The user's `expiration_date` has passed.
    AccountExpired,
    /// The home directory cannot be opened.
    HomeUnusable,
    /// These permissions are needed: refused without them, allowed with them.
    Permission(Permissions),
    /// The name is one of unfinished uploads.
    ReservedName,
    /// A link leads out of the home.
    OutsideHome,
    /// Links in a circle, or links where none are followed.
    ForbiddenLink,
    /// Not on the root directory.
    RootDirectory,
    /// The name, or the directory it would be in, is not there.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// Not on a directory.
    IsADirectory,
    /// Only on a directory.
    NotADirectory,
    /// Only on an empty directory.
    DirectoryNotEmpty,
    /// A directory would come to be inside itself.
    InsideItself,
    /// Only on a regular file.
    NotARegularFile,
    /// Only on a symbolic link.
    NotALink,
    /// One more file would pass `quota_files`.
    QuotaFiles,
    /// More bytes would pass `quota_size`.
    QuotaSize,
    /// A name or value that the storage does not take.
    InvalidValue,
    /// The operating system's own rules: owners, permission bits, a read-only disk.
    OperatingSystem,
    /// The storage is full or does not offer this.
    Storage,
    /// The server failed; nothing was decided.
    Failure,
}

impl Rule {
    /// The name in answers to programs; stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountDisabled => "account_disabled",
            Self::AccountExpired => "account_expired",
            Self::HomeUnusable => "home_unusable",
            Self::Permission(_) => "permission",
            Self::ReservedName => "reserved_name",
            Self::OutsideHome => "outside_home",
            Self::ForbiddenLink => "forbidden_link",
            Self::RootDirectory => "root_directory",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::IsADirectory => "is_a_directory",
            Self::NotADirectory => "not_a_directory",
            Self::DirectoryNotEmpty => "directory_not_empty",
            Self::InsideItself => "inside_itself",
            Self::NotARegularFile => "not_a_regular_file",
            Self::NotALink => "not_a_link",
            Self::QuotaFiles => "quota_files",
            Self::QuotaSize => "quota_size",
            Self::InvalidValue => "invalid_value",
            Self::OperatingSystem => "operating_system",
            Self::Storage => "storage",
            Self::Failure => "failure",
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
