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
#[allow(missing_docs)]
pub mod kind {
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSTAT: u8 = 8;
    pub const SETSTAT: u8 = 9;
    pub const FSETSTAT: u8 = 10;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const RMDIR: u8 = 15;
    pub const REALPATH: u8 = 16;
    pub const STAT: u8 = 17;
    pub const RENAME: u8 = 18;
    pub const READLINK: u8 = 19;
    pub const SYMLINK: u8 = 20;
    pub const STATUS: u8 = 101;
    pub const HANDLE: u8 = 102;
    pub const DATA: u8 = 103;
    pub const NAME: u8 = 104;
    pub const ATTRS: u8 = 105;
    pub const EXTENDED: u8 = 200;
    pub const EXTENDED_REPLY: u8 = 201;
}

/// Flags of OPEN (section 6.3).
#[allow(missing_docs)]
pub mod open_flags {
    pub const READ: u32 = 0x01;
    pub const WRITE: u32 = 0x02;
    pub const APPEND: u32 = 0x04;
    pub const CREATE: u32 = 0x08;
    pub const TRUNCATE: u32 = 0x10;
    pub const EXCLUSIVE: u32 = 0x20;
}
