//! What is known of a name: attributes, entries of directories, space.

use std::time::SystemTime;

/// What kind of thing a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe or a socket.
    Other,
}

/// Which file a name stands for. Two names with equal ids are names of one file; the parts mean nothing to anybody but the
/// storage, which makes them up where it has no numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId(u64, u64);

impl FileId {
    /// The file that the storage calls `number` within `storage`: on a disk, an inode of a device.
    pub fn new(storage: u64, number: u64) -> Self {
        Self(storage, number)
    }

    /// Returns the id of what is no file yet.
    pub(crate) fn of_none() -> Self {
        Self(u64::MAX, u64::MAX)
    }
}

/// A user and a group of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerIds {
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
}

/// Attributes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// The kind of what has the name.
    pub file_type: FileType,
    /// File type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// Unix seconds.
    pub atime: i64,
    /// Unix seconds.
    pub mtime: i64,
    /// When the content or an attribute changed last: Unix seconds, and nanoseconds.
    pub changed_at: (i64, u32),
    /// Names of the file.
    pub links: u64,
    /// Which file it is, by any of its names.
    pub file_id: FileId,
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

/// Space of the disk beneath a path, as in statvfs(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpaceInfo {
    /// Bytes of a block (`f_bsize`).
    pub block_size: u64,
    /// Bytes of a fragment, in which blocks are counted (`f_frsize`).
    pub fragment_size: u64,
    /// Fragments in all (`f_blocks`).
    pub blocks: u64,
    /// Free fragments (`f_bfree`).
    pub blocks_free: u64,
    /// Free fragments for who is not root (`f_bavail`).
    pub blocks_available: u64,
    /// Inodes in all (`f_files`).
    pub files: u64,
    /// Free inodes (`f_ffree`).
    pub files_free: u64,
    /// Free inodes for who is not root (`f_favail`).
    pub files_available: u64,
    /// Which filesystem (`f_fsid`).
    pub filesystem_id: u64,
    /// How it is mounted (`f_flag`).
    pub flags: u64,
    /// Bytes of the longest name (`f_namemax`).
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
