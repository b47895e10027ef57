//! Names that no client may use.

use crate::{random, vpath::VirtualPath};

/// Names that start so are unfinished uploads: hidden from clients and counted in no quota.
pub const UPLOAD_TEMPORARY_PREFIX: &[u8] = b".sftpgo-upload.";

/// Is `name` (one component) an unfinished upload?
pub fn is_upload_temporary(name: &[u8]) -> bool {
    name.starts_with(UPLOAD_TEMPORARY_PREFIX)
}

/// A new hidden name.
pub(crate) fn temporary_name() -> Vec<u8> {
    let mut name = UPLOAD_TEMPORARY_PREFIX.to_vec();
    name.extend_from_slice(random::hex_id().as_bytes());
    name
}

/// Does the path lead to or through an unfinished upload? Those do not exist for clients.
pub(crate) fn names_unfinished_upload(path: &VirtualPath) -> bool {
    path.components().any(is_upload_temporary)
}
