//! Where a user's files are: traits that an embedding service can implement, and the local disk.

mod bounded;
pub mod local;

use std::{os::fd::BorrowedFd, path::PathBuf, sync::Arc, time::SystemTime};

pub use self::bounded::BoundedHomes;

use crate::{
    error::{Error, Result},
    user::User,
    vpath::VirtualPath,
};

/// What a filesystem can do beyond sequential reading and writing; an object store lacks some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Writes at any offset.
    pub random_writes: bool,
    /// Symbolic and hard links.
    pub links: bool,
    /// Rename over an existing name in one step, and directories that can be held
    /// ([`Filesystem::hold_directory`]): what atomic uploads need.
    pub atomic_rename: bool,
    /// Files can be given to other owners.
    pub ownership: bool,
}

/// What kind of thing a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FileType {
    File,
    Directory,
    Symlink,
    Other,
}

/// Device and inode number: which file a name stands for.
pub type Inode = (u64, u64);

/// A user and a group of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OwnerIds {
    pub uid: u32,
    pub gid: u32,
}

/// Attributes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // as in stat(2)
pub struct Metadata {
    pub file_type: FileType,
    /// File type and permission bits, as in `st_mode`.
    pub mode: u32,
    pub size: u64,
    pub uid: u32,
    pub gid: u32,
    /// Unix seconds.
    pub atime: i64,
    /// Unix seconds.
    pub mtime: i64,
    /// When the content or an attribute changed last: Unix seconds, and nanoseconds.
    pub changed_at: (i64, u32),
    /// Names of the inode.
    pub links: u64,
    /// Device and inode: the same file by any name.
    pub inode: Inode,
}

/// Attributes to change; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetAttributes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Access and modification time.
    pub times: Option<(SystemTime, SystemTime)>,
    /// Owner and group, applied only when running as root.
    pub owner: Option<(u32, u32)>,
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // as in open(2)
pub struct OpenOptions {
    pub read: bool,
    pub write: bool,
    pub create: bool,
    pub exclusive: bool,
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

/// Space of the disk beneath a path, as in statvfs(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct SpaceInfo {
    pub block_size: u64,
    pub fragment_size: u64,
    pub blocks: u64,
    pub blocks_free: u64,
    pub blocks_available: u64,
    pub files: u64,
    pub files_free: u64,
    pub files_available: u64,
    pub filesystem_id: u64,
    pub flags: u64,
    pub name_max: u64,
}

/// A name in a directory with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name's bytes.
    pub name: Vec<u8>,
    /// Attributes of the name itself, links not followed.
    pub metadata: Metadata,
}

/// Who hears of a directory that could not be read, or only in part, and why: what goes through a home goes on beside it.
pub type Unreadable<'a> = dyn FnMut(&VirtualPath, &Error) + 'a;

/// One user's files. Calls may block.
pub trait Filesystem: Send + Sync {
    /// What this filesystem can do.
    fn capabilities(&self) -> Capabilities;

    /// Opens or creates a file.
    ///
    /// # Errors
    /// The kinds of open(2).
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> Result<Box<dyn File>>;

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

    /// Where `raw`, taken from the root, leads: `.` and `..` gone as the storage goes them, and no link left. The last
    /// name may be missing. A storage without links has nothing to look up.
    ///
    /// # Errors
    /// The kinds of realpath(3); a link that leads outside is refused.
    fn real_path(&self, raw: &[u8]) -> Result<VirtualPath> {
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
    /// The kinds of renameat2(2).
    fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()>;

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
    fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()>;

    /// Gives a file a second name.
    ///
    /// # Errors
    /// The kinds of link(2).
    fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()>;

    /// Where a link points, as the client sees it when inside the home.
    ///
    /// # Errors
    /// The kinds of readlink(2).
    fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>>;

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
    fn hold_directory(&self, path: &VirtualPath) -> Result<Arc<dyn DirectoryHandle>>;

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
    /// several names may be shown by each; its inode tells.
    ///
    /// # Errors
    /// What reading the tree says.
    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Metadata),
        unreadable: &mut Unreadable<'_>,
    ) -> Result<()>;

    /// Removes unfinished uploads that nobody has open any more, here or in another process, and answers how many.
    ///
    /// # Errors
    /// What reading the tree says.
    fn sweep_uploads(&self, unreadable: &mut Unreadable<'_>) -> Result<u64>;

    /// Who owns what is created here, where that is known.
    fn owner_of_new_files(&self) -> Option<OwnerIds> {
        None
    }

    /// The path on the server's disk, for logs and actions only.
    fn display_path(&self, path: &VirtualPath) -> PathBuf;
}

/// A directory that is held. Names are single components, and a link under a name is never followed.
pub trait DirectoryHandle: Send + Sync {
    /// Which directory it is.
    fn inode(&self) -> Inode;

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
    /// The kinds of renameat2(2).
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

/// An open file. Dropping it closes it.
pub trait File: Send + Sync {
    /// Reads at `offset` into `buffer`; 0 is the end of the file.
    ///
    /// # Errors
    /// The kinds of pread(2).
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    /// The kinds of pwrite(2).
    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()>;

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// The kinds of ftruncate(2).
    fn set_len(&self, size: u64) -> Result<()>;

    /// Copies up to `len` bytes at `from` of `source` to `to` of this file without the data leaving the storage, and
    /// answers how many; 0 is the end of `source`. None when this cannot be done between the two.
    ///
    /// # Errors
    /// The kinds of copy_file_range(2).
    fn copy_within_storage(
        &self,
        source: &dyn File,
        from: u64,
        to: u64,
        len: usize,
    ) -> Result<Option<usize>> {
        let _ = (source, from, to, len);
        Ok(None)
    }

    /// The handle of the system, for files that have one.
    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Waits until the data is on stable storage.
    ///
    /// # Errors
    /// The kinds of fsync(2).
    fn sync(&self) -> Result<()>;

    /// Asks what closing the file would say: some storages (NFS, FUSE) tell only then that data was not stored.
    ///
    /// # Errors
    /// The kinds of close(2).
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Attributes of the open file.
    ///
    /// # Errors
    /// The kinds of fstat(2).
    fn metadata(&self) -> Result<Metadata>;

    /// Changes attributes of the open file.
    ///
    /// # Errors
    /// The kinds of fchmod(2) and futimens(3).
    fn set_attributes(&self, change: &SetAttributes) -> Result<()>;
}

/// One open file in several hands; the last one closes it.
impl File for Arc<dyn File> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        (**self).write_all_at(data, offset)
    }

    fn set_len(&self, size: u64) -> Result<()> {
        (**self).set_len(size)
    }

    fn copy_within_storage(
        &self,
        source: &dyn File,
        from: u64,
        to: u64,
        len: usize,
    ) -> Result<Option<usize>> {
        (**self).copy_within_storage(source, from, to, len)
    }

    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        (**self).system_handle()
    }

    fn sync(&self) -> Result<()> {
        (**self).sync()
    }

    fn flush(&self) -> Result<()> {
        (**self).flush()
    }

    fn metadata(&self) -> Result<Metadata> {
        (**self).metadata()
    }

    fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        (**self).set_attributes(change)
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

/// Names that start so are unfinished uploads: hidden from clients and counted in no quota.
pub const UPLOAD_TEMPORARY_PREFIX: &[u8] = b".sftpgo-upload.";

/// Is `name` (one component) an unfinished upload?
pub fn is_upload_temporary(name: &[u8]) -> bool {
    name.starts_with(UPLOAD_TEMPORARY_PREFIX)
}

/// Opens the filesystem of a user at login.
pub trait Homes: Send + Sync {
    /// The user's filesystem; makes the home directory with its parents when missing.
    ///
    /// # Errors
    /// What making or opening the home says.
    fn open_home(&self, user: &User) -> Result<Box<dyn Filesystem>>;

    /// The user's filesystem if the home directory is there.
    ///
    /// # Errors
    /// What opening the home says.
    fn existing_home(&self, user: &User) -> Result<Option<Box<dyn Filesystem>>>;
}
