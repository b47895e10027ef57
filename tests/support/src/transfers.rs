//! Uploads and downloads by way of a session.

use sftpgo_core::{
    ErrorKind, Result, VirtualPath,
    session::{OpenRequest, Session},
    transfer::Transfer,
};

/// A new file, or an old one written anew.
pub const NEW: OpenRequest = OpenRequest {
    read: false,
    write: true,
    append: false,
    create: true,
    truncate: true,
    exclusive: false,
    mode: None,
};

/// A file to read.
pub const READ: OpenRequest = OpenRequest {
    read: true,
    write: false,
    create: false,
    truncate: false,
    ..NEW
};

/// A file that is there, or that is being uploaded, to be written to.
pub const PART: OpenRequest = OpenRequest {
    create: false,
    truncate: false,
    ..NEW
};

/// A file that must not be there.
pub const LOCK: OpenRequest = OpenRequest {
    exclusive: true,
    truncate: false,
    ..NEW
};

/// Whatever is there, and more.
pub const APPEND: OpenRequest = OpenRequest {
    append: true,
    truncate: false,
    ..NEW
};

/// A path as a client names it.
pub fn path(raw: &str) -> VirtualPath {
    VirtualPath::parse(raw.as_bytes()).unwrap()
}

/// Uploads a file whole.
///
/// # Errors
/// Whatever refuses it.
pub fn put(session: &Session, name: &str, data: &[u8]) -> Result<()> {
    let mut upload = session.open(&path(name), &NEW)?;
    upload.write_at(data, 0)?;
    upload.finish()
}

/// An upload of which `data` is there.
pub fn begin(session: &Session, name: &str, request: &OpenRequest, data: &[u8]) -> Transfer {
    let mut upload = session.open(&path(name), request).unwrap();
    upload.write_at(data, 0).unwrap();
    upload
}

/// The kind of the error, if it is one.
pub fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
