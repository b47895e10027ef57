//! Removing unfinished uploads that nobody will finish.

use std::{
    os::fd::OwnedFd,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::fs::AtFlags;

use super::walk::walk;
use crate::{
    error::Result,
    filesystem::{FileType, is_upload_temporary},
};

/// Removes the unfinished uploads below `root` that were last written to before `before`.
pub(super) fn remove_temporaries(root: OwnedFd, before: SystemTime) -> Result<u64> {
    let before = before
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let mut removed = 0;
    walk(root, |directory, name, found| {
        let is_old = u64::try_from(found.mtime).unwrap_or(0) < before;
        if is_upload_temporary(name) && found.file_type == FileType::File && is_old {
            match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
                Ok(()) => removed += 1,
                Err(errno) => log::warn!("an unfinished upload was not removed: {errno}"),
            }
        }
    })?;
    Ok(removed)
}
