//! Which request is done where. Permissions are checked by the session, which every request goes through.

use super::{
    engine::Engine,
    failure::Failure,
    proto::{decode::Decoder, encode::Replies, kind},
    requests as r,
};

/// Does a request: reads its fields, calls the session, writes the reply.
pub(super) type Handler =
    fn(&mut Engine, u32, &mut Decoder<'_>, &mut Replies) -> Result<(), Failure>;

/// A request type.
pub(super) struct Entry {
    kind: u8,
    pub(super) run: Handler,
}

const TABLE: &[Entry] = &[
    Entry {
        kind: kind::READ,
        run: r::read::run,
    },
    Entry {
        kind: kind::WRITE,
        run: r::write::run,
    },
    Entry {
        kind: kind::OPEN,
        run: r::open::run,
    },
    Entry {
        kind: kind::CLOSE,
        run: r::close::run,
    },
    Entry {
        kind: kind::LSTAT,
        run: r::stat::lstat,
    },
    Entry {
        kind: kind::FSTAT,
        run: r::stat::fstat,
    },
    Entry {
        kind: kind::STAT,
        run: r::stat::stat,
    },
    Entry {
        kind: kind::SETSTAT,
        run: r::setstat::setstat,
    },
    Entry {
        kind: kind::FSETSTAT,
        run: r::setstat::fsetstat,
    },
    Entry {
        kind: kind::OPENDIR,
        run: r::opendir::run,
    },
    Entry {
        kind: kind::READDIR,
        run: r::readdir::run,
    },
    Entry {
        kind: kind::REMOVE,
        run: r::remove::run,
    },
    Entry {
        kind: kind::MKDIR,
        run: r::mkdir::run,
    },
    Entry {
        kind: kind::RMDIR,
        run: r::rmdir::run,
    },
    Entry {
        kind: kind::REALPATH,
        run: r::realpath::run,
    },
    Entry {
        kind: kind::RENAME,
        run: r::rename::run,
    },
    Entry {
        kind: kind::READLINK,
        run: r::readlink::run,
    },
    Entry {
        kind: kind::SYMLINK,
        run: r::symlink::run,
    },
    Entry {
        kind: kind::EXTENDED,
        run: extended,
    },
];

const EXTENDED: &[(&[u8], Handler)] = &[
    (b"posix-rename@openssh.com", r::rename::posix_rename),
    (b"statvfs@openssh.com", r::statvfs::statvfs),
    (b"fstatvfs@openssh.com", r::statvfs::fstatvfs),
    (b"hardlink@openssh.com", r::hardlink::run),
    (b"fsync@openssh.com", r::fsync::run),
    (b"lsetstat@openssh.com", r::setstat::lsetstat),
    (b"limits@openssh.com", r::limits::run),
    (b"expand-path@openssh.com", r::expand_path::run),
    (b"copy-data", r::copy_data::run),
    (b"home-directory", r::home_directory::run),
    (
        b"users-groups-by-id@openssh.com",
        r::users_groups_by_id::run,
    ),
    (crate::receipt::EXTENSION.0.as_bytes(), r::receipt::run),
];

/// The request of this type, if it is known.
pub(super) fn find(kind: u8) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.kind == kind)
}

fn extended(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> Result<(), Failure> {
    let asked = body.string()?;
    match EXTENDED.iter().find(|(name, _)| *name == asked) {
        Some((_, run)) => run(engine, id, body, replies),
        None => Err(unsupported()),
    }
}

fn unsupported() -> Failure {
    sftpgo_core::Error::new(
        sftpgo_core::ErrorKind::Unsupported,
        "unknown extended request",
    )
    .into()
}
