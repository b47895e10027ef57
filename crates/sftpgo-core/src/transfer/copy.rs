//! Copying from one open file to another without the data leaving the server.

use std::time::Duration;

use super::{Transfer, upload::Upload};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::File,
};

/// Read and written at once where the storage cannot copy by itself.
const PIECE: usize = 256 * 1024;

impl Transfer {
    /// Returns how much of `source` there is to copy from `from` on, `len` at the most: known before a long copy begins,
    /// since a copy within one file lets that grow.
    ///
    /// # Errors
    /// `source` not open for reading, or ranges of one file that overlap.
    pub fn copyable(&self, source: &Self, from: u64, len: Option<u64>, to: u64) -> Result<u64> {
        source.check_readable()?;
        let found = source.metadata()?;
        let left = found.size.saturating_sub(from);
        let len = len.map_or(left, |len| len.min(left));
        if self.file.metadata()?.file_id == found.file_id && from.abs_diff(to) < len {
            return Err(Error::invalid("copy", "the ranges overlap"));
        }
        Ok(len)
    }

    /// Returns how many of `most` bytes to copy at once: as many as a storage that takes them in order is given at a time.
    pub fn piece_to_copy(&self, most: usize) -> usize {
        match self.upload.as_ref().is_some_and(Upload::is_in_order) {
            true => self.being_written().unwrap_or(PIECE).min(most),
            false => most,
        }
    }

    /// Returns how long to wait before [`Transfer::copy_from`] of these bytes: for the room, as
    /// [`Transfer::wait_for_headroom`], and for a storage that takes them meanwhile, where that may take long. None when the
    /// copy does not wait, or is refused.
    pub fn wait_to_copy(&self, source: &Self, from: u64, len: usize, to: u64) -> Option<Duration> {
        let upload = self.upload.as_ref()?;
        let room = self.wait_for_headroom(len, to);
        let Some(content) = upload.content().filter(|_| room.is_none()) else {
            return room;
        };
        if content.being_written().is_some() {
            return content.wait_for_storage();
        }
        let len = self.copyable(source, from, Some(len as u64), to).ok()?;
        let mut piece = vec![0; usize::try_from(len).ok()?];
        let mut read = 0;
        while let Some(rest) = piece.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match source.file.read_at(rest, from + read as u64).ok()? {
                0 => return None,
                more => read += more,
            }
        }
        upload.begin_write(&self.shared, self.file.as_ref(), (to, &piece))
    }

    /// Copies up to `len` bytes at `from` of `source` to `to` of this file and returns how many: all of them, or
    /// as many as `source` has. Blocks meanwhile, so a long copy is better asked for in pieces.
    ///
    /// # Errors
    /// As [`Transfer::copyable`] and [`Transfer::write_at`].
    pub fn copy_from(
        &mut self,
        source: &mut Self,
        from: u64,
        len: usize,
        to: u64,
    ) -> Result<usize> {
        let len = self.copyable(source, from, Some(len as u64), to)?;
        let Ok(len @ 1..) = usize::try_from(len) else {
            return Ok(0);
        };
        self.write_within_quota(to, len, |file| {
            copy_all(file, source.file.as_ref(), from, to, len)
        })?;
        self.entry.moved(len as u64);
        source.entry.moved(len as u64);
        Ok(len)
    }
}

fn copy_all(file: &dyn File, source: &dyn File, from: u64, to: u64, len: usize) -> Result<()> {
    let mut buffer = Vec::new();
    let mut done = 0;
    while done < len {
        let (from, to, left) = (from + done as u64, to + done as u64, len - done);
        let copied = match file.copy_within_storage(source, from, to, left)? {
            Some(copied) => copied,
            None => {
                buffer.resize(left.min(PIECE), 0);
                let read = source.read_at(&mut buffer, from)?;
                file.write_all_at(buffer.get(..read).unwrap_or_default(), to)?;
                read
            }
        };
        if copied == 0 {
            return Err(Error::new(
                ErrorKind::Internal,
                "the source became shorter while it was copied",
            ));
        }
        done += copied;
    }
    Ok(())
}
