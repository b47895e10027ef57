//! One request, one file.

pub(super) mod close;
pub(super) mod copy_data;
pub(super) mod expand_path;
pub(super) mod fsync;
pub(super) mod hardlink;
pub(super) mod home_directory;
pub(super) mod limits;
pub(super) mod mkdir;
pub(super) mod open;
pub(super) mod opendir;
pub(super) mod read;
pub(super) mod readdir;
pub(super) mod readlink;
pub(super) mod realpath;
pub(super) mod receipt;
pub(super) mod remove;
pub(super) mod rename;
pub(super) mod rmdir;
pub(super) mod setstat;
pub(super) mod stat;
pub(super) mod statvfs;
pub(super) mod symlink;
pub(super) mod users_groups_by_id;
pub(super) mod write;

use sftpgo_core::{
    filesystem::{Metadata, SetAttributes},
    session::{AttributeChange, Session},
    vpath::VirtualPath,
};

use super::{
    engine::{Engine, ok, path},
    failure::Failure,
    handle::OpenHandle,
    proto::{
        MAX_DATA_LEN, MAX_PACKET_LEN, attrs::Attrs, decode::Decoder, encode::Replies, open_flags,
    },
};

/// Whether a request wrote its reply, or why not.
type HandlerResult = Result<(), Failure>;

/// Attributes as the wire has them; times outside 32 bits are cut to what fits.
fn to_wire(metadata: &Metadata) -> Attrs {
    let seconds = |time: i64| u32::try_from(time.max(0)).unwrap_or(u32::MAX);
    Attrs {
        size: Some(metadata.size),
        owner: Some((metadata.uid, metadata.gid)),
        permissions: Some(metadata.mode),
        times: Some((seconds(metadata.atime), seconds(metadata.mtime))),
    }
}

/// The change a client asks for.
fn from_wire(attrs: &Attrs) -> AttributeChange {
    let at = |seconds: u32| std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.into());
    AttributeChange {
        size: attrs.size,
        other: SetAttributes {
            mode: attrs.permissions,
            times: attrs
                .times
                .map(|(accessed, modified)| (at(accessed), at(modified))),
            owner: attrs.owner,
        },
    }
}
