//! One user, the user's files and quota: every file operation with its permission check.

mod open;

use std::sync::{Arc, PoisonError};

use crate::{
    auth::LoggedIn,
    error::{Error, ErrorKind, Result},
    event::{Command, Event, Events},
    filesystem::{
        DirEntry, Directory, File, FileType, Filesystem, Metadata, Replace, SetAttributes,
        SpaceInfo, is_upload_temporary,
    },
    permission::Permissions,
    provider::UsageDelta,
    quota::QuotaAccount,
    registry::ConnectionGuard,
    user::User,
    vpath::VirtualPath,
};

pub use open::OpenRequest;

/// What becomes of an upload before its CLOSE (`upload_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UploadMode {
    /// 0: data goes straight into the file.
    #[default]
    Standard,
    /// 1: data goes to a hidden temporary, renamed over the file at a clean CLOSE.
    Atomic,
    /// 2: as 1, and a lost upload is kept under its name so that the client can resume.
    AtomicWithResume,
}

/// How uploads are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UploadPolicy {
    /// See [`UploadMode`].
    pub mode: UploadMode,
    /// Wait for stable storage before CLOSE is answered.
    pub sync: bool,
}

/// One listed session of a logged-in user.
pub struct Session {
    pub(crate) shared: Arc<Shared>,
}

/// What a session and its open files have in common.
pub(crate) struct Shared {
    pub(crate) user: Arc<User>,
    pub(crate) filesystem: Arc<dyn Filesystem>,
    pub(crate) quota: Arc<QuotaAccount>,
    pub(crate) connection: ConnectionGuard,
    pub(crate) events: Events,
    pub(crate) uploads: UploadPolicy,
}

impl Session {
    /// A session of `logged_in`, listed as `connection`.
    pub fn new(
        logged_in: &LoggedIn,
        connection: ConnectionGuard,
        events: Events,
        uploads: UploadPolicy,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                user: Arc::clone(&logged_in.user),
                filesystem: Arc::clone(&logged_in.filesystem),
                quota: Arc::clone(&logged_in.quota),
                connection,
                events,
                uploads,
            }),
        }
    }

    /// The listed connection.
    pub fn connection(&self) -> &ConnectionGuard {
        &self.shared.connection
    }

    /// Attributes of a name, or of what a final link points to when `follow`.
    ///
    /// # Errors
    /// Needs `list`.
    pub fn metadata(&self, path: &VirtualPath, follow: bool) -> Result<Metadata> {
        self.need(Permissions::LIST)?;
        check_visible(path)?;
        self.shared.filesystem.metadata(path, follow)
    }

    /// Opens a directory for listing; unfinished uploads do not show.
    ///
    /// # Errors
    /// Needs `list`.
    pub fn open_dir(&self, path: &VirtualPath) -> Result<Listing> {
        self.need(Permissions::LIST)?;
        check_visible(path)?;
        Ok(Listing {
            directory: self.shared.filesystem.read_dir(path)?,
            path: path.clone(),
        })
    }

    /// Removes a file or link.
    ///
    /// # Errors
    /// Needs `delete`; a directory is refused.
    pub fn remove(&self, path: &VirtualPath) -> Result<()> {
        self.need(Permissions::DELETE)?;
        check_visible(path)?;
        let names = self.shared.quota.lock_names();
        let found = self.shared.filesystem.metadata(path, false)?;
        if found.file_type == FileType::Directory {
            return Err(Error::new(ErrorKind::IsADirectory, "is a directory"));
        }
        self.shared.filesystem.remove_file(path)?;
        let freed = self.shared.release(&found);
        drop(names);
        self.shared.settle(freed);
        self.tell(Command::Remove, path, None);
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// Needs `delete`.
    pub fn remove_dir(&self, path: &VirtualPath) -> Result<()> {
        self.need(Permissions::DELETE)?;
        check_visible(path)?;
        self.shared.filesystem.remove_dir(path)?;
        self.tell(Command::Rmdir, path, None);
        Ok(())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// Needs `create_dirs`.
    pub fn create_dir(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()> {
        self.need(Permissions::CREATE_DIRS)?;
        check_creatable(path)?;
        self.shared.filesystem.create_dir(path, mode)?;
        self.tell(Command::Mkdir, path, None);
        Ok(())
    }

    /// Renames; a replaced file leaves the quota.
    ///
    /// # Errors
    /// Needs `rename`, and `overwrite` when the target is replaced.
    pub fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        self.need(Permissions::RENAME)?;
        check_visible(from)?;
        check_creatable(to)?;
        let names = self.shared.quota.lock_names();
        let source = self.shared.filesystem.metadata(from, false)?;
        let target = match self.shared.filesystem.metadata(to, false) {
            Ok(target) => Some(target),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if target.is_some() {
            if replace == Replace::No {
                return Err(Error::new(ErrorKind::AlreadyExists, "the target exists"));
            }
            self.need(Permissions::OVERWRITE)?;
        }
        self.shared.filesystem.rename(from, to, replace)?;
        // Renaming one name of a file over another of the same file changes nothing.
        let replaced = target.filter(|target| target.inode != source.inode);
        let freed = replaced.map_or_else(UsageDelta::default, |replaced| {
            self.shared.release(&replaced)
        });
        drop(names);
        self.shared.settle(freed);
        self.tell(Command::Rename, from, Some(to));
        Ok(())
    }

    /// Makes `link` point to `target`: the client's absolute path, or one relative to the link's directory.
    ///
    /// An absolute target is stored relative behind `./`, so that it stays beneath the home for the kernel
    /// and READLINK can show it as it was given.
    ///
    /// # Errors
    /// Needs `create_symlinks`; a target outside the home is refused.
    pub fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        self.need(Permissions::CREATE_SYMLINKS)?;
        check_creatable(link)?;
        let directory = link.parent().unwrap_or_else(VirtualPath::root);
        if target.is_empty() || !stays_inside(&directory, target) {
            return Err(Error::denied("the target leads outside the home directory"));
        }
        let resolved = directory.join(target)?;
        check_visible(&resolved)?;
        if target.starts_with(b"/") {
            self.shared
                .filesystem
                .symlink(&relative_from(&directory, &resolved), link)?;
        } else {
            self.shared.filesystem.symlink(target, link)?;
        }
        self.tell(Command::Symlink, &resolved, Some(link));
        Ok(())
    }

    /// Gives a file a second name; it counts once in the quota.
    ///
    /// # Errors
    /// Needs `create_symlinks`.
    pub fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        self.need(Permissions::CREATE_SYMLINKS)?;
        check_visible(original)?;
        check_creatable(link)?;
        let names = self.shared.quota.lock_names();
        self.shared.filesystem.hard_link(original, link)?;
        drop(names);
        self.tell(Command::Symlink, original, Some(link));
        Ok(())
    }

    /// Where a link points, as the client's path.
    ///
    /// # Errors
    /// Needs `list`.
    pub fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        self.need(Permissions::LIST)?;
        check_visible(path)?;
        self.shared.filesystem.read_link(path)
    }

    /// Changes attributes by name.
    ///
    /// # Errors
    /// Needs `upload`, and `overwrite` to change the size.
    pub fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &AttributeChange,
        follow: bool,
    ) -> Result<()> {
        self.need(Permissions::UPLOAD)?;
        check_visible(path)?;
        if let Some(size) = change.size {
            self.truncate(path, size)?;
        }
        if change.other == SetAttributes::default() {
            return if change.size.is_some() {
                Ok(())
            } else {
                self.shared.filesystem.metadata(path, follow).map(drop)
            };
        }
        self.shared
            .filesystem
            .set_attributes(path, &change.other, follow)
    }

    /// Space left beneath `path`: the quota when one is set, else the disk's.
    ///
    /// # Errors
    /// Needs `list`.
    pub fn space(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        self.need(Permissions::LIST)?;
        check_visible(path)?;
        let disk = self.shared.filesystem.space(path)?;
        Ok(self.shared.quota.status().shown_in(disk))
    }

    fn truncate(&self, path: &VirtualPath, size: u64) -> Result<()> {
        self.need(Permissions::OVERWRITE)?;
        let options = crate::filesystem::OpenOptions {
            write: true,
            ..Default::default()
        };
        let file = self.shared.filesystem.open(path, &options)?;
        let metadata = file.metadata()?;
        let counted = self.shared.quota.inode(metadata.inode, metadata.size);
        let delta = self.shared.resize(file.as_ref(), &counted, size)?;
        self.shared.settle(UsageDelta {
            size: delta,
            files: 0,
        });
        Ok(())
    }

    fn need(&self, permissions: Permissions) -> Result<()> {
        self.shared.connection.touch();
        if self.shared.user.permissions.contains(permissions) {
            return Ok(());
        }
        Err(Error::denied(format!(
            "permission denied: needs {}",
            permissions.names_on_wire().join(" and ")
        )))
    }

    fn tell(&self, command: Command, path: &VirtualPath, target: Option<&VirtualPath>) {
        let target = target.map(|target| self.shared.filesystem.display_path(target));
        self.shared.events.emit(&Event::Command {
            command,
            username: &self.shared.user.username,
            file_path: &self.shared.filesystem.display_path(path),
            target_path: target.as_deref(),
            connection_id: self.shared.connection.id(),
            protocol: self.shared.connection.protocol(),
        });
    }
}

impl Shared {
    /// Takes a file whose name was removed or replaced out of the count, unless it has other names.
    pub(crate) fn release(&self, gone: &Metadata) -> UsageDelta {
        if gone.file_type != FileType::File || gone.links > 1 {
            return UsageDelta::default();
        }
        let counted = self.quota.inode(gone.inode, gone.size);
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !counted.counted {
            return UsageDelta::default();
        }
        counted.counted = false;
        let freed = UsageDelta {
            size: -signed(counted.size),
            files: -1,
        };
        self.quota.charge(freed);
        freed
    }

    /// Cuts or extends an open file within the quota and answers by how many bytes.
    pub(crate) fn resize(
        &self,
        file: &dyn File,
        counted: &std::sync::Mutex<crate::quota::CountedInode>,
        size: u64,
    ) -> Result<i64> {
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !counted.counted && size > counted.size && self.quota.limits_size() {
            return Err(Error::new(
                ErrorKind::QuotaExceeded,
                "quota exceeded: the file was removed and cannot grow",
            ));
        }
        let delta = if counted.counted {
            signed(size) - signed(counted.size)
        } else {
            0
        };
        let delta = UsageDelta {
            size: delta,
            files: 0,
        };
        if delta.size > 0 {
            self.quota.reserve(delta)?;
        }
        if let Err(error) = file.set_len(size) {
            if delta.size > 0 {
                self.give_back(delta);
            }
            return Err(error);
        }
        if delta.size < 0 {
            self.quota.charge(delta);
        }
        counted.size = size;
        Ok(delta.size)
    }

    /// Writes a finished operation's delta; the files are as they are even when the ledger fails.
    pub(crate) fn settle(&self, delta: UsageDelta) {
        if let Err(error) = self.quota.settle(delta) {
            log::error!(
                "the usage of {:?} was not stored: {error}",
                self.user.username
            );
        }
    }
}

/// Attributes to change by name or on an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttributeChange {
    /// New length in bytes.
    pub size: Option<u64>,
    /// Everything that is not the size.
    pub other: SetAttributes,
}

/// An open directory of a session.
pub struct Listing {
    directory: Box<dyn Directory>,
    path: VirtualPath,
}

impl Listing {
    /// The directory that is listed.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// What reading says.
    pub fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        loop {
            match self.directory.next_entry()? {
                Some(entry) if is_upload_temporary(&entry.name) => {}
                entry => return Ok(entry),
            }
        }
    }
}

/// Unfinished uploads do not exist for a client.
pub(crate) fn check_visible(path: &VirtualPath) -> Result<()> {
    if path.components().any(is_upload_temporary) {
        return Err(Error::not_found("no such file or directory"));
    }
    Ok(())
}

fn check_creatable(path: &VirtualPath) -> Result<()> {
    check_visible(path).map_err(|_| Error::denied("the name is reserved"))
}

/// Does `target`, taken from `directory`, never climb above the root?
pub(crate) fn stays_inside(directory: &VirtualPath, target: &[u8]) -> bool {
    let mut depth = if target.starts_with(b"/") {
        0
    } else {
        directory.components().count()
    };
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if depth == 0 => return false,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

/// `target` as seen from `directory`, behind `./`.
fn relative_from(directory: &VirtualPath, target: &VirtualPath) -> Vec<u8> {
    let shared = directory
        .components()
        .zip(target.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = directory.components().count() - shared;
    let steps = std::iter::once(&b"."[..])
        .chain(std::iter::repeat_n(&b".."[..], up))
        .chain(target.components().skip(shared));
    let mut relative = Vec::new();
    for step in steps {
        if !relative.is_empty() {
            relative.push(b'/');
        }
        relative.extend_from_slice(step);
    }
    // A lone `.` would lose the mark.
    if relative == b"." {
        relative.extend_from_slice(b"/.");
    }
    relative
}

pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_targets_become_relative_to_the_link() {
        for (directory, target, expected) in [
            ("/", "/a", "./a"),
            ("/d", "/a/b", "./../a/b"),
            ("/d/e", "/d/f", "./../f"),
            ("/d", "/d", "./."),
            ("/d/e", "/", "./../.."),
        ] {
            let path = |raw: &str| VirtualPath::parse(raw.as_bytes()).unwrap();
            let relative = relative_from(&path(directory), &path(target));
            assert_eq!(String::from_utf8(relative.clone()).unwrap(), expected);
            assert_eq!(path(directory).join(&relative).unwrap(), path(target));
        }
    }

    #[test]
    fn targets_above_the_root_do_not_stay_inside() {
        let directory = VirtualPath::parse(b"/d/e").unwrap();
        assert!(stays_inside(&directory, b"../../x"));
        assert!(!stays_inside(&directory, b"../../../x"));
        assert!(stays_inside(&directory, b"/a/../b"));
        assert!(!stays_inside(&directory, b"/.."));
    }
}
