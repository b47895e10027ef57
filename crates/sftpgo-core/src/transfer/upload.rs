//! What writing to a file has cost so far, and where it goes.

use std::{sync::Arc, time::Duration};

use super::in_order::{Content, InOrderUpload};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, File},
    session_context::SessionContext,
    storage_usage::UsageDelta,
    sync::lock,
    uploads::StagedUpload,
    usage::{FileState, FileUsage, SharedFileUsage, Writing},
};

/// Where the data of an upload is until it is under its name.
pub(super) enum Destination {
    /// The data is under its name.
    File,
    /// The data is in a hidden file.
    Hidden(Arc<StagedUpload>),
    /// The data is with the storage, which shows nothing of it.
    InOrder(Box<InOrderUpload>),
}

/// The writing side of a transfer.
pub(crate) struct Upload {
    pub(crate) file_usage: SharedFileUsage,
    /// Counted and not written to the ledger yet.
    pub(crate) uncommitted: UsageDelta,
    /// Every write goes to the end of the file as it is then, whatever its offset (draft section 6.3).
    pub(crate) appends: bool,
    /// Where the data is until it is under its name.
    pub(super) destination: Destination,
    /// The directory of a new file, where its name has to be durable.
    pub(crate) directory: Option<Arc<dyn DirectoryHandle>>,
    /// A write or a change of size was refused: what is there is not what the client sent.
    pub(super) broken: Option<ErrorKind>,
    /// Data could not be made durable: the system says that only once.
    pub(super) not_durable: Option<ErrorKind>,
    pub(super) has_written: bool,
    /// Nothing that the file held before is left in it.
    pub(crate) begins_anew: bool,
    /// Others see by it that the file is written to; none of what is no file yet.
    pub(super) writing: Option<Writing>,
}

impl Upload {
    /// Writes go to the file itself.
    pub(crate) fn in_place(file_usage: SharedFileUsage) -> Self {
        let writing = lock(&file_usage).open_to_write();
        Self {
            file_usage,
            uncommitted: UsageDelta::default(),
            appends: false,
            destination: Destination::File,
            directory: None,
            broken: None,
            not_durable: None,
            has_written: false,
            begins_anew: false,
            writing,
        }
    }

    /// Writes go to a hidden file.
    pub(crate) fn staged(staged: Arc<StagedUpload>) -> Self {
        Self {
            destination: Destination::Hidden(Arc::clone(&staged)),
            begins_anew: true,
            ..Self::in_place(Arc::clone(&staged.file_usage))
        }
    }

    /// Writes go to a storage that takes them in order.
    pub(crate) fn in_order(upload: InOrderUpload, file_usage: SharedFileUsage) -> Self {
        Self {
            destination: Destination::InOrder(Box::new(upload)),
            ..Self::in_place(file_usage)
        }
    }

    pub(super) fn is_in_order(&self) -> bool {
        matches!(self.destination, Destination::InOrder(_))
    }

    /// Is what it wrote in a file that another upload took the name from?
    pub(super) fn was_replaced(&self) -> bool {
        self.has_written && lock(&self.file_usage).state.replaced
    }

    /// Remembers that a part of the upload was refused.
    pub(super) fn remember<T>(&mut self, stored: &Result<T>) {
        if let Err(error) = stored {
            self.broken.get_or_insert(error.kind());
        }
    }

    /// Remembers that it is not known what of the upload is on stable storage.
    pub(super) fn remember_sync(&mut self, synced: &Result<()>) {
        if let Err(error) = synced {
            self.not_durable.get_or_insert(error.kind());
            self.remember(synced);
        }
    }

    /// Returns how far writing `len` bytes at `offset` extends a file of `size` bytes; 0 where that writes nothing.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) past the largest file, [`Unsupported`](ErrorKind::Unsupported) where the storage does
    /// not write at that offset.
    fn end_of_write(
        &self,
        context: &SessionContext,
        file: &dyn File,
        size: u64,
        (offset, len): (u64, usize),
    ) -> Result<u64> {
        if len == 0 {
            return Ok(0);
        }
        let start = if self.appends {
            file.metadata()?.size
        } else {
            context
                .filesystem
                .capabilities()
                .check_write(offset, size)?;
            offset
        };
        start
            .checked_add(len as u64)
            .filter(|end| i64::try_from(*end).is_ok())
            .ok_or_else(|| Error::invalid("offset", "past the largest file"))
    }

    /// Makes room for `len` bytes at `offset`, lets `write` fill it, and returns what `write` returns; what it did not fill
    /// is given back. The file's usage is locked meanwhile: another writer's growth must not be counted twice, and what
    /// another one cuts off must not come back uncounted.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded) or [`Unsupported`](ErrorKind::Unsupported), then `write` was not called;
    /// else what it says.
    pub(super) fn write<T>(
        &mut self,
        shared: &SessionContext,
        file: &dyn File,
        (offset, len): (u64, usize),
        write: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let file_usage = SharedFileUsage::clone(&self.file_usage);
        let mut usage = lock(&file_usage);
        let end = self.end_of_write(shared, file, usage.state.size, (offset, len))?;
        self.has_written = true;
        if end <= usage.state.size {
            return write();
        }
        let before = usage.state.size;
        self.grow(shared, &mut usage, end)?;
        write().inspect_err(|_| {
            let real = file
                .metadata()
                .map_or(before, |metadata| metadata.size.clamp(before, end));
            self.set_size(shared, &mut usage, real);
        })
    }

    /// Could `len` bytes be written at `offset`?
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded), [`Unsupported`](ErrorKind::Unsupported) where the storage does not write
    /// at that offset, or [`Invalid`](ErrorKind::Invalid) past the largest file.
    pub(super) fn check_write(
        &self,
        shared: &SessionContext,
        file: &dyn File,
        (offset, len): (u64, usize),
    ) -> Result<()> {
        let usage = lock(&self.file_usage);
        let end = self.end_of_write(shared, file, usage.state.size, (offset, len))?;
        if end <= usage.state.size {
            return Ok(());
        }
        shared.quota.check(resized(&usage, end).1)
    }

    /// Returns how long to wait before `len` bytes are written at `offset`, because the ledger is being asked whether there
    /// is room. None when that is known, or the write fails without asking.
    pub(super) fn wait_for_headroom(
        &self,
        context: &SessionContext,
        file: &dyn File,
        (offset, len): (u64, usize),
    ) -> Option<Duration> {
        if !context.quota.may_have_to_ask() {
            return None;
        }
        let usage = lock(&self.file_usage);
        let size = usage.state.size;
        let end = self.end_of_write(context, file, size, (offset, len)).ok()?;
        if end <= usage.state.size {
            return None;
        }
        context.quota.wait_for_headroom(resized(&usage, end).1)
    }

    /// Has the storage begin to take `data`, where that may take long, and says when to come back. None when the write does
    /// not wait, or is refused.
    pub(super) fn begin_write(
        &self,
        context: &SessionContext,
        file: &dyn File,
        (offset, data): (u64, &[u8]),
    ) -> Option<Duration> {
        let content = self.content()?;
        self.check_write(context, file, (offset, data.len())).ok()?;
        content.begin_write(data, offset)
    }

    /// What a storage that takes it in order has of the data.
    pub(super) fn content(&self) -> Option<&Content> {
        match &self.destination {
            Destination::InOrder(upload) => Some(&upload.content),
            Destination::File | Destination::Hidden(_) => None,
        }
    }

    /// Returns how long to wait before the file is cut or extended. None when it is known whether there is room.
    pub(super) fn wait_to_resize(&self, context: &SessionContext, size: u64) -> Option<Duration> {
        if !context.quota.may_have_to_ask() {
            return None;
        }
        let (_, more) = resized(&lock(&self.file_usage), size);
        context.quota.wait_for_headroom(more.growth())
    }

    /// Cuts or extends the open file within the quota.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded), [`Unsupported`](ErrorKind::Unsupported) where the storage does not change
    /// sizes, or what the filesystem says.
    pub(crate) fn resize(
        &mut self,
        shared: &SessionContext,
        file: &dyn File,
        size: u64,
    ) -> Result<()> {
        let file_usage = SharedFileUsage::clone(&self.file_usage);
        let mut usage = lock(&file_usage);
        let before = usage.state.size;
        let capabilities = shared.filesystem.capabilities();
        capabilities.check_size(size, before)?;
        self.has_written = true;
        if size == before && !capabilities.random_writes {
            return Ok(());
        }
        if size > before {
            self.grow(shared, &mut usage, size)?;
            return file
                .set_len(size)
                .inspect_err(|_| self.set_size(shared, &mut usage, before));
        }
        file.set_len(size)?;
        self.set_size(shared, &mut usage, size);
        Ok(())
    }

    fn grow(&mut self, shared: &SessionContext, usage: &mut FileUsage, size: u64) -> Result<()> {
        let (to, needed) = resized(usage, size);
        self.uncommitted += shared.quota.change_files([(usage, to)], Some(needed))?;
        Ok(())
    }

    fn set_size(&mut self, shared: &SessionContext, usage: &mut FileUsage, size: u64) {
        let (to, _) = resized(usage, size);
        self.uncommitted += shared.quota.set_file(usage, to);
    }
}

/// Returns what a file counts for with another size, and how much more that is.
fn resized(usage: &FileUsage, size: u64) -> (FileState, UsageDelta) {
    let to = FileState {
        size,
        ..usage.state
    };
    let mut more = to.cost();
    more += -usage.state.cost();
    (to, more)
}
