//! What writing to a file has cost so far, and the name its data will get.

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::File,
    provider::UsageDelta,
    quota::{CountedInode, FileChange, SharedCount, lock, signed},
    session::Shared,
    vpath::VirtualPath,
};

/// The writing side of a transfer.
pub(crate) struct Upload {
    pub(crate) count: SharedCount,
    /// Counted and not written to the ledger yet.
    pub(crate) unsettled: UsageDelta,
    /// Writes below this offset are refused.
    pub(crate) resume_from: u64,
    pub(crate) staged: Option<Staged>,
    /// A write or a change of size was refused: what is there is not what the client sent.
    pub(crate) broken: Option<ErrorKind>,
}

/// An upload whose data is not under its name yet.
pub(crate) struct Staged {
    pub(crate) temporary: VirtualPath,
    /// Bytes of the file it will replace: counted already, so free to grow into.
    pub(crate) credit: u64,
    /// Taken from the quota so far.
    pub(crate) reserved: UsageDelta,
}

impl Upload {
    /// Writes go to the file itself.
    pub(crate) fn in_place(count: SharedCount) -> Self {
        Self {
            count,
            unsettled: UsageDelta::default(),
            resume_from: 0,
            staged: None,
            broken: None,
        }
    }

    /// Remembers that a part of the upload was refused.
    pub(super) fn remember<T>(&mut self, stored: &Result<T>) {
        if let Err(error) = stored {
            self.broken.get_or_insert(error.kind());
        }
    }

    /// Makes room up to `end`, lets `write` fill it, and answers what `write` says; what it did not fill is
    /// given back. The count is held meanwhile: another writer's growth must not be counted twice, and what another
    /// one cuts off must not come back uncounted.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded), then `write` was not called; else what it says.
    pub(super) fn write_up_to<T>(
        &mut self,
        shared: &Shared,
        file: &dyn File,
        end: u64,
        write: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let count = SharedCount::clone(&self.count);
        let mut counted = lock(&count);
        if end <= counted.size {
            return write();
        }
        let before = counted.size;
        self.resize_count(shared, &mut counted, end)?;
        write().inspect_err(|_| {
            let real = file
                .metadata()
                .map_or(before, |metadata| metadata.size.clamp(before, end));
            self.shrink_count(shared, &mut counted, real);
        })
    }

    /// Could the file grow up to `end`?
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded).
    pub(super) fn check_up_to(&self, shared: &Shared, end: u64) -> Result<()> {
        let counted = lock(&self.count);
        if end <= counted.size {
            return Ok(());
        }
        match &self.staged {
            Some(staged) => shared.quota.check(staged.cost_of(end, counted.size)),
            None if counted.counted => shared.quota.check(change_of(&counted, end).delta()),
            None => uncounted_may_grow(shared),
        }
    }

    /// Cuts or extends the open file within the quota.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded), or what the filesystem says.
    pub(crate) fn resize(&mut self, shared: &Shared, file: &dyn File, size: u64) -> Result<()> {
        let count = SharedCount::clone(&self.count);
        let mut counted = lock(&count);
        let before = counted.size;
        if size > before {
            self.resize_count(shared, &mut counted, size)?;
            return file
                .set_len(size)
                .inspect_err(|_| self.shrink_count(shared, &mut counted, before));
        }
        file.set_len(size)?;
        self.shrink_count(shared, &mut counted, size);
        Ok(())
    }

    fn resize_count(
        &mut self,
        shared: &Shared,
        counted: &mut CountedInode,
        size: u64,
    ) -> Result<()> {
        if let Some(staged) = &mut self.staged {
            let more = staged.cost_of(size, counted.size);
            shared.quota.reserve_staged(more)?;
            staged.reserved += more;
        } else if counted.counted {
            self.unsettled += shared.quota.reserve(change_of(counted, size))?;
        } else {
            uncounted_may_grow(shared)?;
        }
        counted.size = size;
        Ok(())
    }

    fn shrink_count(&mut self, shared: &Shared, counted: &mut CountedInode, size: u64) {
        if let Some(staged) = &mut self.staged {
            let less = staged.cost_of(counted.size, size);
            shared.quota.release_staged(less);
            staged.reserved += -less;
        } else if counted.counted {
            self.unsettled += shared.quota.record(change_of(counted, size));
        }
        counted.size = size;
    }
}

impl Staged {
    /// What `to` bytes cost more than `from` bytes, next to the file that will be replaced.
    fn cost_of(&self, to: u64, from: u64) -> UsageDelta {
        UsageDelta {
            size: signed(to.max(self.credit)) - signed(from.max(self.credit)),
            files: 0,
        }
    }
}

/// A file without a name is in no count: where bytes are limited it must not grow.
fn uncounted_may_grow(shared: &Shared) -> Result<()> {
    if shared.quota.limits_size() {
        return Err(Error::new(
            ErrorKind::QuotaExceeded,
            "quota exceeded: the file was removed and cannot grow",
        ));
    }
    Ok(())
}

fn change_of(counted: &CountedInode, size: u64) -> FileChange {
    FileChange {
        inode: counted.inode,
        before: Some(counted.size),
        after: Some(size),
    }
}
