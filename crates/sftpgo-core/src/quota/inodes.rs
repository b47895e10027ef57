//! Files that somebody changes now: one shared count for each, by whatever name it was reached.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use super::lock;
use crate::{
    error::Result,
    filesystem::{FileType, Inode, Metadata},
    provider::UsageDelta,
};

/// Entries nobody holds any more are looked for when there are this many.
const FEW: usize = 64;

/// A file that somebody changes: its size as counted, shared by all who change it.
#[derive(Debug)]
pub struct CountedInode {
    /// Which file.
    pub inode: Inode,
    /// Bytes counted for it.
    pub size: u64,
    /// False while it has no name that a rescan would find: not yet, or not any more.
    pub counted: bool,
}

/// A count that all who change the file share.
pub type SharedCount = Arc<Mutex<CountedInode>>;

/// What a change does to one file's place in the count: its bytes, or none while it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FileChange {
    pub inode: Inode,
    pub before: Option<u64>,
    pub after: Option<u64>,
}

impl FileChange {
    /// The difference it makes.
    pub fn delta(&self) -> UsageDelta {
        let size = |bytes: Option<u64>| bytes.map_or(0, signed);
        UsageDelta {
            size: size(self.after).saturating_sub(size(self.before)),
            files: i32::from(self.after.is_some()) - i32::from(self.before.is_some()),
        }
    }
}

/// A size as a part of a delta.
pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// The counts that are shared now.
#[derive(Debug, Default)]
pub(super) struct Inodes {
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    counts: HashMap<Inode, Weak<Mutex<CountedInode>>>,
    sweep_at: usize,
}

impl Inodes {
    /// Looks at a file and answers what it is, with the count shared for it.
    ///
    /// Whoever changes the file holds its count, and nobody gets one meanwhile: so a file is as large as it looks
    /// once it is known that there is no count.
    pub(super) fn look_up(
        &self,
        look: impl Fn() -> Result<Metadata>,
    ) -> Result<(Metadata, SharedCount)> {
        let mut shared = lock(&self.shared);
        let mut found = look()?;
        loop {
            if let Some(count) = shared.counts.get(&found.inode).and_then(Weak::upgrade) {
                return Ok((found, count));
            }
            let inode = found.inode;
            found = look()?;
            if found.inode == inode {
                return Ok((found, shared.share(&found)));
            }
        }
    }

    /// Answers the count of a file that was made a moment ago and has no name that anybody else could open.
    pub(super) fn share_new(&self, made: &Metadata) -> SharedCount {
        lock(&self.shared).share(made)
    }

    /// All counts that somebody shares now.
    pub(super) fn all(&self) -> Vec<SharedCount> {
        lock(&self.shared)
            .counts
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// The file's last name is gone. The storage may give its number to the next new file, which must not find
    /// this count; whoever has the file open keeps it.
    pub(super) fn retire(&self, count: &mut CountedInode) {
        count.counted = false;
        lock(&self.shared).counts.remove(&count.inode);
    }
}

impl Shared {
    fn share(&mut self, found: &Metadata) -> SharedCount {
        if self.counts.len() >= self.sweep_at.max(FEW) {
            self.counts.retain(|_, count| count.strong_count() > 0);
            self.sweep_at = self.counts.len() * 2;
        }
        let count = Arc::new(Mutex::new(CountedInode {
            inode: found.inode,
            size: found.size,
            counted: found.file_type == FileType::File,
        }));
        self.counts.insert(found.inode, Arc::downgrade(&count));
        count
    }
}
