//! What is known of a name: attributes, entries of directories, space.

use std::time::SystemTime;

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
