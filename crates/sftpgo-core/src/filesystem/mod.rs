//! Where a user's files are: traits that an embedding service can implement, and the local disk.

mod bounded;
mod capabilities;
mod file;
pub mod local;
mod metadata;
mod upload_writer;

use std::{os::fd::BorrowedFd, path::PathBuf, sync::Arc};

pub use self::{
    bounded::BoundedHomes,
    capabilities::{Capabilities, Ownership},
    file::File,
    metadata::{DirEntry, FileId, FileType, Metadata, OwnerIds, SetAttributes, SpaceInfo},
    upload_writer::UploadWriter,
};

use crate::{
    error::{Error, ErrorKind, Result},
    user::EffectiveUser,
    vpath::VirtualPath,
};

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenOptions {
    /// The file is read.
    pub read: bool,
    /// The file is written.
    pub write: bool,
    /// The file is made if there is none.
    pub create: bool,
    /// With `create`: fails if the name is taken, by a link too.
    pub exclusive: bool,
    /// A file that is there is emptied.
    pub truncate: bool,
    /// Every write goes to the end of the file as it is then.
    pub append: bool,
    /// A new file that a sweep leaves alone as long as this handle is open.
    pub unfinished_upload: bool,
    /// Permission bits of a new file, before the umask.
    pub mode: Option<u32>,
}

/// May a rename replace an existing name?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Fails with [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    No,
    /// Replaces in one step.
    Yes,
}

/// A function that is told of each directory that could not be read, or only in part, and why: what goes through a home
/// goes on beside it.
pub type Unreadable<'a> = dyn FnMut(&VirtualPath, &Error) + 'a;

/// One user's files. Calls may block.
pub trait Filesystem: Send + Sync {
    /// Returns what this filesystem can do. Sessions ask for nothing else.
    fn capabilities(&self) -> Capabilities;

    /// Opens or creates a file; only for reading where `random_writes` is not offered.
    ///
    /// # Errors
    /// The kinds of open(2).
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> Result<Box<dyn File>>;

    /// Begins a new content of a name, with these permission bits before the umask. Asked for where `random_writes` is not
    /// offered; what has the name stands until all has come.
    ///
    /// # Errors
    /// The kinds of open(2), short of whether the name is taken.
    fn begin_upload(&self, path: &VirtualPath, mode: Option<u32>) -> Result<Box<dyn UploadWriter>> {
        let _ = (path, mode);
        Err(not_declared())
    }

    /// Attributes of a name, or of what a final link points to when `follow`.
    ///
    /// # Errors
    /// The kinds of stat(2).
    fn metadata(&self, path: &VirtualPath, follow: bool) -> Result<Metadata>;

    /// Opens a directory for listing.
    ///
    /// # Errors
    /// The kinds of opendir(3).
    fn read_dir(&self, path: &VirtualPath) -> Result<Box<dyn Directory>>;

    /// Returns where `raw`, taken from the root, leads: `.` and `..` gone as the storage goes them, and no link left. The
    /// last name may be missing. A storage without links has nothing to look up.
    ///
    /// # Errors
    /// The kinds of realpath(3); a link that leads outside is refused.
    fn resolve(&self, raw: &[u8]) -> Result<VirtualPath> {
        Ok(VirtualPath::parse(raw)?.as_name())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// The kinds of mkdir(2).
    fn create_dir(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()>;

    /// Removes a name that is not a directory.
    ///
    /// # Errors
    /// The kinds of unlink(2).
    fn remove_file(&self, path: &VirtualPath) -> Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The kinds of rmdir(2).
    fn remove_dir(&self, path: &VirtualPath) -> Result<()>;

    /// Renames; never follows a final link.
    ///
    /// # Errors
    /// The kinds of renameat2(2); [`CrossesMounts`](crate::ErrorKind::CrossesMounts) where the names are on two mounts, and then
    /// nothing has changed.
    fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()>;

    /// Renames a symbolic link. One that was given as an absolute path leads to the same from its new place.
    ///
    /// # Errors
    /// Those of [`Filesystem::check_links_from`] and [`Filesystem::rename`].
    fn rename_link(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        self.check_links_from(from, to)?;
        self.rename(from, to, replace)
    }

    /// Would symbolic links still lead inside where `from`, a link or a directory with links, had the name `to`? Asked
    /// before a rename or a hard link, so that no link climbs above the home from a place that is less deep.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) where one would not, or cannot be looked at.
    fn check_links_from(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
        let _ = (from, to);
        Ok(())
    }

    /// Makes `link` a symbolic link to `target`, which the caller has resolved inside the home.
    ///
    /// # Errors
    /// The kinds of symlink(2).
    fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        let _ = (target, link);
        Err(not_declared())
    }

    /// Gives a file a second name.
    ///
    /// # Errors
    /// The kinds of link(2); [`CrossesMounts`](crate::ErrorKind::CrossesMounts) where the names are on two mounts.
    fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        let _ = (original, link);
        Err(not_declared())
    }

    /// Returns where a link points, as the client sees it when inside the home.
    ///
    /// # Errors
    /// The kinds of readlink(2).
    fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        let _ = path;
        Err(not_declared())
    }

    /// Changes attributes of a name, or of what a final link points to when `follow`.
    ///
    /// # Errors
    /// The kinds of chmod(2) and utimensat(2).
    fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &SetAttributes,
        follow: bool,
    ) -> Result<()>;

    /// Holds a directory, so that names in it are reached whatever happens to its own name.
    ///
    /// # Errors
    /// The kinds of open(2); [`Unsupported`](crate::ErrorKind::Unsupported) where `atomic_rename` is not offered.
    fn hold_directory(&self, path: &VirtualPath) -> Result<Arc<dyn DirectoryHandle>> {
        let _ = path;
        Err(not_declared())
    }

    /// Waits until the names in a directory are on stable storage.
    ///
    /// # Errors
    /// The kinds of fsync(2).
    fn sync_dir(&self, path: &VirtualPath) -> Result<()>;

    /// Space left beneath a path.
    ///
    /// # Errors
    /// The kinds of statvfs(3).
    fn space(&self, path: &VirtualPath) -> Result<SpaceInfo>;

    /// Shows every regular file to `visit`, links not followed and unfinished uploads left out. A file with
    /// several names may be shown by each; its [`FileId`] tells.
    ///
    /// # Errors
    /// What reading the tree says.
    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Metadata),
        unreadable: &mut Unreadable<'_>,
    ) -> Result<()>;

    /// Removes unfinished uploads that nobody has open any more, here or in another process, and returns how many.
    ///
    /// # Errors
    /// What reading the tree says.
    fn sweep_uploads(&self, unreadable: &mut Unreadable<'_>) -> Result<u64>;

    /// Returns who owns what is created here, where that is known.
    fn owner_of_new_files(&self) -> Option<OwnerIds> {
        None
    }

    /// The path on the server's disk, for logs and actions only.
    fn display_path(&self, path: &VirtualPath) -> PathBuf;
}

/// A directory that is held. Names are single components, and a link under a name is never followed.
pub trait DirectoryHandle: Send + Sync {
    /// Which directory it is.
    fn file_id(&self) -> FileId;

    /// Attributes of a name.
    ///
    /// # Errors
    /// The kinds of lstat(2).
    fn metadata(&self, name: &[u8]) -> Result<Metadata>;

    /// Opens or creates a file.
    ///
    /// # Errors
    /// The kinds of openat(2).
    fn open(&self, name: &[u8], options: &OpenOptions) -> Result<Box<dyn File>>;

    /// Would opening the file for writing be allowed? Nothing is opened: whoever watches the file hears of no writer.
    ///
    /// # Errors
    /// The kinds of access(2).
    fn check_writable(&self, name: &[u8]) -> Result<()>;

    /// Renames within the directory.
    ///
    /// # Errors
    /// The kinds of renameat2(2).
    fn rename(&self, from: &[u8], to: &[u8], replace: Replace) -> Result<()>;

    /// Moves a name here from another held directory.
    ///
    /// # Errors
    /// The kinds of renameat2(2); [`CrossesMounts`](crate::ErrorKind::CrossesMounts) where that is on another mount.
    fn take_from(&self, other: &dyn DirectoryHandle, name: &[u8]) -> Result<()>;

    /// Removes a name that is not a directory.
    ///
    /// # Errors
    /// The kinds of unlinkat(2).
    fn remove_file(&self, name: &[u8]) -> Result<()>;

    /// Changes attributes of a name.
    ///
    /// # Errors
    /// As [`Filesystem::set_attributes`].
    fn set_attributes(&self, name: &[u8], change: &SetAttributes) -> Result<()>;

    /// Waits until the names are on stable storage.
    ///
    /// # Errors
    /// The kinds of fsync(2).
    fn sync(&self) -> Result<()>;

    /// The handle of the system, for directories that have one.
    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// An open directory.
pub trait Directory: Send {
    /// The next entry, `.` and `..` included; none at the end.
    ///
    /// # Errors
    /// The kinds of readdir(3).
    fn next_entry(&mut self) -> Result<Option<DirEntry>>;
}

/// Opens the filesystem of a user at login.
pub trait FilesystemFactory: Send + Sync {
    /// The user's filesystem; makes the home directory with its parents when missing.
    ///
    /// # Errors
    /// What making or opening the home says.
    fn open_home(&self, user: &EffectiveUser) -> Result<Box<dyn Filesystem>>;

    /// The user's filesystem if the home directory is there.
    ///
    /// # Errors
    /// What opening the home says.
    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>>;
}

/// Returns the refusal of what the [`Capabilities`] of the storage do not declare.
fn not_declared() -> Error {
    Error::new(ErrorKind::Unsupported, "not offered by the storage")
}
