//! What operations on files do to the user's count.

use std::sync::{Mutex, PoisonError};

use super::Shared;
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{File, FileType, Metadata, OpenOptions},
    provider::UsageDelta,
    quota::CountedInode,
    transfer::Upload,
    vpath::VirtualPath,
};

impl Shared {
    /// Takes a file whose name was removed or replaced out of the count, unless it has other names.
    pub(crate) fn release(&self, gone: &Metadata) -> UsageDelta {
        if gone.file_type != FileType::File || gone.links > 1 {
            return UsageDelta::default();
        }
        let counted = self.quota.inode(gone.inode, gone.size);
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !counted.counted {
            return UsageDelta::default();
        }
        counted.counted = false;
        let freed = UsageDelta {
            size: -signed(counted.size),
            files: -1,
        };
        self.quota.charge(freed);
        freed
    }

    /// Cuts or extends an open file within the quota and answers by how many bytes.
    pub(crate) fn resize(
        &self,
        file: &dyn File,
        counted: &Mutex<CountedInode>,
        size: u64,
    ) -> Result<i64> {
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_may_grow(&counted, size)?;
        let delta = if counted.counted {
            signed(size) - signed(counted.size)
        } else {
            0
        };
        let delta = UsageDelta {
            size: delta,
            files: 0,
        };
        if delta.size > 0 {
            self.quota.reserve(delta)?;
        }
        if let Err(error) = file.set_len(size) {
            if delta.size > 0 {
                self.give_back(delta);
            }
            return Err(error);
        }
        if delta.size < 0 {
            self.quota.charge(delta);
        }
        counted.size = size;
        Ok(delta.size)
    }

    /// A file without a name is in no count: where bytes are limited it must not grow.
    pub(crate) fn check_may_grow(&self, counted: &CountedInode, to: u64) -> Result<()> {
        if !counted.counted && to > counted.size && self.quota.limits_size() {
            return Err(Error::new(
                ErrorKind::QuotaExceeded,
                "quota exceeded: the file was removed and cannot grow",
            ));
        }
        Ok(())
    }

    /// Makes a file that must not be there yet, with `cost` reserved for it.
    pub(crate) fn create_file(
        &self,
        path: &VirtualPath,
        read: bool,
        mode: Option<u32>,
        cost: UsageDelta,
    ) -> Result<(Box<dyn File>, Upload)> {
        self.quota.reserve(cost)?;
        let options = OpenOptions {
            read,
            write: true,
            create: true,
            exclusive: true,
            truncate: false,
            mode,
        };
        let opened = self.filesystem.open(path, &options).and_then(|file| {
            let inode = file.metadata()?.inode;
            Ok((file, inode))
        });
        let (file, inode) = opened.inspect_err(|_| self.give_back(cost))?;
        let mut upload = Upload::in_place(self.quota.inode(inode, 0));
        upload.delta = cost;
        Ok((file, upload))
    }

    /// Undoes a reservation.
    pub(crate) fn give_back(&self, reserved: UsageDelta) {
        self.quota.charge(-reserved);
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

/// A size as a part of a delta.
pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
