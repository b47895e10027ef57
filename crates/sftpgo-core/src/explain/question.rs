//! The questions that can be asked.

use crate::{
    error::{Error, Result},
    vpath::VirtualPath,
};

/// Something that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Lists a directory.
    List,
    /// Reads attributes, of what a link points to.
    Stat,
    /// Reads a file.
    Download,
    /// Stores a file of at least one byte, whether or not one is there, as `put` does.
    Upload,
    /// Stores a file of at least one byte over one that is there.
    Overwrite,
    /// Adds at least one byte to a file that is there, as `reput` does.
    Append,
    /// Cuts a file to nothing.
    Truncate,
    /// Changes a mode and times, as clients do that keep both.
    Setstat,
    /// Changes a mode.
    Chmod,
    /// Changes an owner.
    Chown,
    /// Changes times.
    Chtimes,
    /// Makes a directory.
    Mkdir,
    /// Removes an empty directory.
    Rmdir,
    /// Removes a file or a link.
    Remove,
    /// Renames to a name that is free: SFTP's RENAME.
    Rename,
    /// Renames, replacing what has the name: `posix-rename@openssh.com`.
    Replace,
    /// Makes a symbolic link to the path.
    Symlink,
    /// Gives the file a second name.
    Hardlink,
    /// Reads where a link points.
    Readlink,
    /// Asks for the space that is left.
    Statvfs,
}

impl Action {
    /// All actions, in the order of their documentation.
    pub const ALL: [Self; 20] = [
        Self::List,
        Self::Stat,
        Self::Download,
        Self::Upload,
        Self::Overwrite,
        Self::Append,
        Self::Truncate,
        Self::Setstat,
        Self::Chmod,
        Self::Chown,
        Self::Chtimes,
        Self::Mkdir,
        Self::Rmdir,
        Self::Remove,
        Self::Rename,
        Self::Replace,
        Self::Symlink,
        Self::Hardlink,
        Self::Readlink,
        Self::Statvfs,
    ];

    /// Returns its name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Stat => "stat",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Overwrite => "overwrite",
            Self::Append => "append",
            Self::Truncate => "truncate",
            Self::Setstat => "setstat",
            Self::Chmod => "chmod",
            Self::Chown => "chown",
            Self::Chtimes => "chtimes",
            Self::Mkdir => "mkdir",
            Self::Rmdir => "rmdir",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Replace => "replace",
            Self::Symlink => "symlink",
            Self::Hardlink => "hardlink",
            Self::Readlink => "readlink",
            Self::Statvfs => "statvfs",
        }
    }

    /// The action of this name.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid); the message lists the names there are.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|action| action.name() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::name).join(", ");
                Error::invalid("operation", format_args!("{name:?} is none of {known}"))
            })
    }

    /// Is there a second path, the new name?
    pub fn takes_target(self) -> bool {
        matches!(
            self,
            Self::Rename | Self::Replace | Self::Symlink | Self::Hardlink
        )
    }
}

/// May a user do `action` to a path?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    action: Action,
    raw_path: Vec<u8>,
    path: VirtualPath,
    target: Option<VirtualPath>,
}

impl Question {
    /// May a user do `action` to `path`, with the new name `target` where there is one?
    ///
    /// Paths are the client's; a relative one is taken from `/`, except that of [`Action::Symlink`], which is taken
    /// from the link's directory as the client's would be.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a path that cannot be one, a target too many or one too few.
    pub fn new(action: Action, path: &[u8], target: Option<&[u8]>) -> Result<Self> {
        let question = Self {
            action,
            raw_path: path.to_vec(),
            path: parse("path", path)?,
            target: target.map(|target| parse("target", target)).transpose()?,
        };
        match (action.takes_target(), &question.target) {
            (true, None) => Err(Error::invalid(
                "target",
                format_args!("{} needs the new name", action.name()),
            )),
            (false, Some(_)) => Err(Error::invalid(
                "target",
                format_args!("{} takes no second path", action.name()),
            )),
            _ => Ok(question),
        }
    }

    /// The operation that is asked for.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The path as it was given: a symbolic link may point to a relative one.
    pub fn raw_path(&self) -> &[u8] {
        &self.raw_path
    }

    /// The path, cleaned.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// The new name, cleaned.
    pub fn target(&self) -> Option<&VirtualPath> {
        self.target.as_ref()
    }
}

fn parse(field: &str, raw: &[u8]) -> Result<VirtualPath> {
    if raw.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    VirtualPath::parse(raw).map_err(|error| {
        let wrong = error.message();
        Error::invalid(field, wrong.strip_prefix("path: ").unwrap_or(wrong))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()).unwrap(), action);
        }
        let error = Action::from_name("LIST").unwrap_err();
        for action in Action::ALL {
            assert!(error.message().contains(action.name()), "{error}");
        }
    }

    #[test]
    fn a_question_has_as_many_paths_as_its_action_takes() {
        let ask = |action, path: &[u8], target: Option<&[u8]>| {
            Question::new(action, path, target).map_err(|error| error.to_string())
        };
        assert!(ask(Action::List, b"/", None).is_ok());
        assert!(ask(Action::Rename, b"/a", Some(b"/b")).is_ok());
        for (refused, field) in [
            (ask(Action::Rename, b"/a", None), "target"),
            (ask(Action::List, b"/a", Some(b"/b")), "target"),
            (ask(Action::Rename, b"/a", Some(b"")), "target"),
            (
                ask(Action::Rename, b"/a", Some(b"b\0")),
                "target: contains NUL",
            ),
            (ask(Action::List, b"", None), "path"),
            (ask(Action::List, &[b'a'; 4097], None), "path: longer"),
        ] {
            assert!(
                refused.clone().unwrap_err().starts_with(field),
                "{refused:?}"
            );
        }
    }
}
