//! Permissions: the names of the REST contract, and the three that SFTPGo 0.9.4 added, as a set.

use std::fmt;

bitflags::bitflags! {
    /// A set of permissions; `*` on the wire is [`Permissions::all`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Permissions: u16 {
        /// List directories and read attributes.
        const LIST = 1;
        /// Read files.
        const DOWNLOAD = 1 << 1;
        /// Create and write files.
        const UPLOAD = 1 << 2;
        /// Replace an existing file while uploading; needs upload too.
        const OVERWRITE = 1 << 3;
        /// Delete files and directories.
        const DELETE = 1 << 4;
        /// Rename files and directories.
        const RENAME = 1 << 5;
        /// Create directories.
        const CREATE_DIRS = 1 << 6;
        /// Create symbolic and hard links.
        const CREATE_SYMLINKS = 1 << 7;
        /// Change permission bits.
        const CHMOD = 1 << 8;
        /// Change owner and group.
        const CHOWN = 1 << 9;
        /// Change access and modification times.
        const CHTIMES = 1 << 10;
    }
}

/// The name on the wire, and what it allows, as a sentence for a person.
const TABLE: [(&str, Permissions, &str); 11] = [
    (
        "list",
        Permissions::LIST,
        "List directories and read attributes.",
    ),
    ("download", Permissions::DOWNLOAD, "Read files."),
    ("upload", Permissions::UPLOAD, "Create and write files."),
    (
        "overwrite",
        Permissions::OVERWRITE,
        "Replace files while uploading.",
    ),
    (
        "delete",
        Permissions::DELETE,
        "Delete files and directories.",
    ),
    (
        "rename",
        Permissions::RENAME,
        "Rename files and directories.",
    ),
    (
        "create_dirs",
        Permissions::CREATE_DIRS,
        "Create directories.",
    ),
    (
        "create_symlinks",
        Permissions::CREATE_SYMLINKS,
        "Create symbolic and hard links.",
    ),
    ("chmod", Permissions::CHMOD, "Change permission bits."),
    ("chown", Permissions::CHOWN, "Change owner and group."),
    (
        "chtimes",
        Permissions::CHTIMES,
        "Change access and modification times.",
    ),
];

impl Permissions {
    /// Returns all permissions in the contract's order: the name on the wire, and what it allows, as a sentence for a
    /// person.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
        TABLE.iter().map(|(name, _, allows)| (*name, *allows))
    }

    /// The set that a list of wire names means: `*` is everything, repeats fold.
    ///
    /// # Errors
    /// [`BadPermissions`] when the list is empty or a name is unknown.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Result<Self, BadPermissions> {
        if names.is_empty() {
            return Err(BadPermissions::None);
        }
        names.iter().try_fold(Self::empty(), |set, name| {
            Ok(set | Self::from_name_on_wire(name.as_ref())?)
        })
    }

    fn from_name_on_wire(name: &str) -> Result<Self, BadPermissions> {
        if name == "*" {
            return Ok(Self::all());
        }
        TABLE
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, permission, _)| *permission)
            .ok_or_else(|| BadPermissions::Unknown(name.to_owned()))
    }

    /// The wire names of this set, in the contract's order; everything is just `*`.
    pub fn names_on_wire(self) -> Vec<&'static str> {
        if self == Self::all() {
            return vec!["*"];
        }
        TABLE
            .iter()
            .filter(|(_, permission, _)| self.contains(*permission))
            .map(|(name, ..)| *name)
            .collect()
    }
}

/// Why a list of wire names is no set of permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPermissions {
    /// The list is empty.
    None,
    /// No permission has this name.
    Unknown(String),
}

impl fmt::Display for BadPermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("at least one permission is needed"),
            Self::Unknown(name) => write!(f, "unknown permission {name:?}"),
        }
    }
}

impl std::error::Error for BadPermissions {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_swallows_the_rest_and_repeats_fold() {
        assert_eq!(
            Permissions::from_names(&["list", "*"])
                .unwrap()
                .names_on_wire(),
            ["*"]
        );
        assert_eq!(
            Permissions::from_names(&["upload", "list", "upload"])
                .unwrap()
                .names_on_wire(),
            ["list", "upload"]
        );
    }

    #[test]
    fn an_empty_list_and_an_unknown_name_are_refused() {
        let refused = Permissions::from_names::<&str>(&[]);
        assert_eq!(refused, Err(BadPermissions::None));
        let error = Permissions::from_names(&["read"]).unwrap_err();
        assert!(error.to_string().contains("\"read\""), "{error}");
    }

    #[test]
    fn the_eight_names_before_0_9_4_are_not_everything() {
        let old = TABLE.map(|(name, ..)| name);
        let old = old.get(..8).unwrap();
        let set = Permissions::from_names(old).unwrap();
        assert_ne!(set, Permissions::all());
        assert_eq!(set.names_on_wire(), old);
    }

    #[test]
    fn every_single_name_survives_the_round_trip() {
        for (name, permission, _) in TABLE {
            assert_eq!(Permissions::from_names(&[name]).unwrap(), permission);
            assert_eq!(permission.names_on_wire(), [name]);
        }
    }
}
