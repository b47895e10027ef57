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

/// Device and inode number: which file a name stands for.
pub type Inode = (u64, u64);

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
    /// What it is.
    pub file_type: FileType,
    /// File type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// Bytes.
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
