//! Which files change during a rescan.

use std::collections::HashMap;

use super::file_usage::FileChange;
use crate::filesystem::FileId;

/// What changed since a rescan began.
#[derive(Debug)]
pub(crate) enum Changes {
    /// These files changed: bytes of each, none once it is gone.
    Files(HashMap<FileId, Option<u64>>),
    /// Directories moved, and could hide any number of files from the walk.
    Tree,
}

impl Default for Changes {
    fn default() -> Self {
        Self::Files(HashMap::new())
    }
}

impl Changes {
    /// Records that a file counts for something else now.
    pub(crate) fn record(&mut self, change: FileChange) {
        if let Self::Files(files) = self {
            files.insert(change.file_id, change.after);
        }
    }

    /// Records that a directory moved.
    pub(crate) fn tree_changed(&mut self) {
        *self = Self::Tree;
    }
}
