//! What operations on files do to the user's count.

use super::{Shared, if_there};
use crate::{
    error::Result,
    filesystem::{File, FileType, Metadata, OpenOptions},
    provider::UsageDelta,
    quota::{CountedInode, FileChange, SharedCount, lock},
    transfer::Upload,
    vpath::VirtualPath,
};

impl Shared {
    /// A name that is to be removed, replaced or moved, with the count of its file.
    pub(crate) fn look_up(&self, path: &VirtualPath) -> Result<(Metadata, SharedCount)> {
        self.quota.look_up(|| self.filesystem.metadata(path, false))
    }

    /// The same for a name that need not be there.
    pub(crate) fn find_counted(
        &self,
        path: &VirtualPath,
    ) -> Result<Option<(Metadata, SharedCount)>> {
        if_there(self.look_up(path))
    }

    /// How a file leaves the count when this name goes; not at all while it has other names.
    pub(crate) fn leaving(&self, found: &Metadata, counted: &CountedInode) -> Option<FileChange> {
        let leaves = found.file_type == FileType::File && found.links < 2 && counted.counted;
        leaves.then_some(FileChange {
            inode: counted.inode,
            before: Some(counted.size),
            after: None,
        })
    }

    /// Takes a file whose name has gone out of the count.
    pub(crate) fn release(&self, gone: &Metadata, count: &SharedCount) -> UsageDelta {
        let mut counted = lock(count);
        match self.leaving(gone, &counted) {
            Some(change) => {
                self.quota.retire(&mut counted);
                self.quota.record(change)
            }
            None => UsageDelta::default(),
        }
    }

    /// A name moved or was added: a count that is going on might miss the file, or meet it twice.
    pub(crate) fn moved(&self, found: &Metadata, count: &SharedCount) {
        match found.file_type {
            FileType::Directory => self.quota.tree_changed(),
            FileType::File => {
                let counted = lock(count);
                let size = counted.counted.then_some(counted.size);
                self.quota.record(FileChange {
                    inode: counted.inode,
                    before: size,
                    after: size,
                });
            }
            FileType::Symlink | FileType::Other => {}
        }
    }

    /// Makes a file that must not be there yet, with `cost` reserved for it; called with the names held.
    pub(crate) fn create_file(
        &self,
        path: &VirtualPath,
        options: &OpenOptions,
        cost: UsageDelta,
    ) -> Result<(Box<dyn File>, Upload)> {
        self.quota.reserve_staged(cost)?;
        let options = OpenOptions {
            write: true,
            create: true,
            exclusive: true,
            ..*options
        };
        let opened = self.filesystem.open(path, &options).and_then(|file| {
            let count = self.quota.share_new(&file.metadata()?);
            // Counts once it is published.
            lock(&count).counted = false;
            Ok((file, count))
        });
        let (file, count) = opened.inspect_err(|_| self.quota.release_staged(cost))?;
        Ok((file, Upload::in_place(count)))
    }

    /// The new file is under its name and counts, instead of what was reserved for it and of `leaving`, which it
    /// replaced.
    pub(crate) fn publish(
        &self,
        count: &SharedCount,
        reserved: UsageDelta,
        leaving: Option<FileChange>,
    ) -> UsageDelta {
        let mut counted = lock(count);
        counted.counted = true;
        let arriving = FileChange {
            inode: counted.inode,
            before: None,
            after: Some(counted.size),
        };
        self.quota
            .publish(reserved, std::iter::once(arriving).chain(leaving))
    }

    /// Writes a finished operation's delta; the files are as they are even when the ledger fails.
    pub(crate) fn settle(&self, delta: UsageDelta) {
        if let Err(error) = self.quota.settle(delta) {
            log::error!(
                "the usage of {:?} was not stored: {error}",
                self.user.username
            );
        }
    }
}
