//! The kinds of access to one path.

use crate::permission::Permissions;

/// One kind of access to one path: the unit that a policy decides about. A request may be several of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Lists a directory.
    List,
    /// Reads attributes, where a link points, or the space that is left.
    Stat,
    /// Reads a file.
    Download,
    /// Writes a file.
    Upload,
    /// Replaces a file, or the content of one, that is there.
    Overwrite,
    /// Changes the length of a file.
    Truncate,
    /// Removes a file, a link or a directory.
    Delete,
    /// Takes a name away by a rename.
    RenameFrom,
    /// Gives a name by a rename.
    RenameTo,
    /// Makes a directory.
    CreateDir,
    /// Makes a symbolic link, or gives a file a second name.
    CreateLink,
    /// Makes something the target of a link.
    LinkTarget,
    /// Changes permission bits.
    Chmod,
    /// Changes owner and group.
    Chown,
    /// Changes access and modification times.
    Chtimes,
}

impl Access {
    /// The permissions that are needed for it, all of them.
    pub fn permissions(self) -> Permissions {
        match self {
            Self::List | Self::Stat => Permissions::LIST,
            Self::Download => Permissions::DOWNLOAD,
            Self::Upload => Permissions::UPLOAD,
            Self::Overwrite => Permissions::OVERWRITE,
            Self::Truncate => Permissions::UPLOAD | Permissions::OVERWRITE,
            Self::Delete => Permissions::DELETE,
            Self::RenameFrom | Self::RenameTo => Permissions::RENAME,
            Self::CreateDir => Permissions::CREATE_DIRS,
            Self::CreateLink | Self::LinkTarget => Permissions::CREATE_SYMLINKS,
            Self::Chmod => Permissions::CHMOD,
            Self::Chown => Permissions::CHOWN,
            Self::Chtimes => Permissions::CHTIMES,
        }
    }

    /// May it make a name that is not there yet? Then a name that is reserved is refused, and does not only seem to be
    /// missing.
    pub(super) fn makes_name(self) -> bool {
        matches!(
            self,
            Self::Upload | Self::RenameTo | Self::CreateDir | Self::CreateLink
        )
    }
}
