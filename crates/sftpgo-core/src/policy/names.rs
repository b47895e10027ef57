//! Names that no client may use.

use crate::vpath::VirtualPath;

/// Names that start so are unfinished uploads: hidden from clients and counted in no quota.
pub const UPLOAD_TEMPORARY_PREFIX: &[u8] = b".sftpgo-upload.";

/// Is `name` (one component) an unfinished upload?
pub fn is_upload_temporary(name: &[u8]) -> bool {
    name.starts_with(UPLOAD_TEMPORARY_PREFIX)
}

/// Does the path lead to or through an unfinished upload? Those do not exist for clients.
pub(crate) fn names_unfinished_upload(path: &VirtualPath) -> bool {
    path.components().any(is_upload_temporary)
}
