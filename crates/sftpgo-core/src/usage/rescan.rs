//! Which files change while all of them are counted.

use std::collections::HashMap;

use super::file_usage::FileChange;
use crate::filesystem::Inode;

/// Files that changed since a count began.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Bytes of each, none once it is gone.
    pub(crate) files: HashMap<Inode, Option<u64>>,
    pub(crate) tree_changed: bool,
}

impl Changes {
    pub(crate) fn record(&mut self, change: FileChange) {
        self.files.insert(change.inode, change.after);
    }

    pub(crate) fn tree_changed(&mut self) {
        self.tree_changed = true;
    }
}
