//! The SFTP version 3 wire format (draft-ietf-secsh-filexfer-02), without IO, clock or async.

pub mod attrs;
pub mod decode;
pub mod encode;
pub mod framer;
pub mod status;
pub mod write_header;

/// The protocol version spoken; a client that offers more is answered with this.
pub const VERSION: u32 = 3;

/// The longest packet accepted, its type byte included, its length field not: what OpenSSH sends at the most.
pub const MAX_PACKET_LEN: usize = 256 * 1024;

/// The most bytes of data in one READ reply or WRITE request: OpenSSH's client drops the session on a
/// packet above [`MAX_PACKET_LEN`].
pub const MAX_DATA_LEN: usize = MAX_PACKET_LEN - 1024;

/// Packet types (section 3 of the draft).
pub mod kind {
    /// The client's version (section 4).
    pub const INIT: u8 = 1;
    /// The server's version and extensions (section 4).
    pub const VERSION: u8 = 2;
    /// Opens a file (section 6.3).
    pub const OPEN: u8 = 3;
    /// Closes a handle (section 6.3).
    pub const CLOSE: u8 = 4;
    /// Reads from a handle (section 6.4).
    pub const READ: u8 = 5;
    /// Writes to a handle (section 6.4).
    pub const WRITE: u8 = 6;
    /// Attributes of a name, links not followed (section 6.8).
    pub const LSTAT: u8 = 7;
    /// Attributes of an open file (section 6.8).
    pub const FSTAT: u8 = 8;
    /// Changes attributes of a name (section 6.9).
    pub const SETSTAT: u8 = 9;
    /// Changes attributes of an open file (section 6.9).
    pub const FSETSTAT: u8 = 10;
    /// Opens a directory (section 6.7).
    pub const OPENDIR: u8 = 11;
    /// The next names of a directory (section 6.7).
    pub const READDIR: u8 = 12;
    /// Removes a file (section 6.5).
    pub const REMOVE: u8 = 13;
    /// Makes a directory (section 6.6).
    pub const MKDIR: u8 = 14;
    /// Removes a directory (section 6.6).
    pub const RMDIR: u8 = 15;
    /// The absolute form of a path (section 6.11).
    pub const REALPATH: u8 = 16;
    /// Attributes of a name, links followed (section 6.8).
    pub const STAT: u8 = 17;
    /// Renames a file or directory (section 6.5).
    pub const RENAME: u8 = 18;
    /// The target of a link (section 6.10).
    pub const READLINK: u8 = 19;
    /// Makes a symbolic link (section 6.10).
    pub const SYMLINK: u8 = 20;
    /// Answers with a code and its words (section 7).
    pub const STATUS: u8 = 101;
    /// Answers with a handle (section 7).
    pub const HANDLE: u8 = 102;
    /// Answers with bytes of a file (section 7).
    pub const DATA: u8 = 103;
    /// Answers with names (section 7).
    pub const NAME: u8 = 104;
    /// Answers with attributes (section 7).
    pub const ATTRS: u8 = 105;
    /// A request of an extension (section 8).
    pub const EXTENDED: u8 = 200;
    /// Answers to a request of an extension (section 8).
    pub const EXTENDED_REPLY: u8 = 201;
}

/// Flags of OPEN (section 6.3).
pub mod open_flags {
    /// The file is read.
    pub const READ: u32 = 0x01;
    /// The file is written.
    pub const WRITE: u32 = 0x02;
    /// Every write goes to the end of the file.
    pub const APPEND: u32 = 0x04;
    /// The file is made if there is none.
    pub const CREATE: u32 = 0x08;
    /// A file that is there is emptied.
    pub const TRUNCATE: u32 = 0x10;
    /// With CREATE: fails if the name is taken.
    pub const EXCLUSIVE: u32 = 0x20;
}
