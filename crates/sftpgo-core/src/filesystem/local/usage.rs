//! Counting a tree for a quota scan.

use std::{collections::HashSet, os::fd::OwnedFd};

use super::walk::walk;
use crate::{
    error::Result,
    filesystem::{FileType, is_upload_temporary},
    user::{Usage, now_ms},
};

/// Counts regular files and their bytes below `root`: links are not followed, an inode with several
/// names counts once, unfinished uploads do not count.
pub(super) fn count(root: OwnedFd) -> Result<Usage> {
    let mut usage = Usage {
        updated_at: now_ms(),
        ..Usage::default()
    };
    let mut seen_links = HashSet::new();
    walk(root, |_, name, found| {
        let is_new = found.links < 2 || seen_links.insert(found.inode);
        if found.file_type == FileType::File && is_new && !is_upload_temporary(name) {
            usage.files = usage.files.saturating_add(1);
            usage.size = usage
                .size
                .saturating_add(i64::try_from(found.size).unwrap_or(i64::MAX));
        }
    })?;
    Ok(usage)
}
