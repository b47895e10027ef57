//! An open file.

use std::{os::fd::BorrowedFd, sync::Arc};

use super::{Metadata, SetAttributes};
use crate::error::Result;

/// An open file. Dropping it closes it.
pub trait File: Send + Sync {
    /// Reads at `offset` into `buffer`; 0 is the end of the file.
    ///
    /// # Errors
    /// The kinds of pread(2).
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    /// The kinds of pwrite(2).
    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()>;

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// The kinds of ftruncate(2).
    fn set_len(&self, size: u64) -> Result<()>;

    /// Copies up to `len` bytes at `from` of `source` to `to` of this file without the data leaving the storage, and
    /// returns how many; 0 is the end of `source`. None when this cannot be done between the two.
    ///
    /// # Errors
    /// The kinds of copy_file_range(2).
    fn copy_within_storage(
        &self,
        source: &dyn File,
        from: u64,
        to: u64,
        len: usize,
    ) -> Result<Option<usize>> {
        let _ = (source, from, to, len);
        Ok(None)
    }

    /// The handle of the system, for files that have one.
    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Waits until the data is on stable storage.
    ///
    /// # Errors
    /// The kinds of fsync(2).
    fn sync(&self) -> Result<()>;

    /// Asks what closing the file would say: some storages (NFS, FUSE) tell only then that data was not stored.
    ///
    /// # Errors
    /// The kinds of close(2).
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Attributes of the open file.
    ///
    /// # Errors
    /// The kinds of fstat(2).
    fn metadata(&self) -> Result<Metadata>;

    /// Changes attributes of the open file.
    ///
    /// # Errors
    /// The kinds of fchmod(2) and futimens(3).
    fn set_attributes(&self, change: &SetAttributes) -> Result<()>;
}

/// An open file that several hold; the last one closes it.
impl File for Arc<dyn File> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        (**self).read_at(buffer, offset)
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        (**self).write_all_at(data, offset)
    }

    fn set_len(&self, size: u64) -> Result<()> {
        (**self).set_len(size)
    }

    fn copy_within_storage(
        &self,
        source: &dyn File,
        from: u64,
        to: u64,
        len: usize,
    ) -> Result<Option<usize>> {
        (**self).copy_within_storage(source, from, to, len)
    }

    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        (**self).system_handle()
    }

    fn sync(&self) -> Result<()> {
        (**self).sync()
    }

    fn flush(&self) -> Result<()> {
        (**self).flush()
    }

    fn metadata(&self) -> Result<Metadata> {
        (**self).metadata()
    }

    fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        (**self).set_attributes(change)
    }
}
