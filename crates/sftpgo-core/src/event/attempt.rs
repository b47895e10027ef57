//! What sessions ask for, by name.

use std::fmt;

/// Something that a session asks for, by the words that explanations have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// Reading attributes.
    Stat,
    /// Listing a directory.
    List,
    /// Reading a file.
    Download,
    /// Writing a file.
    Upload,
    /// Changing attributes.
    Setstat,
    /// Making a directory.
    Mkdir,
    /// Removing a directory.
    Rmdir,
    /// Removing a file or a link.
    Remove,
    /// Renaming, whatever becomes of what has the name.
    Rename,
    /// Making a symbolic link.
    Symlink,
    /// Giving a file a second name.
    Hardlink,
    /// Reading where a link points.
    Readlink,
    /// Asking where a path leads.
    Realpath,
    /// Asking for the space that is left.
    Statvfs,
}

impl Attempt {
    /// Its name for people and programs; stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::List => "list",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Setstat => "setstat",
            Self::Mkdir => "mkdir",
            Self::Rmdir => "rmdir",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Symlink => "symlink",
            Self::Hardlink => "hardlink",
            Self::Readlink => "readlink",
            Self::Realpath => "realpath",
            Self::Statvfs => "statvfs",
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
